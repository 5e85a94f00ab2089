import type { VerificationReport } from '../../shared/audit.ts'
import { auditSeq, sha256Hex } from '../../shared/ids.ts'
import type { ReadOutcome } from './protocol.ts'

/** What the verifier said, as the window shows it. */
export function reportOf(outcome: ReadOutcome, keyFrom: VerificationReport['keyFrom'], now: Date): VerificationReport {
  const base = { keyFrom, at: now.toISOString(), facts: factsOf(outcome.facts), findings: [], doubts: [] }
  switch (outcome.kind) {
    case 'verified':
      return { ...base, verdict: 'verified', sentence: outcome.sentence }
    case 'tampered':
      return { ...base, verdict: 'tampered', sentence: outcome.finding.sentence, findings: [outcome.finding] }
    case 'cannot-tell':
      return {
        ...base,
        verdict: 'cannot-tell',
        sentence: 'Nothing wrong was found, but that nothing is wrong cannot be said.',
        doubts: outcome.doubts,
      }
  }
}

/** A log that only agrees with what lies beside it: whoever puts an older copy of the whole folder in place puts that back too. */
export function knownOnlyInside(report: VerificationReport): VerificationReport {
  return report.verdict === 'verified'
    ? {
        ...report,
        verdict: 'cannot-tell',
        sentence: 'Nothing wrong was found, and the log agrees with the checkpoint beside it.',
        doubts: [onlyInside],
      }
    : report
}

/** What lies beside the database, and what the log is against it. */
export interface BesideContradiction {
  /** Entries that the checkpoint beside the database is for. */
  readonly size: number
  /** Entries that the last checkpoint in the database is for. */
  readonly signedHere: number
  readonly how: 'more-entries' | 'other-entries'
}

/**
 * The file beside the database is signed by the log's own key for what this log is not, whatever else was found. A checkpoint gives one
 * hash for all its entries: where the two part is known only as far as another one from elsewhere, that the log contains, reaches.
 */
export function contradictedBeside(
  report: VerificationReport,
  { size, signedHere, how }: BesideContradiction,
): VerificationReport {
  if (report.verdict === 'tampered') return report
  const entries = report.facts?.size ?? 0
  const vouched = Math.max(0, ...(report.facts?.known ?? []))
  const first = vouched + 1
  const here = `This log has ${entries === 1 ? '1 entry' : `${entries} entries`}, of which ${signedHere} were signed for`
  const missing = size > entries ? ` Entries ${entries + 1} to ${size} are not here.` : ''
  const until =
    vouched >= size
      ? `Entries 1 to ${vouched} are vouched for by a checkpoint from elsewhere: the one beside the database was signed for a second log.`
      : vouched > 0
        ? `Entries 1 to ${vouched} are vouched for by a checkpoint from elsewhere; from entry ${first} on nothing vouches for them.`
        : 'No checkpoint from elsewhere vouches for any of them, so not for entry 1 either.'
  const what =
    how === 'more-entries'
      ? `The checkpoint beside the database is for ${size} entries, more than the log ever had signed: entries are missing at the end, or the database is an older copy.`
      : `The checkpoint of ${size} entries beside the database was signed for other entries: something at or before entry ${size} was changed, or all was written anew.`
  const finding = {
    code: how === 'more-entries' ? 'log-shorter' : 'log-rewritten',
    first: vouched >= size ? null : first,
    last: vouched >= size ? null : size,
    sentence: `${what} ${here}.${missing} ${until}`,
  }
  return { ...report, verdict: 'tampered', sentence: finding.sentence, findings: [finding], doubts: [] }
}

const onlyInside = {
  code: 'known-only-inside',
  sentence:
    'No checkpoint is kept outside this station’s folder: that the whole folder was put back to an older state cannot be excluded. Name a folder on another disk or medium in the settings.',
}

function factsOf(facts: ReadOutcome['facts']): VerificationReport['facts'] {
  if (facts === null) return null
  const { lastCheckpoint, lastRoot, cosigned, openIntents, ...rest } = facts
  return {
    ...rest,
    lastCheckpoint:
      lastCheckpoint === null || lastRoot === null
        ? null
        : { size: lastCheckpoint, rootHash: sha256Hex.parse(lastRoot) },
    cosigned: cosigned.map(({ witness, size, time }) => ({ witness, size, at: timeOf(time) })),
    openIntents:
      openIntents === null
        ? null
        : { count: openIntents.count, first: openIntents.first.map((seq) => auditSeq.parse(seq)) },
  }
}

/** A witness may state any time; what no calendar has is shown as its beginning. */
function timeOf(seconds: number): string {
  const time = new Date(seconds * 1000)
  return seconds < 253_402_300_800 && Number.isFinite(time.getTime()) ? time.toISOString() : new Date(0).toISOString()
}
