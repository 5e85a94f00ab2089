import { err, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { DialectRules } from './dialect.ts'
import { serverFailure } from './problem.ts'
import type { Rest } from './rest.ts'
import type { HeldReference, ServerFailure } from './server.ts'

/** What every call on behalf of a request needs. */
export interface Connection {
  readonly rest: Rest
  readonly workerToken: Secret
  rules(): Promise<Result<DialectRules, ServerFailure>>
  stillHeld(held: HeldReference): Promise<Result<'held' | 'gone', ServerFailure>>
}

/**
 * Runs a call for a held request and finds out why it was not found or not allowed: an aborted request takes its token, its
 * artifacts and its workspace out of sight (0.16: 403 and 404), which is not the same as a missing artifact.
 */
export async function forHeld<T>(
  connection: Connection,
  held: HeldReference,
  call: (rules: DialectRules) => Promise<Result<T, ServerFailure>>,
): Promise<Result<T, ServerFailure>> {
  const rules = await connection.rules()
  if (!rules.ok) return rules
  if (rules.value.tokenOfRequest && held.token === null) {
    return err(
      serverFailure(
        'no-longer-ours',
        'The server was upgraded after this request was fetched, and does not know its token. Fetch work again.',
      ),
    )
  }
  const answer = await call(rules.value)
  if (answer.ok || (answer.error.code !== 'not-found' && answer.error.code !== 'not-authenticated')) return answer
  const state = await connection.stillHeld(held)
  return state.ok && state.value === 'gone' ? err(goneFailure(held, answer.error.detail)) : answer
}

export function goneFailure(held: HeldReference, detail?: string): ServerFailure {
  return serverFailure(
    'no-longer-ours',
    `Work request ${held.workRequestId} is no longer ours: it was aborted, completed, or given to another worker. Nothing more will be signed for it.`,
    detail,
  )
}
