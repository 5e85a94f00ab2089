import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readlink, rm, stat } from 'node:fs/promises'
import type { Failure } from '../../../shared/failure.ts'
import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'

/** A file that was read from where a person keeps it. */
export interface CopiedSource {
  /** What the kernel says was read: another path than the one that was named where links led elsewhere. */
  readonly opened: string
  readonly size: number
  readonly sha256: Sha256Hex
}

const chunk = 1024 * 1024

/**
 * Copies a file into the spool, and fixes size and digest of what was copied: from here on nobody looks at the original again. Only
 * regular files: a pipe or a device would give other bytes each time, or none for ever. Nothing is left behind by a failure.
 */
export async function copySource(
  named: string,
  to: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Result<CopiedSource, Failure>> {
  let source: FileHandle | null = null
  let copy: FileHandle | null = null
  let whole = false
  try {
    // Asked before it is opened: to open some devices is to use them.
    if (!(await stat(named)).isFile()) return err(notAFile(named))
    // It may be another file by now: not waited for if it is a pipe, and asked once more.
    source = await open(named, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    const before = await source.stat()
    if (!before.isFile()) return err(notAFile(named))
    if (before.size > maxBytes) return err(tooLarge(named, maxBytes))
    const opened = await readlink(`/proc/self/fd/${source.fd}`)
    copy = await open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(chunk)
    let size = 0
    for (;;) {
      if (signal.aborted) return err(stopped)
      const { bytesRead } = await source.read(buffer, 0, chunk, size)
      if (bytesRead === 0) break
      size += bytesRead
      // It can grow while it is read.
      if (size > maxBytes) return err(tooLarge(named, maxBytes))
      const part = buffer.subarray(0, bytesRead)
      hash.update(part)
      await copy.writeFile(part)
    }
    const after = await source.stat()
    if (after.size !== size || after.mtimeMs !== before.mtimeMs || before.size !== size) return err(changing(named))
    await copy.sync()
    whole = true
    return ok({ opened: opened.toWellFormed(), size, sha256: sha256Hex.parse(hash.digest('hex')) })
  } catch (error) {
    return err(unreadable(named, error))
  } finally {
    await source?.close()
    await copy?.close()
    if (copy !== null && !whole) await rm(to, { force: true })
  }
}

function notAFile(named: string): Failure {
  return {
    kind: 'refused',
    code: 'not-a-file',
    message: `${shown(named)} is not a regular file. Nothing was opened. Choose a file.`,
  }
}
function tooLarge(named: string, maxBytes: number): Failure {
  return {
    kind: 'refused',
    code: 'file-too-large',
    message: `${shown(named)} is larger than ${maxBytes / (1024 * 1024)} MiB, the most that is signed in this way. Nothing was opened.`,
  }
}
function changing(named: string): Failure {
  return {
    kind: 'refused',
    code: 'file-changing',
    message: `${shown(named)} was changed while it was read. Nothing was opened. Wait until whatever writes it is done, then open it again.`,
  }
}
function unreadable(named: string, error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'is not there',
    ENOTDIR: 'is not there',
    EACCES: 'cannot be read by this user',
    EPERM: 'cannot be read by this user',
    ELOOP: 'is a link that leads back to itself',
    ENOSPC: 'does not fit into the spool: its disk is full',
    EDQUOT: 'does not fit into the spool: its quota is used up',
  }
  return {
    kind: 'unavailable',
    code: 'file-not-opened',
    message: `${shown(named)} ${reasons[code] ?? 'could not be read'}. Nothing was opened.`,
    detail: error instanceof Error ? error.message : String(error),
  }
}
const stopped: Failure = {
  kind: 'unavailable',
  code: 'cancelled',
  message: 'Opening the files was stopped. Nothing was opened.',
}

/** A path inside a sentence. */
export function shown(path: string): string {
  return `“${path.length <= 300 ? path : `${path.slice(0, 150)}…${path.slice(-149)}`}”`
}
