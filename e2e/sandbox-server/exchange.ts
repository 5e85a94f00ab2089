import type { TokenHolder, User, Worker, WorkRequest } from './model.ts'
import type { ServerState } from './state.ts'

/** Who calls. A disabled or unknown token is nobody: to debusine that is not an error by itself. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'worker'; readonly worker: Worker }
  | { readonly kind: 'work-request'; readonly workRequest: WorkRequest }

export interface Exchange {
  readonly state: ServerState
  readonly method: string
  readonly path: string
  /** The named groups of the route, percent-decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly caller: Caller
  readonly token: TokenHolder | null
  readonly scope: string
  readonly body: Buffer
}

export function callerOf(token: TokenHolder | null): Caller {
  switch (token?.kind) {
    case 'user':
      return { kind: 'user', user: token.user }
    case 'worker':
      return token.worker.enabled ? { kind: 'worker', worker: token.worker } : { kind: 'anonymous' }
    case 'work-request':
      return { kind: 'work-request', workRequest: token.workRequest }
    case 'activation':
    case undefined:
      return { kind: 'anonymous' }
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON value inside a sentence. */
export function shown(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}
