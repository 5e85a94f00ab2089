import type { IncomingMessage } from 'node:http'
import { type Agent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Clock } from './clock.ts'
import { limits } from './limits.ts'
import { serverFailure } from './problem.ts'
import type { ServerFailure } from './server.ts'
import { connectionFailure } from './trust.ts'

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Opened anew for each attempt. `length` octets exactly. */
  readonly body: { readonly length: number; readonly open: () => Readable } | null
  /** Completes "… to …": `fetch work`. */
  readonly what: string
  /** From the first octet sent to the last one received. */
  readonly wholeMs: number
  /** Without an octet in either direction, once connected. */
  readonly idleMs: number
  readonly signal: AbortSignal | undefined
}

/** An answer whose body is still to come. One of `text`, `each` or `discard` has to be called. */
export interface Incoming {
  readonly status: number
  readonly header: (name: string) => string | null
  /** The whole body as UTF-8; more than `max` octets or a wrong encoding is a failure. */
  text(max: number): Promise<Result<string, ServerFailure>>
  /** Hands over chunk after chunk, and waits for each. Stops at the first failure. */
  each(consume: (chunk: Uint8Array) => Promise<Result<null, ServerFailure>>): Promise<Result<null, ServerFailure>>
  discard(): void
}

/**
 * One HTTPS request and its answer: no redirects, no retries. TLS is always verified, whatever
 * NODE_TLS_REJECT_UNAUTHORIZED says (the agent sets `rejectUnauthorized`). Every wait has an end.
 */
export function exchange(call: ExchangeRequest, agent: Agent, clock: Clock): Promise<Result<Incoming, ServerFailure>> {
  const cancelled = () => serverFailure('cancelled', `Stopped while trying to ${call.what}.`)
  if (call.signal?.aborted === true) return Promise.resolve(err(cancelled()))

  return new Promise((resolve) => {
    let verdict: ServerFailure | null = null
    let stopIdle = () => {}
    const stopWhole = clock.after(call.wholeMs, () => stop(late('took too long')))
    const stopConnect = clock.after(limits.connectMs, () => stop(late('did not accept a connection in time')))

    const late = (what: string) =>
      serverFailure(
        'server-unreachable',
        `The server ${what} when asked to ${call.what}. It can be tried again.`,
        'time-out',
      )
    const idle = () => {
      stopIdle()
      stopIdle = clock.after(call.idleMs, () => stop(late('fell silent')))
    }
    const onAbort = () => stop(cancelled())
    const release = () => {
      stopWhole()
      stopConnect()
      stopIdle()
      call.signal?.removeEventListener('abort', onAbort)
    }
    const stop = (failure: ServerFailure) => {
      verdict ??= failure
      release()
      outgoing.destroy()
      resolve(err(verdict))
    }

    const outgoing = httpsRequest(call.url, {
      method: call.method,
      agent,
      headers: { ...call.headers, ...(call.body === null ? {} : { 'content-length': String(call.body.length) }) },
      maxHeaderSize: 32 * 1024,
    })
    call.signal?.addEventListener('abort', onAbort, { once: true })
    outgoing.on('error', (error) => stop(connectionFailure(error, call.what)))
    outgoing.on('socket', (socket) => {
      const connected = () => {
        stopConnect()
        idle()
      }
      // A kept-alive socket is connected already; a new one is ready only after the TLS handshake.
      if (outgoing.reusedSocket) connected()
      else socket.once('secureConnect', connected)
    })
    outgoing.on('response', (answer: IncomingMessage) => {
      stopConnect()
      idle()
      resolve(ok(incoming(answer)))
    })

    const incoming = (answer: IncomingMessage): Incoming => {
      const each: Incoming['each'] = async (consume) => {
        try {
          for await (const chunk of answer) {
            // The disk's time is not the server's silence.
            stopIdle()
            const taken = await consume(chunk as Uint8Array) // no encoding is set: always a Buffer
            if (!taken.ok) {
              stop(taken.error)
              return taken
            }
            idle()
          }
        } catch (cause) {
          stop(connectionFailure(cause, call.what))
        }
        release()
        return verdict === null ? ok(null) : err(verdict)
      }
      return {
        status: answer.statusCode ?? 0,
        header: (name) => {
          const value = answer.headers[name]
          return typeof value === 'string' ? value : null
        },
        each,
        text: async (max) => {
          const chunks: Uint8Array[] = []
          let length = 0
          const read = await each((chunk) => {
            length += chunk.length
            if (length > max) {
              return Promise.resolve(
                err(
                  serverFailure(
                    'too-large',
                    `The server's answer is too large (over ${max} bytes) when asked to ${call.what}. It was not read.`,
                  ),
                ),
              )
            }
            chunks.push(chunk)
            return Promise.resolve(ok(null))
          })
          if (!read.ok) return read
          try {
            return ok(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
          } catch {
            return err(
              serverFailure(
                'server-answer-invalid',
                `The server's answer is not text when asked to ${call.what}. It was not used.`,
              ),
            )
          }
        },
        discard: () => {
          release()
          answer.on('error', () => {})
          answer.destroy()
        },
      }
    }

    if (call.body === null) {
      outgoing.end()
      return
    }
    const source = call.body.open()
    source.on('data', idle)
    source.on('error', (error) =>
      stop(
        serverFailure(
          'digest-mismatch',
          `A file could not be read while trying to ${call.what}. What was sent of it is not used.`,
          error.message,
        ),
      ),
    )
    source.pipe(outgoing)
    outgoing.on('close', () => source.destroy())
  })
}
