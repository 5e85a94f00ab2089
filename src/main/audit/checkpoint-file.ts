import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Standing } from './checkpoint-history.ts'
import type { Evidence } from './contradiction.ts'
import { type CheckpointFault, openCheckpoint, type SignedCheckpoint } from './format/checkpoint.ts'
import { maxNoteBytes, type VerifierKey } from './format/signed-note.ts'

/** Where the last checkpoint is kept outside the database: whoever puts back an older database has to put back this file too. */
export function checkpointFileOf(database: string): string {
  return `${database}.checkpoint`
}

/** The name under which a station's last checkpoint lies on a medium, where those of other stations may lie too. */
export function checkpointFileName(key: VerifierKey): string {
  return `signing-station-${Buffer.from(key.id).toString('hex')}.checkpoint`
}

export type KeptCheckpoint =
  | { readonly kind: 'kept'; readonly signed: SignedCheckpoint; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'wrong'; readonly fault: CheckpointFault }
  | { readonly kind: 'unreadable'; readonly code: string }

export function readCheckpointFile(path: string, key: VerifierKey): KeptCheckpoint {
  try {
    const handle = openSync(path, reading)
    try {
      const stat = fstatSync(handle)
      return opened(stat, stat.isFile() && stat.size <= maxNoteBytes ? readFileSync(handle) : null, key)
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    return notRead(error)
  }
}

/** The same, without waiting for the disk in the way of everything else. For the profile's own disk. */
export async function readCheckpoint(path: string, key: VerifierKey): Promise<KeptCheckpoint> {
  try {
    const handle = await open(path, reading)
    try {
      const stat = await handle.stat()
      return opened(stat, stat.isFile() && stat.size <= maxNoteBytes ? await handle.readFile() : null, key)
    } finally {
      await handle.close()
    }
  } catch (error) {
    return notRead(error)
  }
}

/** A link is not followed and a pipe of this name holds nobody up. */
const reading = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

function opened(stat: Stats, bytes: Uint8Array | null, key: VerifierKey): KeptCheckpoint {
  if (bytes === null) {
    const reason = stat.isFile() ? 'it is too large' : 'it is no file'
    return { kind: 'wrong', fault: { code: 'malformed', reason } }
  }
  return checkpointFrom(bytes, key)
}

/** What bytes say that lay under the name of a checkpoint. Throws what `TextDecoder` throws; `notRead` knows it. */
export function checkpointFrom(bytes: Uint8Array, key: VerifierKey): KeptCheckpoint {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const checkpoint = openCheckpoint(text, key)
  return checkpoint.ok ? { kind: 'kept', signed: checkpoint.value, text } : { kind: 'wrong', fault: checkpoint.error }
}

export function notRead(error: unknown): KeptCheckpoint {
  const code = codeOf(error)
  if (code === 'ENOENT') return { kind: 'absent' }
  if (code === 'ELOOP') return { kind: 'wrong', fault: { code: 'malformed', reason: 'it is a link' } }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return { kind: 'wrong', fault: { code: 'malformed', reason: 'it is not UTF-8' } }
  if (code === null) throw error
  return { kind: 'unreadable', code }
}

/** A checkpoint could not be put somewhere. The log itself is not touched by that: `reason` is for people. */
export interface CopyWarning {
  readonly path: string
  readonly code: 'unwritable' | 'silent' | 'foreign-there' | 'not-compared' | 'contradicts' | 'closed'
  readonly reason: string
  /** Of `contradicts`: the checkpoint that does. */
  readonly evidence?: Evidence
}

/** What asks our log whether it contains a checkpoint that our key signed. */
export type AskHistory = (signed: SignedCheckpoint) => Promise<Standing>

/** Where one checkpoint lies: on the profile's disk, or on a medium. */
export interface CheckpointPlace {
  readonly path: string
  read(key: VerifierKey): Promise<KeptCheckpoint>
  /** Whole or not at all, on disk; only if what is there still is `there` (its text; null: no file). The code says why it is not. */
  replace(note: string, there: string | null): Promise<'replaced' | 'changed' | 'silent' | { readonly code: string }>
}

/**
 * Replaces the file by a checkpoint of more entries. What is there goes only if it is a checkpoint of ours that our log contains: any
 * other may be the only witness of what this log was.
 */
export async function putCheckpoint(
  place: CheckpointPlace,
  note: string,
  size: number,
  key: VerifierKey,
  ask: AskHistory,
): Promise<CopyWarning | null> {
  const { path } = place
  const there = await place.read(key)
  if (there.kind === 'unreadable') return there.code === 'silent' ? silent(path) : unwritable(path, there.code)
  if (there.kind === 'wrong')
    return {
      path,
      code: 'foreign-there',
      reason: `The file ${path} is not a checkpoint of this log. It was left as it is.`,
    }
  if (there.kind === 'kept') {
    if (there.text === note) return null
    const warning = await doubtAbout(path, there, ask)
    if (warning !== null) return warning
    // Ours, and newer than what we came with: another call was quicker.
    if (there.signed.checkpoint.size > size) return null
  }
  const done = await place.replace(note, there.kind === 'kept' ? there.text : null)
  if (done === 'replaced') return null
  if (done === 'silent') return silent(path)
  if (done !== 'changed') return unwritable(path, done.code)
  return {
    path,
    code: 'not-compared',
    reason: `The checkpoint in ${path} was changed by another program while it was compared with the log. It was left as it is.`,
  }
}

/** A medium that does not answer: a warning, and never the log's fault. */
export function silent(path: string): CopyWarning {
  return { path, code: 'silent', reason: `The folder of ${path} does not answer. The log itself is safe.` }
}

function unwritable(path: string, code: string): CopyWarning {
  return {
    path,
    code: 'unwritable',
    reason: `The checkpoint could not be copied to ${path} (${code}). The log itself is safe.`,
  }
}

async function doubtAbout(
  path: string,
  { signed, text }: Extract<KeptCheckpoint, { kind: 'kept' }>,
  ask: AskHistory,
): Promise<CopyWarning | null> {
  let answer: Standing
  try {
    answer = await ask(signed)
  } catch (error) {
    // The database is closed or cannot be read: as long as it does not say that this is its own, nothing is written over.
    const why = error instanceof Error ? error.message : String(error)
    return {
      path,
      code: 'not-compared',
      reason: `The checkpoint in ${path} could not be compared with the log (${why}). It was left as it is.`,
    }
  }
  if (answer === 'contained') return null
  const { size } = signed.checkpoint
  if (answer === 'closed')
    return {
      path,
      code: 'closed',
      reason: `The checkpoint in ${path} contradicts this log; that was closed, and the log says by whom and why. The file was left as it is, so no copy is kept there: put it away elsewhere, as evidence.`,
    }
  const what =
    answer === 'more-entries'
      ? `for ${size} entries, more than this log ever had signed here`
      : `for ${size} entries, and they are not the first ${size} of this log`
  return {
    path,
    code: 'contradicts',
    evidence: { path, note: text, signed, how: answer },
    reason: `The checkpoint in ${path} is signed by the key of this log ${what}: an older copy of the profile was put back, or a second copy of it works elsewhere. The checkpoint was left as it is, and the station is for reading only. Keep it, keep a copy of the database, find out who had access, and check the log with it (signing-station-verify). The station stays so until a person closes this on the Audit log screen.`,
  }
}

export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
