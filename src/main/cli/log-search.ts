import type { VerifierKey } from '../audit/format/signed-note.ts'
import { findSignature, type LogSearch } from './find-signature.ts'
import { findTranscript } from './find-transcript.ts'
import type { Handed, Watcher } from './handed.ts'

/** For what was handed in beside the log: a signed file, a transcript, both or nothing. */
export function searchFor({ signedFile, transcript }: Handed, key: VerifierKey): LogSearch {
  const signature = findSignature(signedFile)
  const ceremony = findTranscript(transcript ?? null, key)
  return {
    look: (seq, entry) => {
      signature.look(seq, entry)
      ceremony.look(seq, entry)
    },
    checkpoint: (size) => ceremony.checkpoint(size),
    conclude: (outcome) => ceremony.conclude(signature.conclude(outcome)),
  }
}

/** What a reader of logs tells: the search, and whoever else watches. */
export type Told = Watcher & { readonly look: (seq: number, entry: Uint8Array) => void }

export function tellBoth(search: LogSearch, size: () => number, watcher: Watcher): Told {
  return {
    look: (seq, entry) => {
      search.look(seq, entry)
      watcher.entry?.(seq, entry)
    },
    checkpoint: (note) => {
      search.checkpoint(size())
      watcher.checkpoint?.(note)
    },
  }
}
