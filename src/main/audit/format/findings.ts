import type { CheckpointFault } from './checkpoint.ts'
import { type Finding, finding } from './verification.ts'

// What is wrong with a log, in sentences: the place first, then what it means.

export function rewritten(from: number, size: number): Finding {
  return finding(
    'log-rewritten',
    [from + 1, size],
    `The log is not the one that the checkpoint of ${size} entries, kept elsewhere, was signed for: something between entry ${from + 1} and entry ${size} was changed, left out, put in or written anew.`,
  )
}

export function unlinked(seq: number): Finding {
  if (seq === 1) return finding('entry-unlinked', [1, 1], 'Entry 1 names an entry before it.')
  return finding(
    'entry-unlinked',
    [seq - 1, seq],
    `Entry ${seq} does not follow entry ${seq - 1}: one of the two was changed, put in or moved.`,
  )
}

export function checkpointFault(fault: CheckpointFault, size: number): Finding {
  switch (fault.code) {
    case 'malformed':
      return finding(
        'checkpoint-malformed',
        null,
        `The checkpoint after entry ${size} cannot be read: ${fault.reason}.`,
      )
    case 'other-log':
      return finding(
        'other-log',
        null,
        `The checkpoint after entry ${size} is of another log: this is the log of another station.`,
      )
    case 'not-signed':
      return finding(
        'checkpoint-not-signed',
        null,
        `The checkpoint after entry ${size} is not signed by the key of this log.`,
      )
    case 'signature-wrong':
      return finding(
        'checkpoint-signature-wrong',
        null,
        `The signature of the checkpoint after entry ${size} is wrong: it was edited.`,
      )
  }
}

/** A range of entries as the subject of a sentence. */
export function entries(first: number, last: number): string {
  return first === last ? `Entry ${first} is` : `Entries ${first} to ${last} are`
}
