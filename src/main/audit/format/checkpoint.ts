import { err, ok, type Result } from '../../../shared/result.ts'
import { decodeHash, encodeBase64 } from './base64.ts'
import { emptyRoot, sameHash } from './merkle.ts'
import { formatNote, type Note, parseNote, type VerifierKey, verifyNote } from './signed-note.ts'

/** A tree head in the form of C2SP tlog-checkpoint. */
export interface Checkpoint {
  /** Which log: unique, chosen when the log was made. */
  readonly origin: string
  /** Entries that the tree has. */
  readonly size: number
  readonly root: Uint8Array
  /** Opaque lines after the three; this station writes none. */
  readonly extensions: readonly string[]
}

export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint
  readonly note: Note
}

/** The text that is signed. */
export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, String(size), encodeBase64(root), ...extensions].map((line) => `${line}\n`).join('')
}

/** Reads the form only: believe nothing of it before `openCheckpoint` or `verifyNote` has found the signature good. */
export function parseCheckpoint(text: string): Result<SignedCheckpoint, string> {
  const note = parseNote(text)
  if (!note.ok) return note
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = note.value.text.slice(0, -1).split('\n')
  if (origin === '') return err('the checkpoint has no origin')
  const size = parseSize(sizeLine)
  if (size === null) return err('the size in the checkpoint is not a number in its shortest form')
  const root = decodeHash(rootLine)
  if (root === null) return err('the root hash in the checkpoint is not 32 bytes of base64')
  if (size === 0 && !sameHash(root, emptyRoot)) return err('the checkpoint of an empty log has another root hash')
  if (extensions.includes('')) return err('an extension line of the checkpoint is empty')
  return ok({ checkpoint: { origin, size, root, extensions }, note: note.value })
}

/** A decimal without leading zeroes; null for anything else and for what a number cannot hold exactly. */
export function parseSize(text: string): number | null {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return null
  const size = Number(text)
  return Number.isSafeInteger(size) ? size : null
}

export type CheckpointFault =
  | { readonly code: 'malformed'; readonly reason: string }
  | { readonly code: 'other-log' }
  | { readonly code: 'not-signed' }
  | { readonly code: 'signature-wrong' }

/** The checkpoint, if it is of the log that `key` signs for and the signature is good. Its key has the name of its origin. */
export function openCheckpoint(text: string, key: VerifierKey): Result<SignedCheckpoint, CheckpointFault> {
  const parsed = parseCheckpoint(text)
  if (!parsed.ok) return err({ code: 'malformed', reason: parsed.error })
  if (parsed.value.checkpoint.origin !== key.name) return err({ code: 'other-log' })
  switch (verifyNote(parsed.value.note, key)) {
    case 'verified':
      return parsed
    case 'absent':
      return err({ code: 'not-signed' })
    case 'wrong':
      return err({ code: 'signature-wrong' })
  }
}

/** The signed note of a checkpoint, from the 64 bytes that the log's key gave for `checkpointText`. */
export function signedCheckpoint(checkpoint: Checkpoint, key: VerifierKey, signature: Uint8Array): string {
  return formatNote({ text: checkpointText(checkpoint), signatures: [{ name: key.name, id: key.id, signature }] })
}
