import { Agent } from 'node:https'
import { Readable } from 'node:stream'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { Log } from '../log/logger.ts'
import { backOff, type Clock, pause } from './clock.ts'
import { type ExchangeRequest, exchange, type Incoming } from './exchange.ts'
import { limits } from './limits.ts'
import { invalidAnswer, type Refusal, refusalFailure, serverFailure } from './problem.ts'
import type { ServerFailure } from './server.ts'
import { readTrust } from './trust.ts'
import { parseJson, tokenText } from './wire.ts'

/** Who asks, and in which scope; null: without the header. */
export interface Authority {
  readonly token: Secret | string | null
  readonly scope: string | null
}

export const anonymous: Authority = { token: null, scope: null }

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** From `url`, or a file's address that the caller has compared with `origin`. */
  readonly url: URL
  readonly authority: Authority
  readonly json?: unknown
  readonly body?: { readonly length: number; readonly open: () => Readable }
  readonly headers?: Readonly<Record<string, string>>
  /** `safe`: repeated after 429, 5xx and broken connections. `never`: a lost answer is the caller's to think about. */
  readonly repeat: 'safe' | 'never'
  /** Completes "… to …": `fetch work`. */
  readonly what: string
  readonly wholeMs?: number
  readonly idleMs?: number
  readonly signal?: AbortSignal
}

/** Any answer that is not a redirect: the caller decides which status it wants. */
export interface Answer extends Refusal {
  readonly header: (name: string) => string | null
  /** 1 unless the call was repeated: then an earlier attempt may have arrived. */
  readonly attempts: number
}

export interface Rest {
  /** `https://HOST/api/1.0/`, always with the slash. */
  readonly base: URL
  /** `path` is relative to `base`, its segments encoded already. The slash at the end matters: without it the server redirects. */
  url(path: string, query?: Readonly<Record<string, string>>): URL
  call(call: Call): Promise<Result<Answer, ServerFailure>>
  /** One attempt; the body is still to be read. */
  open(call: Call): Promise<Result<Incoming, ServerFailure>>
  /** Closes kept connections. */
  close(): void
}

export interface RestOptions {
  /** `https://HOST/api`, without the version. */
  readonly apiUrl: string
  /** PEM bundle of a private CA; null: the system's CAs. */
  readonly caPem: string | null
  readonly alsoSystemCas?: boolean
  readonly userAgent: string
  readonly clock: Clock
  readonly log: Log
}

/** The address of version 1.0 of the API; HTTPS only, no credentials, no query. */
export function apiBase(apiUrl: string): Result<URL, ServerFailure> {
  const wrong = (why: string) =>
    err(serverFailure('rejected', `The server's address ${why}. It should look like https://debusine.example.org/api.`))
  const url = URL.parse(apiUrl)
  if (url === null) return wrong('is not a URL')
  if (url.protocol !== 'https:') return wrong('does not start with https:')
  if (url.username !== '' || url.password !== '') return wrong('contains a user name or a password')
  if (url.search !== '' || url.hash !== '') return wrong('contains a query')
  return ok(new URL(`${url.origin}${url.pathname.replace(/\/+$/, '')}/1.0/`))
}

