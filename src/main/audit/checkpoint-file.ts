import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
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
  let text: string
  try {
    if (statSync(path).size > maxNoteBytes)
      return { kind: 'wrong', fault: { code: 'malformed', reason: 'it is too large' } }
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return { kind: 'absent' }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { kind: 'wrong', fault: { code: 'malformed', reason: 'it is not UTF-8' } }
    if (code === null) throw error
    return { kind: 'unreadable', code }
  }
  const opened = openCheckpoint(text, key)
  return opened.ok ? { kind: 'kept', signed: opened.value, text } : { kind: 'wrong', fault: opened.error }
}

/** A checkpoint could not be put somewhere. The log itself is not touched by that: `reason` is for people. */
export interface CopyWarning {
  readonly path: string
  readonly code: 'unwritable' | 'newer-there' | 'foreign-there'
  readonly reason: string
}

/**
 * Replaces the file by a checkpoint of more entries, whole or not at all, and waits for the disk. One that is for more entries
 * than ours, or is of another log, or cannot be read as one, is left alone: it may be the only witness.
 */
export function writeCheckpointFile(path: string, note: string, size: number, key: VerifierKey): CopyWarning | null {
  const there = readCheckpointFile(path, key)
  if (there.kind === 'wrong')
    return {
      path,
      code: 'foreign-there',
      reason: `The file ${path} is not a checkpoint of this log. It was left as it is.`,
    }
  if (there.kind === 'kept') {
    if (there.text === note) return null
    if (there.signed.checkpoint.size > size)
      return {
        path,
        code: 'newer-there',
        reason: `The checkpoint in ${path} is for ${there.signed.checkpoint.size} entries, this log has a checkpoint for ${size}. It was left as it is: the log here may be an older copy.`,
      }
  }
  const unfinished = `${path}.new`
  try {
    // If we crash before the rename, the old checkpoint is there and the next one is written over the remains.
    const handle = openSync(
      unfinished,
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
      0o644,
    )
    try {
      writeAll(handle, Buffer.from(note))
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(unfinished, path)
    syncFolder(dirname(path))
    return null
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    rmSync(unfinished, { force: true })
    return {
      path,
      code: 'unwritable',
      reason: `The checkpoint could not be copied to ${path} (${code}). The log itself is safe.`,
    }
  }
}

/** Copies the checkpoint to every folder of the operator's; one that is not there now is a warning and never more. */
export function copyCheckpoint(
  folders: readonly string[],
  note: string,
  size: number,
  key: VerifierKey,
): readonly CopyWarning[] {
  return folders
    .map((folder) => writeCheckpointFile(join(folder, checkpointFileName(key)), note, size, key))
    .filter((warning) => warning !== null)
}

function writeAll(handle: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length) written += writeSync(handle, bytes, written)
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
