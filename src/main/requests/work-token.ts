import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestDetail } from '../../shared/request.ts'
import { err, ok, type Result } from '../../shared/result.ts'

// From 0.14.8 on debusine gives each work request a token of its own, which dies after 7 days; 0.11 has none, and no limit. A fetch
// of a running request renews the token, and is counted as a loss of it: after the third the server gives the request up
// (docs/flows/server.md, "Holding and abort").

const hour = 3600 * 1000
const lifetime = 7 * 24 * hour
const maxRenewals = 3
/**
 * So long before its end the token counts as dead: the server's seven days began before its answer was here, and two clocks run
 * apart. What is taken for an abort is over; what is taken for a dead token only waits for a person.
 */
const margin = hour / 6
/** Renewing earlier would spend one of three for nothing. */
const renewableBefore = 24 * hour

type TokenOf = Pick<RequestRow, 'token' | 'fetched_at' | 'retry_count'>

/** Null: the request has no token of its own (0.11), or is done. */
function endOf(row: TokenOf): number | null {
  return row.token === null ? null : Date.parse(row.fetched_at) + lifetime
}

/** Whether "gone" means no more than that the token is dead: the server may still wait for this very request. */
export function tokenEnded(row: TokenOf, now: Date): boolean {
  const end = endOf(row)
  return end !== null && now.getTime() >= end - margin
}

export function heldOf(row: TokenOf & Pick<RequestRow, 'stage' | 'received_at'>): RequestDetail['held'] {
  if (row.stage === 'done') return null
  const end = endOf(row)
  return {
    since: row.received_at,
    tokenEndsAt: end === null ? null : new Date(end).toISOString(),
    renewalsLeft: end === null ? null : Math.max(0, maxRenewals - row.retry_count),
  }
}

/**
 * Whether the request may be fetched again. The window may ask at any time, and a fetch too many loses the request: on 0.11 at
 * once, on 0.16 after the third. Without a renewal left it is still a way out when the token is dead: the server gives the
 * request up, and the next one can come.
 */
export function mayRenew(row: TokenOf, now: Date): Result<null, Failure> {
  const end = endOf(row)
  if (end === null) return err(nothingToRenew)
  if (now.getTime() < end - renewableBefore) return err(tooEarly(new Date(end)))
  return row.retry_count >= maxRenewals && !tokenEnded(row, now) ? err(noRenewalLeft) : ok(null)
}

export const workTokenEnded: Failure<'work-token-ended'> = {
  kind: 'unavailable',
  code: 'work-token-ended',
  message:
    'The server’s token for this request has ended, 7 days after the request was fetched: the server answers nothing about it any more. What was fetched, decided and signed is kept. Renew the request to go on.',
}
const nothingToRenew: Failure = {
  kind: 'refused',
  code: 'nothing-to-renew',
  message:
    'This request has no token that ends. Fetching it again would make the server take it for lost. Nothing was asked of the server.',
}
const noRenewalLeft: Failure = {
  kind: 'refused',
  code: 'no-renewal-left',
  message:
    'The request was renewed three times; once more, and the server gives it up. Nothing was asked of the server. Decide while its token is good.',
}
function tooEarly(end: Date): Failure {
  return {
    kind: 'refused',
    code: 'renewal-too-early',
    message: `The token of this request is good until ${end.toISOString().slice(0, 16).replace('T', ' ')} UTC. Renewing it now would spend one of three renewals for nothing. Nothing was asked of the server.`,
  }
}
