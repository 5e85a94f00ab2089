import type { AuditSource, LogComparison, VerificationReport } from '../../../shared/audit.ts'
import type { Tone } from '../../design/Badge.tsx'
import { count, plainNumber, utc } from '../../parts/format.ts'

export type ReportTone = Extract<Tone, 'passed' | 'refused' | 'unknown'>

export type ReportView = {
  readonly tone: ReportTone
  readonly title: string
  readonly sentence: string
  /** Why nothing more can be said, one reason each. */
  readonly doubts: readonly string[]
  readonly facts: readonly { readonly label: string; readonly value: string }[]
  /** The first bad entry, to go to; null: the place is not an entry. */
  readonly bad: number | null
  /** The first intent without an outcome. */
  readonly open: number | null
}

const tones: Record<VerificationReport['verdict'], ReportTone> = {
  verified: 'passed',
  tampered: 'refused',
  'cannot-tell': 'unknown',
}

/** All that is said about a verification, on the screen and on paper. */
export function reportView(report: VerificationReport, source: AuditSource): ReportView {
  const [finding] = report.findings
  const place = finding === undefined ? null : placeOf(finding)
  return {
    tone: tones[report.verdict],
    title: titleOf(report, place),
    sentence: finding?.sentence ?? report.sentence,
    doubts: report.doubts.map((doubt) => doubt.sentence),
    facts: factsOf(report, source),
    bad: finding?.first ?? null,
    open: report.facts?.openIntents?.first[0] ?? null,
  }
}

function placeOf({ first, last }: VerificationReport['findings'][number]): string | null {
  if (first === null) return null
  return last === null || last === first
    ? `entry ${plainNumber(first)}`
    : `entries ${plainNumber(first)} to ${plainNumber(last)}`
}

function titleOf({ verdict, facts }: VerificationReport, place: string | null): string {
  switch (verdict) {
    case 'verified':
      return facts === null ? 'Verified' : `Verified: ${count(facts.size, 'entry', 'entries')}`
    case 'tampered':
      return place === null ? 'Tampered with' : `Tampered with: ${place}`
    case 'cannot-tell':
      return 'Cannot tell'
  }
}

const keyWords: Record<VerificationReport['keyFrom'], string> = {
  station: 'This station’s own',
  reviewer: 'The verifier key that you gave',
  log: 'From the file itself: compare it with the verifier key that its station shows',
}

function factsOf({ facts, keyFrom, at }: VerificationReport, source: AuditSource): ReportView['facts'] {
  const key = { label: 'Key', value: keyWords[keyFrom] }
  const when = { label: 'Checked', value: utc(at) }
  if (facts === null) return [key, when]
  const { size, read, omitted, checkpoints, lastCheckpoint, known, cosigned, openIntents } = facts
  return [
    { label: 'Log', value: facts.origin ?? 'It names none' },
    {
      label: 'Entries',
      value:
        omitted === 0 && read === size
          ? `${plainNumber(size)}, all of them read`
          : `${plainNumber(size)}: ${plainNumber(read)} read, ${plainNumber(omitted)} left out`,
    },
    {
      label: 'Checkpoints',
      value:
        lastCheckpoint === null
          ? 'None: nothing is signed'
          : `${plainNumber(checkpoints)} signed and right, the last of ${count(lastCheckpoint.size, 'entry', 'entries')}`,
    },
    {
      label: 'Kept elsewhere',
      value:
        known.length === 0
          ? source === 'station'
            ? 'No checkpoint outside the database was found'
            : 'No earlier checkpoint of this log is known here'
          : `It begins with what was signed at ${known.map(plainNumber).join(', ')} entries`,
    },
    ...cosigned.map((each) => ({
      label: 'Witness',
      value: `${each.witness}, ${count(each.size, 'entry', 'entries')}, ${utc(each.at)}`,
    })),
    ...(openIntents === null || openIntents.count === 0
      ? []
      : [
          {
            label: 'Without outcome',
            value: `${count(openIntents.count, 'intent')}: signatures that may exist and that nothing describes`,
          },
        ]),
    key,
    when,
  ]
}

export type ComparisonView = { readonly tone: ReportTone; readonly title: string; readonly sentence: string }

const compared: Record<LogComparison['verdict'], string> = {
  verified: 'The newer one continues the older one',
  tampered: 'The newer one does not continue the older one',
  'cannot-tell': 'Cannot tell',
}

export function comparisonView(comparison: LogComparison): ComparisonView {
  return { tone: tones[comparison.verdict], title: compared[comparison.verdict], sentence: comparison.sentence }
}

const ways: Record<Exclude<LogComparison['checkedBy'], null>, string> = {
  'same-checkpoint': 'The older one’s checkpoint is in the newer one.',
  tree: 'The tree of the newer one was computed up to the older one’s checkpoint, and the root is the same.',
}

/** What was compared and how, below the verdict. */
export function comparisonFacts(comparison: LogComparison): ReportView['facts'] {
  const { origin, olderSize, newerSize, checkedBy } = comparison
  return [
    ...(origin === null ? [] : [{ label: 'Log', value: origin }]),
    ...(olderSize === null ? [] : [{ label: 'Older', value: count(olderSize, 'entry', 'entries') }]),
    ...(newerSize === null ? [] : [{ label: 'Newer', value: count(newerSize, 'entry', 'entries') }]),
    ...(checkedBy === null ? [] : [{ label: 'How', value: ways[checkedBy] }]),
  ]
}
