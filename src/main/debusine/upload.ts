import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ArtifactId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { backOff, type Clock, pause } from './clock.ts'
import { type Connection, forHeld } from './held-call.ts'
import { limits } from './limits.ts'
import { invalidAnswer, refusalFailure, serverFailure } from './problem.ts'
import type { Answer, Authority } from './rest.ts'
import type { HeldReference, OutputFile, ServerFailure } from './server.ts'

/** The packaged proxy takes at most 100 MiB at once; the server's own client sends 50. */
export const chunkBytes = 50 * 1024 * 1024
const maxTries = 3

/**
 * Sends one file of an artifact, in chunks, from where the server stands. The file is hashed before anything is sent, and
 * hashed again by the server, which refuses (409) what is not the announced content.
 */
export function upload(
  connection: Connection,
  clock: Clock,
  held: HeldReference,
  artifact: ArtifactId,
  file: OutputFile,
  signal: AbortSignal,
  chunk: number = chunkBytes,
): Promise<Result<null, ServerFailure>> {
  return forHeld(connection, held, async (rules) => {
    // An empty file is complete as soon as the artifact is made.
    if (file.size === 0) return ok(null)
    const opened = await openChecked(file)
    if (!opened.ok) return opened
    const handle = opened.value
    try {
      const path = file.path.split('/').map(encodeURIComponent).join('/')
      const sender: Sender = {
        connection,
        url: connection.rest.url(`artifact/${artifact}/files/${path}/`),
        authority: rules.authority(held, connection.workerToken),
        handle,
        size: file.size,
        chunk,
        signal,
      }
      let failure: ServerFailure | null = null
      for (let tries = 0; tries < maxTries; tries++) {
        if (tries > 0 && !(await pause(clock, backOff(clock, tries, 500, 8000), signal))) break
        const sent = await sendOnce(sender, failure?.code === 'digest-mismatch')
        if (sent.ok) return sent
        failure = sent.error
        if (!worthAnotherTry.has(failure.code)) return sent
      }
      return err(
        signal.aborted || failure === null
          ? serverFailure('cancelled', 'The upload was stopped. The server keeps what it has; it goes on from there.')
          : failure,
      )
    } finally {
      await handle.close()
    }
  })
}

const worthAnotherTry: ReadonlySet<string> = new Set(['server-unreachable', 'server-error', 'digest-mismatch'])

interface Sender {
  readonly connection: Connection
  readonly url: URL
  readonly authority: Authority
  readonly handle: FileHandle
  readonly size: number
  readonly chunk: number
  readonly signal: AbortSignal
}

async function sendOnce(sender: Sender, fromStart: boolean): Promise<Result<null, ServerFailure>> {
  const asked = fromStart ? ok<number | 'complete'>(0) : await askHowMuch(sender)
  if (!asked.ok) return asked
  if (asked.value === 'complete') return ok(null)
  // All octets there and still not complete: the content was not right, so it is written over.
  let start = asked.value === sender.size ? 0 : asked.value
  for (;;) {
    const end = Math.min(start + sender.chunk, sender.size)
    const answer = await put(sender, `bytes ${start}-${end - 1}/${sender.size}`, { start, end })
    if (!answer.ok) return answer
    const { status } = answer.value
    if (status === 201) return ok(null)
    if (status === 409)
      return err(
        serverFailure(
          'digest-mismatch',
          'The server received other bytes than were announced for an output file. It is sent again from the start.',
        ),
      )
    if (status !== 200) return err(refusalFailure(answer.value, 'take an output file'))
    // "Send more" must name exactly the octets sent; a last chunk must be answered by 201.
    if (end === sender.size || received(answer.value) !== end) {
      return err(
        invalidAnswer(
          'take an output file',
          `${answer.value.header('range') ?? 'no range'} after ${end} of ${sender.size} bytes`,
        ),
      )
    }
    start = end
  }
}

async function askHowMuch(sender: Sender): Promise<Result<number | 'complete', ServerFailure>> {
  const answer = await put(sender, `bytes */${sender.size}`, null)
  if (!answer.ok) return answer
  const { status } = answer.value
  if (status === 200) return ok('complete')
  if (status !== 206) return err(refusalFailure(answer.value, 'say how much it has of an output file'))
  const there = received(answer.value)
  if (there === null || there > sender.size) {
    return err(invalidAnswer('say how much it has of an output file', answer.value.header('range') ?? 'no range'))
  }
  return ok(there)
}

/** `Range: bytes=0-N`, where N is the number of octets, not the last one's position. */
function received(answer: Answer): number | null {
  const match = /^bytes=0-(\d{1,15})$/.exec(answer.header('range') ?? '')
  return match === null ? null : Number(match[1])
}

function put(
  sender: Sender,
  contentRange: string,
  part: { readonly start: number; readonly end: number } | null,
): Promise<Result<Answer, ServerFailure>> {
  const length = part === null ? 0 : part.end - part.start
  return sender.connection.rest.call({
    method: 'PUT',
    url: sender.url,
    authority: sender.authority,
    headers: { 'content-range': contentRange },
    body: {
      length,
      // The open file, not its path: what was hashed is what is sent.
      open: () =>
        Readable.from(part === null ? [] : pieces(sender.handle, part.start, part.end), { objectMode: false }),
    },
    repeat: 'never',
    what: 'take an output file',
    wholeMs: limits.wholeMs + limits.uploadAnswerMs + Math.ceil((length / limits.slowestRate) * 1000),
    idleMs: limits.uploadAnswerMs,
    signal: sender.signal,
  })
}

/** A stream of node's own would close the file at the end of the first chunk. */
async function* pieces(handle: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const buffer = Buffer.alloc(Math.min(64 * 1024, end - at))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) throw new Error('the file became shorter')
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

async function openChecked(file: OutputFile): Promise<Result<FileHandle, ServerFailure>> {
  const differs = (detail: string) =>
    err(
      serverFailure(
        'digest-mismatch',
        'An output file on this machine is not the one that was signed. Nothing was sent.',
        detail,
      ),
    )
  let handle: FileHandle
  try {
    handle = await open(file.file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    return differs(cause instanceof Error ? cause.message : String(cause))
  }
  const fault = await contentFault(handle, file)
  if (fault === null) return ok(handle)
  await handle.close()
  return differs(fault)
}

async function contentFault(handle: FileHandle, file: OutputFile): Promise<string | null> {
  const stat = await handle.stat()
  if (!stat.isFile() || stat.size !== file.size) return `size ${stat.size} instead of ${file.size}`
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(256 * 1024)
  for (let at = 0; at < stat.size; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return 'the file became shorter'
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return hash.digest('hex') === file.sha256 ? null : 'SHA-256 differs'
}