/** A client of one server. Wrong options do not throw: every call fails with the reason. */
export function createRest(options: RestOptions): Result<Rest, ServerFailure> {
  const base = apiBase(options.apiUrl)
  if (!base.ok) return base
  const trust = readTrust(options.caPem, options.alsoSystemCas)
  if (!trust.ok) return trust

  const tls = { ca: [...trust.value.ca], rejectUnauthorized: true, minVersion: 'TLSv1.2' as const }
  const kept = new Agent({ ...tls, keepAlive: true, maxSockets: 4, timeout: 60_000 })
  // A kept connection may be closed by the server at the moment it is used again: harmless for what can be repeated. What
  // cannot be repeated gets a connection of its own.
  const fresh = new Agent({ ...tls, keepAlive: false })
  const { clock, log } = options

  const request = (call: Call): Result<ExchangeRequest, ServerFailure> => {
    if (call.url.origin !== base.value.origin || call.url.username !== '' || call.url.password !== '') {
      return err(
        serverFailure(
          'server-answer-invalid',
          `The server named an address outside itself when asked to ${call.what}. Nothing was sent there.`,
          call.url.origin,
        ),
      )
    }
    const token = call.authority.token
    const tokenHeader = token instanceof Secret ? new TextDecoder().decode(token.reveal()) : token
    if (tokenHeader !== null && !tokenText.safeParse(tokenHeader).success) {
      return err(
        serverFailure('not-authenticated', 'The token that is kept for the server is not one. Enter or make it again.'),
      )
    }
    const json = call.json === undefined ? null : Buffer.from(JSON.stringify(call.json), 'utf8')
    return ok({
      method: call.method,
      url: call.url,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': options.userAgent,
        ...(json === null ? {} : { 'content-type': 'application/json' }),
        ...(tokenHeader === null ? {} : { token: tokenHeader }),
        ...(call.authority.scope === null ? {} : { 'x-debusine-scope': call.authority.scope }),
        ...call.headers,
      },
      body: json === null ? (call.body ?? null) : { length: json.length, open: () => bytesStream(json) },
      what: call.what,
      wholeMs: call.wholeMs ?? limits.wholeMs,
      idleMs: call.idleMs ?? limits.idleMs,
      signal: call.signal,
    })
  }

  const attempt = async (
    prepared: ExchangeRequest,
    agent: Agent,
    attempts: number,
  ): Promise<Result<Answer, ServerFailure>> => {
    const started = clock.now().getTime()
    const begun = await exchange(prepared, agent, clock)
    if (!begun.ok) {
      log('server.call', { what: prepared.what, attempts, failed: begun.error.code, detail: begun.error.detail })
      return begun
    }
    const { status, header } = begun.value
    const text = await begun.value.text(status < 400 ? limits.jsonBytes : limits.problemBytes)
    log('server.call', { what: prepared.what, attempts, status, ms: clock.now().getTime() - started })
    if (status >= 300 && status < 400) return err(refusalFailure({ status, contentType: '', text: '' }, prepared.what))
    if (text.ok) return ok({ status, header, contentType: header('content-type') ?? '', text: text.value, attempts })
    // An error page that is too large or no text: its status is enough.
    if (status >= 400 && text.error.code !== 'cancelled')
      return ok({ status, header, contentType: '', text: '', attempts })
    return text
  }

  return ok({
    base: base.value,
    url: (path, query = {}) => {
      const url = new URL(path, base.value)
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
      return url
    },
    call: async (call) => {
      const prepared = request(call)
      if (!prepared.ok) return prepared
      for (let attempts = 1; ; attempts++) {
        const answer = await attempt(prepared.value, call.repeat === 'safe' ? kept : fresh, attempts)
        const again = answer.ok ? transient.has(answer.value.status) : answer.error.code === 'server-unreachable'
        if (!again || call.repeat === 'never' || attempts > limits.retries) return answer
        const asked = answer.ok ? Number(answer.value.header('retry-after') ?? '0') * 1000 : 0
        const wait = Math.max(
          backOff(clock, attempts, 250, 8000),
          asked > 0 && asked <= limits.retryAfterMs ? asked : 0,
        )
        if (!(await pause(clock, wait, call.signal)))
          return err(serverFailure('cancelled', `Stopped while trying to ${call.what}.`))
      }
    },
    open: async (call) => {
      const prepared = request(call)
      return prepared.ok ? exchange(prepared.value, fresh, clock) : prepared
    },
    close: () => {
      kept.destroy()
      fresh.destroy()
    },
  })
}

/** Worth another try of a safe call: asked to slow down, an error of the moment, or a proxy without its server. */
const transient: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

/** Reads the JSON of an answer that has the wanted status. */
export function answerJson<T>(
  answer: Answer,
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false; error: Error } },
  what: string,
): Result<T, ServerFailure> {
  if (!/^application\/json\b/i.test(answer.contentType))
    return err(invalidAnswer(what, `content type ${answer.contentType}`))
  const json = parseJson(answer.text)
  if (!json.ok) return err(invalidAnswer(what, json.error))
  const parsed = schema.safeParse(json.value)
  return parsed.success ? ok(parsed.data) : err(invalidAnswer(what, parsed.error.message))
}

function bytesStream(bytes: Uint8Array): Readable {
  return Readable.from([bytes])
}
