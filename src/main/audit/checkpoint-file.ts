import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { open, rename, rm, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
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

/** The same for a medium, which may be slow or hang: nothing waits for it but the caller. */
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
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const checkpoint = openCheckpoint(text, key)
  return checkpoint.ok ? { kind: 'kept', signed: checkpoint.value, text } : { kind: 'wrong', fault: checkpoint.error }
}

function notRead(error: unknown): KeptCheckpoint {
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

/**
 * Replaces the file by a checkpoint of more entries, whole or not at all, and waits for the disk. What is there goes only if it
 * is a checkpoint of ours that our log contains: any other may be the only witness of what this log was.
 */
export async function putCheckpoint(
  path: string,
  note: string,
  size: number,
  key: VerifierKey,
  ask: AskHistory,
): Promise<CopyWarning | null> {
  const there = await readCheckpoint(path, key)
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
  const unfinished = `${path}.new`
  try {
    // If we crash before the rename, the old checkpoint is there and the remains are taken away by the next one. Whoever can
    // write to the medium may have put a link, a pipe or a file with other names there: what is written is a file of our own.
    await removeIfThere(unfinished)
    const handle = await open(
      unfinished,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    )
    try {
      await handle.writeFile(note)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, path)
    await syncFolder(dirname(path))
    return null
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    await rm(unfinished, { force: true }).catch(() => {})
    return {
      path,
      code: 'unwritable',
      reason: `The checkpoint could not be copied to ${path} (${code}). The log itself is safe.`,
    }
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

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Some file systems of media cannot sync a folder and say so; what was written there is synced all the same. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
