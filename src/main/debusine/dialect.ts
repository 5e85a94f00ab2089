import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import { metadata011, metadata016 } from './metadata.ts'
import { invalidAnswer, refusalFailure } from './problem.ts'
import { type Authority, answerJson, type Rest } from './rest.ts'
import type { Dialect, HeldReference, Offer, ServerFailure, WorkRequest } from './server.ts'
import { whoami } from './wire.ts'

/** Where the two releases differ; everything else is the same (docs/flows/server.md). */
export interface DialectRules {
  readonly dialect: Dialect
  /** A fetch with the other verb is answered 405 and changes nothing. */
  readonly fetchVerb: 'GET' | 'POST'
  /** Whether calls on behalf of a request need a token of that request. */
  readonly tokenOfRequest: boolean
  /** Token and scope of calls on behalf of a request. */
  authority(held: HeldReference, workerToken: Secret): Authority
  /** Whether what the server says about the request means that this station still holds it. */
  isHeld(request: WorkRequest, worker: number | null): boolean
  /** Statuses that say: the request is not ours any more. */
  readonly goneStatuses: ReadonlySet<number>
  artifactPath(held: HeldReference, id: number): string
  /** Whether files are created with a `content_type`. */
  readonly contentTypes: boolean
  metadata(offer: Offer): Readonly<Record<string, unknown>>
}

/** 0.11.3 (Debian trixie): the worker's token reads everything in the scope; the scope of a request is not told. */
export const rules011: DialectRules = {
  dialect: '0.11',
  fetchVerb: 'GET',
  tokenOfRequest: false,
  authority: (held, workerToken) => ({ token: workerToken, scope: held.scope }),
  isHeld: (request, worker) =>
    request.status === 'running' && request.worker !== null && (worker === null || request.worker === worker),
  goneStatuses: new Set([404]),
  artifactPath: (_held, id) => `artifact/${id}/`,
  contentTypes: false,
  metadata: metadata011,
}

/** 0.16.2 (trixie-backports): a token for each request, which dies with it; the scope goes back with every call. */
export const rules016: DialectRules = {
  dialect: '0.16',
  fetchVerb: 'POST',
  tokenOfRequest: true,
  authority: (held) => ({ token: held.token, scope: held.scope }),
  isHeld: (request) => request.status === 'running',
  goneStatuses: new Set([403, 404]),
  artifactPath: (held, id) => `artifact/${encodeURIComponent(held.workspace)}/${id}/`,
  contentTypes: true,
  metadata: metadata016,
}

export interface Whoami {
  readonly rules: DialectRules
  /** Whether the token is a worker's, and enabled. */
  readonly worker: boolean
  /** Whether the token, of whatever kind, is accepted at all. */
  readonly authenticated: boolean
  /** The user's name; `<anonymous>` for a token that is no user's. */
  readonly user: string
}

/** Asks who we are: the one call that tells the dialect, works with every token and changes nothing. */
export async function askWhoami(rest: Rest, token: Secret | null): Promise<Result<Whoami, ServerFailure>> {
  const what = 'tell its version'
  const answer = await rest.call({
    method: 'GET',
    url: rest.url('whoami/'),
    authority: { token, scope: null },
    repeat: 'safe',
    what,
  })
  if (!answer.ok) return answer
  if (answer.value.status !== 200) return err(refusalFailure(answer.value, what))
  const json = answerJson(answer.value, whoami, what)
  if (!json.ok) return json
  const { auth, user, worker_token: worker011, worker: worker016 } = json.value
  if (worker011 !== undefined) return ok({ rules: rules011, worker: worker011, authenticated: auth, user })
  if (worker016 !== undefined) return ok({ rules: rules016, worker: worker016, authenticated: auth, user })
  return err(invalidAnswer(what, 'neither worker_token nor worker'))
}
