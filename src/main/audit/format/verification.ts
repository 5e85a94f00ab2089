import type { VerifierKey } from './signed-note.ts'

/** What is wrong with a log, or with what was handed in beside it. Programs compare these. */
export type FindingCode =
  | 'entry-changed' // its bytes have not the hash that is stored with them
  | 'entry-unlinked' // it does not follow the one before
  | 'entry-missing'
  | 'entry-out-of-place' // put in, repeated or moved
  | 'entry-malformed'
  | 'clock-not-recorded' // time went back and no entry says so
  | 'checkpoint-malformed'
  | 'checkpoint-not-signed' // by the log's key
  | 'checkpoint-signature-wrong'
  | 'checkpoint-out-of-place'
  | 'checkpoint-root-wrong' // signed for other entries
  | 'cosignature-wrong'
  | 'log-shorter' // than a checkpoint that was kept elsewhere
  | 'log-rewritten' // another log than the checkpoint that was kept elsewhere
  | 'other-log'
  | 'omission-malformed'
  | 'export-malformed'
  | 'export-incomplete'
  | 'database-damaged'
  | 'proof-malformed'
  | 'proof-wrong'
  | 'proof-of-another-file'
  | 'signature-not-logged'
  | 'transcript-malformed'
  | 'transcript-not-sealed'
  | 'transcript-sealed-twice'
  | 'transcript-contradicts-log'
  | 'transcript-incomplete'

/** The first place that is wrong. `first` and `last` are numbers of entries, both included; null where it is not about entries. */
export interface Finding {
  readonly code: FindingCode
  readonly first: number | null
  readonly last: number | null
  readonly sentence: string
}

export function finding(
  code: FindingCode,
  range: readonly [first: number, last: number] | null,
  sentence: string,
): Finding {
  return { code, first: range?.[0] ?? null, last: range?.[1] ?? null, sentence }
}

/** Why a log without a fault is still not shown to be whole. */
export type DoubtCode =
  | 'key-not-known'
  | 'no-known-checkpoint'
  | 'known-checkpoint-omitted'
  | 'entries-without-checkpoint'
  | 'no-checkpoint'
  | 'not-cosigned'
  | 'signature-omitted'
  | 'transcript-omitted'

export interface Doubt {
  readonly code: DoubtCode
  readonly sentence: string
}

export interface Facts {
  readonly origin: string | null
  /** Entries that the log has, read and omitted. */
  readonly size: number
  readonly read: number
  readonly omitted: number
  /** Checkpoints whose signature and root hash were found right. */
  readonly checkpoints: number
  readonly lastCheckpoint: number | null
  /** Root hash of that checkpoint, lower-case hex. */
  readonly lastRoot: string | null
  /** Sizes of the checkpoints from outside that this log was found to contain. */
  readonly known: readonly number[]
  readonly cosigned: readonly { readonly witness: string; readonly size: number; readonly time: number }[]
  /** Intents without an outcome: signatures that may exist and are not described. Null: entries were not read one by one. */
  readonly openIntents: readonly number[] | null
}

export type Report =
  | { readonly kind: 'verified'; readonly sentence: string; readonly facts: Facts }
  | { readonly kind: 'tampered'; readonly finding: Finding; readonly facts: Facts }
  | { readonly kind: 'cannot-tell'; readonly doubts: readonly Doubt[]; readonly facts: Facts }

export const doubts = {
  keyNotKnown: {
    code: 'key-not-known',
    sentence:
      'The key that the checkpoints are checked with came from the log itself: whoever wrote the log anew could have put his own there. Compare it with the verifier key that the station showed, and give it.',
  },
  noKnownCheckpoint: {
    code: 'no-known-checkpoint',
    sentence:
      'Without an earlier checkpoint that was kept elsewhere it cannot be excluded that entries are missing at the end, or that an older copy of the log is shown.',
  },
  noCheckpoint: {
    code: 'no-checkpoint',
    sentence: 'The log has no checkpoint: nothing in it is signed.',
  },
} as const satisfies Record<string, Doubt>

export function omittedCheckpoint(size: number): Doubt {
  return {
    code: 'known-checkpoint-omitted',
    sentence: `The checkpoint of ${size} entries ends among entries that this export leaves out. A consistency proof from it, or a whole export, is needed.`,
  }
}

export function uncovered(first: number, last: number): Doubt {
  return {
    code: 'entries-without-checkpoint',
    sentence: `Entries ${first} to ${last} come after the last checkpoint: they are linked to the rest, but not signed, and could have been added or exchanged by anyone who can write the file.`,
  }
}

export function notCosigned(witness: VerifierKey): Doubt {
  return { code: 'not-cosigned', sentence: `No checkpoint here is cosigned by ${witness.name}.` }
}
