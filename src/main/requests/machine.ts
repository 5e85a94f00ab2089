import type { Failure } from '../../shared/failure.ts'
import type { Sha256Hex, UtcTime } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/request.ts'
import { unreachable } from '../../shared/result.ts'

/** One person's word on one sheet. A request has at most one approval in its life. */
export interface Approval {
  readonly sheetDigest: Sha256Hex
  readonly operator: string
  readonly at: UtcTime
}

/** What the server will be told, decided before anything is uploaded. */
export type Verdict = Extract<RequestOutcome, 'signed' | 'partly-signed' | 'declined' | 'failed'>

export type RequestState =
  | { readonly kind: 'preparing' }
  | { readonly kind: 'unprepared'; readonly failure: Failure }
  | { readonly kind: 'review'; readonly sheetDigest: Sha256Hex; readonly approvable: boolean }
  | { readonly kind: 'signing'; readonly approval: Approval }
  | { readonly kind: 'interrupted'; readonly approval: Approval; readonly failure: Failure }
  | { readonly kind: 'incident'; readonly approval: Approval; readonly openOrdinals: readonly number[] }
  | {
      readonly kind: 'returning'
      readonly verdict: Verdict
      readonly reason: string | null
      readonly failure: Failure | null
    }
  | { readonly kind: 'done'; readonly outcome: RequestOutcome; readonly reason: string | null }

/** How far the files of an approved request got. */
export interface Tally {
  readonly toSign: number
  readonly signed: number
  readonly failed: number
}

export type RequestEvent =
  | { readonly kind: 'prepared'; readonly sheetDigest: Sha256Hex; readonly approvable: boolean }
  | { readonly kind: 'prepare-failed'; readonly failure: Failure }
  | { readonly kind: 'prepare-again' }
  | { readonly kind: 'approved'; readonly approval: Approval }
  | { readonly kind: 'declined'; readonly reason: string }
  | { readonly kind: 'signing-finished'; readonly tally: Tally }
  /** The token or the operator stopped it between two files: nothing is open. */
  | { readonly kind: 'signing-stopped'; readonly failure: Failure }
  /** A signature was asked for and no answer came. */
  | { readonly kind: 'signing-lost'; readonly openOrdinals: readonly number[] }
  | { readonly kind: 'resumed'; readonly sheetDigest: Sha256Hex }
  | { readonly kind: 'given-up'; readonly tally: Tally; readonly reason: string }
  | { readonly kind: 'incident-closed'; readonly tally: Tally; readonly note: string }
  | { readonly kind: 'return-failed'; readonly failure: Failure }
  | { readonly kind: 'return-again' }
  | { readonly kind: 'returned' }
  /** The server aborted the request or gave it to another worker. */
  | { readonly kind: 'gone' }
  /** The program starts: what was `signing` when it ended is not any more. */
  | { readonly kind: 'recovered'; readonly openOrdinals: readonly number[]; readonly tally: Tally }

/** Effects are data; the runner carries them out. `sign` is the only one that leads to a private key. */
export type RequestEffect =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'sign'; readonly sheetDigest: Sha256Hex }
  | { readonly kind: 'return' }

export interface Step {
  readonly state: RequestState
  readonly effects: readonly RequestEffect[]
}

export const initialStep: Step = { state: { kind: 'preparing' }, effects: [{ kind: 'prepare' }] }

/**
 * One transition. Null: the event does not belong to this state (a late click, a second answer); nothing changes.
 * docs/flows/sign.md draws it. Safety, proven by walking all states in the test: `sign` comes only from a review whose
 * sheet has the digest that was approved, or from an interruption of that same approval.
 */
