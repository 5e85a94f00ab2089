import { randomBytes } from 'node:crypto'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import { askWhoami } from './dialect.ts'
import { refusalFailure, serverFailure } from './problem.ts'
import type { Rest } from './rest.ts'
import type { TokenStore } from './token-file.ts'

export interface Enrolment {
  /**
   * `registered`: just now; `known`: the token was registered before, and nothing was sent; `found`: an earlier attempt, whose answer
   * was lost, had registered it.
   */
  readonly how: 'registered' | 'known' | 'found'
  /** Whether the server accepts the token already; if not, an administrator has to enable the worker. */
  readonly enabled: boolean
}

export interface EnrolOptions {
  readonly rest: Rest
  readonly store: TokenStore
  /** The name by which the administrator finds the worker (dots become dashes). */
  readonly fqdn: string
  /** From the administrator (0.12 and later): the worker is enabled at once. */
  readonly activationToken: Secret | null
  readonly makeToken?: () => Secret
  /** What has to be on record before the token is sent. If it cannot be, nothing is sent. */
  readonly beforeSending?: () => Promise<Result<null, Failure>>
}

/** 32 random bytes in hex, as debusine makes them. */
export function newWorkerToken(): Secret {
  return Secret.fromText(randomBytes(32).toString('hex'))
}

/**
 * Registers this station as a signing worker. The token is on disk before it is sent, and no token is sent twice: 0.11 goes into
 * an endless loop on the second one and the whole server stops answering. After a lost answer the server is asked whether it
 * accepts the token; if not, it is given up (it may wait there as a worker that nobody enables) and a new one is made.
 */
export async function enrol(options: EnrolOptions): Promise<Result<Enrolment, Failure>> {
  const { rest, store, activationToken } = options
  if (!/^(?=.{1,400}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(options.fqdn)) {
    return err(
      serverFailure(
        'rejected',
        'The station needs a host name (letters, digits, dashes, dots) to register under. Nothing was sent.',
      ),
    )
  }
  const stored = await store.read()
  if (!stored.ok) return stored

  const { origin } = rest.base
  /** The stored token, if it was sent, and to this server: it is shown to no other one. */
  const ours =
    stored.value !== null && stored.value.state !== 'fresh' && stored.value.origin === origin ? stored.value : null

  // Also finds out, before a token is made or spent, whether a debusine server answers and can be trusted.
  const who = await askWhoami(rest, ours === null ? null : ours.token)
  if (!who.ok) return who

  let token: Secret
  if (stored.value === null) {
    token = (options.makeToken ?? newWorkerToken)()
    const kept = await store.create(token)
    if (!kept.ok) return kept
  } else if (stored.value.state === 'fresh') {
    token = stored.value.token
  } else {
    if (ours !== null && who.value.worker) {
      const marked = await store.mark(ours.token, 'registered', origin)
      return marked.ok ? ok({ how: ours.state === 'sent' ? 'found' : 'known', enabled: true }) : marked
    }
    // Registered and not enabled yet: only an activation is a reason for another token.
    if (ours?.state === 'registered' && activationToken === null) return ok({ how: 'known', enabled: false })
    token = (options.makeToken ?? newWorkerToken)()
    const kept = await store.replace(token)
    if (!kept.ok) return kept
  }

  const recorded = await options.beforeSending?.()
  if (recorded?.ok === false) return recorded
  // If we crash after this line, the token counts as sent, whether it was or not.
  const marked = await store.mark(token, 'sent', origin)
  if (!marked.ok) return marked
  const what = 'register this station'
  const answer = await rest.call({
    method: 'POST',
    url: rest.url('worker/register/'),
    authority: { token: activationToken, scope: null },
    json: { token: new TextDecoder().decode(token.reveal()), fqdn: options.fqdn, worker_type: 'signing' },
    repeat: 'never',
    what,
  })
  if (!answer.ok) return answer
  if (answer.value.status !== 201) return err(refusalFailure(answer.value, what))
  const registered = await store.mark(token, 'registered', origin)
  if (!registered.ok) return registered
  const now = await askWhoami(rest, token)
  // The registration stands; whether it is enabled shows at the next connection.
  return ok({ how: 'registered', enabled: now.ok && now.value.worker })
}
