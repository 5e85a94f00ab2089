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