export function step(state: RequestState, event: RequestEvent): Step | null {
  switch (event.kind) {
    case 'prepared':
      return state.kind === 'preparing' || state.kind === 'review'
        ? stay({ kind: 'review', sheetDigest: event.sheetDigest, approvable: event.approvable })
        : null
    case 'prepare-failed':
      return state.kind === 'preparing' || state.kind === 'review'
        ? stay({ kind: 'unprepared', failure: event.failure })
        : null
    case 'prepare-again':
      return state.kind === 'unprepared' || state.kind === 'preparing' || state.kind === 'review'
        ? { state: state.kind === 'review' ? state : { kind: 'preparing' }, effects: [{ kind: 'prepare' }] }
        : null
    case 'approved':
      if (state.kind !== 'review' || !state.approvable || state.sheetDigest !== event.approval.sheetDigest) return null
      return {
        state: { kind: 'signing', approval: event.approval },
        effects: [{ kind: 'sign', sheetDigest: state.sheetDigest }],
      }
    case 'declined':
      return state.kind === 'preparing' || state.kind === 'unprepared' || state.kind === 'review'
        ? toReturning('declined', event.reason)
        : null
    case 'signing-finished':
      return state.kind === 'signing' ? toReturning(verdictOf(event.tally), null) : null
    case 'signing-stopped':
      return state.kind === 'signing'
        ? stay({ kind: 'interrupted', approval: state.approval, failure: event.failure })
        : null
    case 'signing-lost':
      return state.kind === 'signing'
        ? stay({ kind: 'incident', approval: state.approval, openOrdinals: event.openOrdinals })
        : null
    case 'resumed':
      if (state.kind !== 'interrupted' || state.approval.sheetDigest !== event.sheetDigest) return null
      return {
        state: { kind: 'signing', approval: state.approval },
        effects: [{ kind: 'sign', sheetDigest: event.sheetDigest }],
      }
    case 'given-up':
      return state.kind === 'interrupted'
        ? toReturning(event.tally.signed > 0 ? 'partly-signed' : 'failed', event.reason)
        : null
    case 'incident-closed':
      return state.kind === 'incident'
        ? toReturning(event.tally.signed > 0 ? 'partly-signed' : 'failed', event.note)
        : null
    case 'return-failed':
      return state.kind === 'returning' ? stay({ ...state, failure: event.failure }) : null
    case 'return-again':
      return state.kind === 'returning' ? { state: { ...state, failure: null }, effects: [{ kind: 'return' }] } : null
    case 'returned':
      return state.kind === 'returning' ? stay({ kind: 'done', outcome: state.verdict, reason: state.reason }) : null
    case 'gone':
      return gone(state)
    case 'recovered':
      return recovered(state, event.openOrdinals, event.tally)
    default:
      return unreachable(event)
  }
}

function stay(state: RequestState): Step {
  return { state, effects: [] }
}

function toReturning(verdict: Verdict, reason: string | null): Step {
  return { state: { kind: 'returning', verdict, reason, failure: null }, effects: [{ kind: 'return' }] }
}

function verdictOf(tally: Tally): Verdict {
  if (tally.failed === 0 && tally.signed === tally.toSign && tally.signed > 0) return 'signed'
  return tally.signed > 0 ? 'partly-signed' : 'failed'
}

/** Nobody waits for the result any more. While the token is at work the runner stops it first; an incident stays until a person closes it. */
function gone(state: RequestState): Step | null {
  switch (state.kind) {
    case 'preparing':
    case 'unprepared':
    case 'review':
    case 'interrupted':
    case 'returning':
      return stay({ kind: 'done', outcome: 'aborted-by-server', reason: null })
    case 'signing':
    case 'incident':
    case 'done':
      return null
    default:
      return unreachable(state)
  }
}

function recovered(state: RequestState, openOrdinals: readonly number[], tally: Tally): Step {
  switch (state.kind) {
    case 'preparing':
      return { state, effects: [{ kind: 'prepare' }] }
    case 'returning':
      return { state: { ...state, failure: null }, effects: [{ kind: 'return' }] }
    case 'signing':
      if (openOrdinals.length > 0) return stay({ kind: 'incident', approval: state.approval, openOrdinals })
      if (tally.signed + tally.failed === tally.toSign) return toReturning(verdictOf(tally), null)
      return stay({
        kind: 'interrupted',
        approval: state.approval,
        failure: {
          kind: 'unavailable',
          code: 'station-stopped',
          message: `The station stopped while it was signing. ${tally.signed} of ${tally.toSign} files are signed and kept; no signature is in doubt. Continue with the PIN, or stop here.`,
        },
      })
    case 'unprepared':
    case 'review':
    case 'interrupted':
    case 'incident':
    case 'done':
      return stay(state)
    default:
      return unreachable(state)
  }
}
