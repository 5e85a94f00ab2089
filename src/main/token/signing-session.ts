import { err, ok, type Result } from '../../shared/result.ts'
import { tokenFailure } from './failures.ts'
import { maxBatch, type TouchPolicy } from './protocol.ts'
import type { SessionProcess } from './session-process.ts'
import type { SignatureRequest, SigningSession, TokenFailure } from './token-service.ts'
import type { SignatureCheck } from './verify-signature.ts'

export type OpenedSession = {
  /** It may hold the PIN, and the other keys of the same approval. */
  readonly process: SessionProcess
  /** The name of this session there. */
  readonly session: number
  /** The only key of its approval. */
  readonly isAlone: boolean
  readonly spki: Uint8Array
  readonly check: SignatureCheck
  readonly touch: TouchPolicy
  readonly signal: AbortSignal
  readonly onSignal: (signal: 'touch' | 'login') => void
  /** For each signature. A token that waits for touch is inside of it. */
  readonly signDeadlineMs: number
  /** Where the touch policy cannot be read: silence after which the operator is asked to touch. */
  readonly touchAfterMs: number
  readonly closeDeadlineMs: number
}

type Outcome = Result<Uint8Array, TokenFailure>

/** The session as main sees it. Nothing that a token gave leaves here before the registered public key has verified it. */
export class TokenSigningSession implements SigningSession {
  readonly #opened: OpenedSession
  #over: TokenFailure | null = null
  #last: Promise<unknown> = Promise.resolve()
  #cancel: () => void = () => {}

  constructor(opened: OpenedSession) {
    this.#opened = opened
  }

  async sign(request: SignatureRequest): Promise<Outcome> {
    const [outcome] = await this.signMany([request])
    return outcome ?? err(tokenFailure('token-error', 'nothing was asked'))
  }

  signMany(
    requests: readonly SignatureRequest[],
    onOutcome: (index: number, outcome: Outcome) => void = () => {},
  ): Promise<readonly Outcome[]> {
    const turn = this.#last.then(() => this.#signAll(requests, onOutcome))
    this.#last = turn
    return turn
  }

  isOver(): boolean {
    return this.#over !== null || this.#opened.process.isOver
  }

  async close(): Promise<void> {
    if (this.#over !== null) return
    this.#over = tokenFailure('cancelled', 'the session was closed')
    this.#cancel()
    await this.#opened.process.leave(this.#opened.session)
  }

  async #signAll(
    requests: readonly SignatureRequest[],
    onOutcome: (index: number, outcome: Outcome) => void,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    const add = (outcome: Outcome) => {
      outcomes.push(outcome)
      onOutcome(outcomes.length - 1, outcome)
    }
    for (let start = 0; start < requests.length; start += maxBatch) {
      const failure = await this.#signBatch(requests.slice(start, start + maxBatch), (signature) => add(ok(signature)))
      if (failure !== null) {
        add(err(failure))
        break
      }
    }
    return outcomes
  }

  /** Gives out the verified signatures in order, and what stopped it, or null. */
  async #signBatch(
    requests: readonly SignatureRequest[],
    give: (signature: Uint8Array) => void,
  ): Promise<TokenFailure | null> {
    const { process, session, signal, check } = this.#opened
    const { host } = process
    if (this.#over !== null) return this.#over
    if (process.failure !== null) return this.#giveUp(this.#notAsked(process.failure))
    if (signal.aborted) return tokenFailure('cancelled')
    const progress: { given: number; wrong: boolean } = { given: 0, wrong: false }
    let call = 0
    const cancel = () => {
      if (call > 0) host.cancel(call)
    }
    const silence = this.#silence()
    const onSignature = (index: number, signature: Uint8Array) => {
      silence.restart()
      const request = requests[index]
      if (progress.wrong) return
      if (index !== progress.given || request === undefined || !check(request, signature)) {
        progress.wrong = true
        process.suspect(tokenFailure('signature-wrong'))
        cancel()
        return
      }
      progress.given += 1
      give(signature)
    }
    const onStart = (id: number) => {
      call = id
      silence.restart()
      // Stopped while it waited for its turn, or another key failed: told before the request, so that nothing is signed.
      if (signal.aborted || this.#over !== null || process.failure !== null) cancel()
    }
    signal.addEventListener('abort', cancel, { once: true })
    this.#cancel = cancel
    const asked = requests.map(({ scheme, digest }) => ({ scheme, digest }))
    const result = await host.call('sign', { session, requests: asked }, this.#opened.signDeadlineMs, {
      onStart,
      onSignal: this.#opened.onSignal,
      onSignature,
    })
    signal.removeEventListener('abort', cancel)
    this.#cancel = () => {}
    silence.stop()
    if (progress.wrong) return this.#fail(await this.#whyWrong())
    if (!result.ok) {
      const before = this.#opened.process.failure
      const { error } = result
      // It ended while this waited for its turn: the token did not get the request.
      if (call === 0) return this.#giveUp(this.#notAsked(before ?? error))
      if (error.code !== 'cancelled') return this.#fail(error)
      return before === null ? error : this.#giveUp(this.#notAsked(before))
    }
    if (progress.given !== requests.length)
      return this.#fail(tokenFailure('token-error', `${progress.given} of ${requests.length} signatures came`))
    return null
  }

  /** yubihsm_pkcs11 signs on whatever device answers, with the credentials that it keeps: only the public key tells. */
  async #whyWrong(): Promise<TokenFailure> {
    const { process, session, closeDeadlineMs } = this.#opened
    const now = await process.host.call('reread-public-key', { session }, closeDeadlineMs)
    const swapped = now.ok && !Buffer.from(this.#opened.spki).equals(now.value)
    return tokenFailure(swapped ? 'token-swapped' : 'signature-wrong')
  }

  /** After any failure the session is of no use and the process may be in any state. A signature is never asked for again. */
  #fail(failure: TokenFailure): TokenFailure {
    this.#opened.process.fail(failure)
    return this.#giveUp(failure)
  }

  #giveUp(failure: TokenFailure): TokenFailure {
    this.#over ??= this.#opened.isAlone
      ? tokenFailure('token-removed', `the session ended before: ${failure.code}`)
      : this.#notAsked(failure)
    return failure
  }

  /**
   * The token did not get the request, because the process had ended. Beside other keys that has a code of its own, which nobody
   * takes for a lost answer: the failure of one key leaves no doubt about what another signed. The only key of an approval says
   * why it ended.
   */
  #notAsked(why: TokenFailure): TokenFailure {
    if (this.#opened.isAlone || why.code === 'session-ended') return why
    return tokenFailure('session-ended', why.detail === undefined ? why.code : `${why.code}: ${why.detail}`)
  }

  #silence(): { readonly restart: () => void; readonly stop: () => void } {
    const { touch, touchAfterMs, onSignal } = this.#opened
    let timer: NodeJS.Timeout | null = null
    const stop = () => {
      if (timer !== null) clearTimeout(timer)
    }
    const restart = () => {
      stop()
      if (touch === 'unknown' || touch === 'cached') timer = setTimeout(() => onSignal('touch'), touchAfterMs)
    }
    return { restart, stop }
  }
}
