import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { err, ok, type Result } from '../../shared/result.ts'
import { backOff, type Clock, pause } from './clock.ts'
import { type Connection, forHeld } from './held-call.ts'
import { limits } from './limits.ts'
import { invalidAnswer, refusalFailure, serverFailure } from './problem.ts'
import type { Authority } from './rest.ts'
import type { ArtifactFile, HeldReference, ServerFailure } from './server.ts'
import { quoted } from './wire.ts'

const maxAttempts = 5

/**
 * Streams a file into `DESTINATION.part`, which becomes `DESTINATION` when size and SHA-256 are right and the bytes are on
 * disk. A part that is left from before is gone on with. `destination` is a name of our own in a folder of our own: nothing of
 * the server's name is in it.
 */
export function download(
  connection: Connection,
  clock: Clock,
  held: HeldReference,
  file: ArtifactFile,
  destination: string,
  signal: AbortSignal,
): Promise<Result<null, ServerFailure>> {
  return forHeld(connection, held, async (rules) => {
    if (file.size > limits.fileBytes)
      return err(
        serverFailure(
          'too-large',
          `A file of ${file.size} bytes was refused; this station takes at most ${limits.fileBytes}.`,
        ),
      )
    const url = URL.parse(file.url)
    if (url === null) return err(invalidAnswer('download a file', 'the address of the file is no URL'))
    if (await isGood(destination, file)) return ok(null)
    const opened = await openPart(`${destination}.part`, file)
    if (!opened.ok) return opened
    const part = opened.value
    try {
      // File addresses name scope and workspace themselves (web UI paths).
      const transferred = await transfer(
        connection,
        clock,
        url,
        { ...rules.authority(held, connection.workerToken), scope: null },
        file,
        part,
        signal,
      )
      if (!transferred.ok) return transferred
      await part.handle.sync()
    } catch (cause) {
      return err(diskFailure(cause))
    } finally {
      await part.handle.close()
    }
    try {
      await rename(`${destination}.part`, destination)
      await syncFolder(dirname(destination))
    } catch (cause) {
      return err(diskFailure(cause))
    }
    return ok(null)
  })
}

interface Part {
  readonly path: string
  readonly handle: FileHandle
  length: number
  hash: Hash
}

async function transfer(
  connection: Connection,
  clock: Clock,
  url: URL,
  authority: Authority,
  file: ArtifactFile,
  part: Part,
  signal: AbortSignal,
): Promise<Result<null, ServerFailure>> {
  let fruitless = 0
  for (;;) {
    const before = part.length
    const round: Result<null, ServerFailure> =
      before === file.size && (file.size === 0 || before > 0)
        ? ok(null)
        : await oneAttempt(connection, url, authority, file, part, signal)
    if (round.ok && part.length === file.size) {
      if (part.hash.digest('hex') === file.sha256) return ok(null)
      // Wrong bytes are of no use to a later attempt either.
      await unlink(part.path)
      return err(
        serverFailure(
          'digest-mismatch',
          `The bytes of “${quoted(file.path, 100)}” are not those that the server announced (SHA-256). They were thrown away.`,
        ),
      )
    }
    const error = round.ok ? invalidAnswer('download a file', 'the file ended early') : round.error
    const again = error.code === 'server-unreachable' || error.code === 'server-error'
    fruitless = part.length > before ? 0 : fruitless + 1
    if (!again || fruitless >= maxAttempts) return err(error)
    if (!(await pause(clock, backOff(clock, fruitless, 250, 8000), signal)))
      return err(serverFailure('cancelled', 'The download was stopped. What has arrived is kept for the next attempt.'))
  }
}

