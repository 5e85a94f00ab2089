import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'

export type CdpParams = Readonly<Record<string, unknown>>

export interface CdpEvent {
  readonly method: string
  readonly params: CdpParams
  /** Null: the browser itself. */
  readonly sessionId: string | null
}

/** The browser's own refusal of a command, or the end of the pipe (code 0). */
export class CdpError extends Error {
  readonly code: number
  readonly method: string

  constructor(method: string, code: number, message: string) {
    super(`${method}: ${message}`)
    this.name = 'CdpError'
    this.code = code
    this.method = method
  }
}

export type CdpAnswer = { readonly result: CdpParams } | { readonly error: CdpError }

/** A client of the Chrome DevTools Protocol over `--remote-debugging-pipe`: JSON messages, each ended by a NUL byte. */
export interface CdpPipe {
  /** Rejects with `CdpError`. */
  call(method: string, params?: CdpParams, sessionId?: string | null): Promise<CdpParams>
  /** As `call`, but tells the answer at once, in its place among the events: a promise would tell it after those of the same moment. */
  post(method: string, params: CdpParams, sessionId: string | null, answered: (answer: CdpAnswer) => void): void
  /** A command whose failure means only that its target is gone already. */
  tell(method: string, params?: CdpParams, sessionId?: string | null): void
  /** In the order in which the browser sent them. Returns how to stop listening. */
  onEvent(listener: (event: CdpEvent) => void): () => void
  /** The browser's end is closed; every open call was rejected. */
  readonly closed: Promise<void>
}

const object = z.record(z.string(), z.unknown())
const message = z.object({
  id: z.int().optional(),
  method: z.string().optional(),
  params: object.default({}),
  sessionId: z.string().nullable().default(null),
  result: object.default({}),
  error: z.object({ code: z.int(), message: z.string() }).optional(),
})

interface Waiting {
  readonly method: string
  readonly answered: (answer: CdpAnswer) => void
}

export function openCdpPipe(toBrowser: Writable, fromBrowser: Readable): CdpPipe {
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<(event: CdpEvent) => void>()
  const closed = Promise.withResolvers<void>()
  let lastId = 0
  let open = true
  let parts: Buffer[] = []

  function receive(text: string): void {
    const { id, method, params, sessionId, result, error } = message.parse(JSON.parse(text))
    if (id === undefined) {
      if (method !== undefined) for (const listener of listeners) listener({ method, params, sessionId })
      return
    }
    const call = waiting.get(id)
    waiting.delete(id)
    call?.answered(error === undefined ? { result } : { error: new CdpError(call.method, error.code, error.message) })
  }

  fromBrowser.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(0); end !== -1; end = rest.indexOf(0)) {
      const whole = Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8')
      parts = []
      rest = rest.subarray(end + 1)
      receive(whole)
    }
    if (rest.length > 0) parts.push(rest)
  })

  function end(): void {
    if (!open) return
    open = false
    for (const { method, answered } of waiting.values()) answered({ error: gone(method) })
    waiting.clear()
    closed.resolve()
  }
  // EPIPE and ECONNRESET are how a killed browser looks from here; its exit status tells the rest.
  for (const stream of [toBrowser, fromBrowser]) {
    stream.on('error', end)
    stream.on('close', end)
  }
  fromBrowser.on('end', end)

  function post(
    method: string,
    params: CdpParams,
    sessionId: string | null,
    answered: (answer: CdpAnswer) => void,
  ): void {
    if (!open) {
      answered({ error: gone(method) })
      return
    }
    lastId += 1
    waiting.set(lastId, { method, answered })
    toBrowser.write(`${JSON.stringify({ id: lastId, method, params, ...(sessionId === null ? {} : { sessionId }) })}\0`)
  }

  function call(method: string, params: CdpParams = {}, sessionId: string | null = null): Promise<CdpParams> {
    return new Promise((resolve, reject) => {
      post(method, params, sessionId, (answer) => ('error' in answer ? reject(answer.error) : resolve(answer.result)))
    })
  }

  return {
    call,
    post,
    tell(method, params, sessionId) {
      void call(method, params, sessionId).catch(() => {})
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    closed: closed.promise,
  }
}

function gone(method: string): CdpError {
  return new CdpError(method, 0, 'the browser is gone')
}
