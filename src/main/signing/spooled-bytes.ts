import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { SigningFailureCode, SpooledFile } from './signer.ts'

/**
 * Bytes of a file that must have the size it had when it was shown; fewer than `length` where the file ends. They are put into `into` where it
 * is given (fresh pages cost more than reading them full), and then belong to the caller until its next call.
 */
export function readSpooled(
  file: SpooledFile,
  offset: number,
  length: number,
  into?: Buffer,
): Result<Buffer, Failure<SigningFailureCode>> {
  let fd: number | null = null
  try {
    fd = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW)
    const stat = fstatSync(fd)
    const wanted = Math.min(length, Math.max(0, file.size - offset))
    if (stat.isFile() && stat.size === file.size) {
      const bytes = into?.subarray(0, wanted) ?? Buffer.allocUnsafe(wanted)
      let position = 0
      while (position < wanted) {
        const read = readSync(fd, bytes, position, wanted - position, offset + position)
        if (read === 0) break
        position += read
      }
      if (position === wanted) return ok(bytes)
    }
    return err({
      kind: 'invalid',
      code: 'input-changed',
      message: 'The file has another size than the one that was shown for approval; it was not signed.',
    })
  } catch (error) {
    return err({
      kind: 'unavailable',
      code: 'file-unreadable',
      message: 'The file to be signed could not be read; nothing was signed. Check the disk and try again.',
      detail: error instanceof Error ? error.message : String(error),
    })
  } finally {
    if (fd !== null) closeSync(fd)
  }
}