async function oneAttempt(
  connection: Connection,
  url: URL,
  authority: Authority,
  file: ArtifactFile,
  part: Part,
  signal: AbortSignal,
): Promise<Result<null, ServerFailure>> {
  const what = 'download a file'
  const answer = await connection.rest.open({
    method: 'GET',
    url,
    authority,
    headers: { accept: '*/*', ...(part.length > 0 ? { range: `bytes=${part.length}-${file.size - 1}` } : {}) },
    repeat: 'never',
    what,
    wholeMs: limits.wholeMs + Math.ceil((file.size / limits.slowestRate) * 1000),
    signal,
  })
  if (!answer.ok) return answer
  const { status, header } = answer.value
  if (status >= 300 && status < 400) {
    answer.value.discard()
    return err(refusalFailure({ status, contentType: '', text: '' }, what))
  }
  if (status >= 400) {
    const text = await answer.value.text(limits.problemBytes)
    return err(
      refusalFailure(
        { status, contentType: text.ok ? (header('content-type') ?? '') : '', text: text.ok ? text.value : '' },
        what,
      ),
    )
  }
  const wrong = wrongHeaders(status, header, file, part.length)
  if (wrong !== null) {
    answer.value.discard()
    return err(invalidAnswer(what, wrong))
  }
  if (status === 200 && part.length > 0) await restart(part)
  return answer.value.each(async (chunk) => {
    // Never more on disk than was announced, whatever the headers said.
    if (part.length + chunk.length > file.size)
      return err(
        serverFailure(
          'too-large',
          `More bytes came for “${quoted(file.path, 100)}” than the server announced. The download was stopped.`,
        ),
      )
    try {
      await writeAll(part.handle, chunk, part.length)
    } catch (cause) {
      return err(diskFailure(cause))
    }
    part.hash.update(chunk)
    part.length += chunk.length
    return ok(null)
  })
}

/** What is wrong with the headers of a 2xx answer to a request from `start` on, or null. */
function wrongHeaders(
  status: number,
  header: (name: string) => string | null,
  file: ArtifactFile,
  start: number,
): string | null {
  const encoding = header('content-encoding')
  if (encoding !== null && encoding !== 'identity') return `content encoding ${encoding}`
  const length = header('content-length')
  if (status === 200)
    return length === null || Number(length) === file.size ? null : `content length ${length} instead of ${file.size}`
  if (status !== 206) return `status ${status}`
  if (start === 0) return 'a part was sent that was not asked for'
  const range = header('content-range')
  return range === `bytes ${start}-${file.size - 1}/${file.size}` ? null : `content range ${range ?? 'missing'}`
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done)
    done += bytesWritten
  }
}

async function restart(part: Part): Promise<void> {
  await part.handle.truncate(0)
  part.length = 0
  part.hash = createHash('sha256')
}

/** Opens a new part (O_EXCL) or the one that is left, if it is a plain file of ours; anything else in its place is refused. */
async function openPart(path: string, file: ArtifactFile): Promise<Result<Part, ServerFailure>> {
  try {
    const handle = await openOrCreate(path)
    const stat = await handle.stat()
    if (!stat.isFile() || stat.nlink !== 1 || stat.uid !== process.geteuid?.()) {
      await handle.close()
      return err(
        serverFailure(
          'disk-full',
          'The spool folder holds something that this program did not put there. Nothing was written; look at the folder.',
          path,
        ),
      )
    }
    const free = await statfs(dirname(path))
    if (free.bavail * free.bsize < file.size - stat.size) {
      await handle.close()
      return err(
        serverFailure(
          'disk-full',
          `The disk has not enough room for ${file.size} more bytes. Nothing was written; make room and try again.`,
        ),
      )
    }
    const part: Part = { path, handle, length: 0, hash: createHash('sha256') }
    if (stat.size > file.size) await restart(part)
    else await rehash(part, stat.size)
    return ok(part)
  } catch (cause) {
    return err(diskFailure(cause))
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    return await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  } catch (cause) {
    if (!isErrno(cause, 'EEXIST')) throw cause
    return open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
  }
}

async function rehash(part: Part, size: number): Promise<void> {
  const buffer = Buffer.alloc(256 * 1024)
  while (part.length < size) {
    const { bytesRead } = await part.handle.read(buffer, 0, buffer.length, part.length)
    if (bytesRead === 0) return
    part.hash.update(buffer.subarray(0, bytesRead))
    part.length += bytesRead
  }
}

/** Whether the file is there already, whole: a repeated download then does nothing. Wrong bytes are replaced. */
async function isGood(path: string, file: ArtifactFile): Promise<boolean> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = await handle.stat()
      if (!stat.isFile() || stat.size !== file.size) return false
      const part: Part = { path, handle, length: 0, hash: createHash('sha256') }
      await rehash(part, stat.size)
      return part.length === file.size && part.hash.digest('hex') === file.sha256
    } finally {
      await handle.close()
    }
  } catch {
    return false
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function diskFailure(cause: unknown): ServerFailure {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return isErrno(cause, 'ENOSPC') || isErrno(cause, 'EDQUOT') || isErrno(cause, 'EFBIG')
    ? serverFailure('disk-full', 'The disk is full. What has arrived is kept; make room and try again.', detail)
    : serverFailure(
        'disk-full',
        'The spool folder cannot be written. Look at the folder and the disk, then try again.',
        detail,
      )
}

function isErrno(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}
