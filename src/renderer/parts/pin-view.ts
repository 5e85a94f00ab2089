import { tokenKind } from '../../shared/key-place.ts'
import type { TokenId, TokenSummary } from '../../shared/token.ts'

/** What the PIN dialog says and wants, from what the token reported. */
export type PinView =
  | { readonly kind: 'not-wanted'; readonly sentence: string }
  | { readonly kind: 'impossible'; readonly sentence: string }
  | {
      readonly kind: 'wanted'
      readonly tokenName: string
      readonly state: TokenSummary['pinState']
      readonly sentence: string
      readonly minLength: number
      readonly maxLength: number
      /** The operator has to agree by name to use the last try: after one more wrong PIN the token is locked. */
      readonly lastTry: boolean
    }

/** A token whose PIN is asked for. */
export type AskedToken = {
  readonly token: TokenId
  /** Which keys it opens, as a sentence, where a dialog is about several. */
  readonly opens: string | null
}

/** The same for the same token only. */
export function tokenKey({ manufacturer, model, serial }: TokenId): string {
  return JSON.stringify([manufacturer, model, serial])
}

export function sameToken(a: TokenId, b: TokenId): boolean {
  return a.manufacturer === b.manufacturer && a.model === b.model && a.serial === b.serial
}

export function tokenName(token: TokenId): string {
  return `${token.manufacturer} ${token.model}, serial ${token.serial}`
}

/** `id` null: a software key, which has no PIN. `summary` null: the token was not found. */
export function pinView(id: TokenId | null, summary: TokenSummary | null): PinView {
  if (id === null)
    return {
      kind: 'not-wanted',
      sentence: 'This key is kept in software on this station. It has no PIN: your approval alone signs.',
    }
  if (summary === null)
    return { kind: 'impossible', sentence: `The token ${tokenName(id)} is not here. Plug it in; this dialog notices.` }
  if (summary.pinState === 'locked') {
    return {
      kind: 'impossible',
      sentence:
        'The PIN of this token is locked. It has to be unlocked with the vendor’s tool (PUK or SO-PIN) before it can sign.',
    }
  }
  if (summary.pinState === 'not-set') {
    return {
      kind: 'impossible',
      sentence: 'No PIN is set on this token. Set one with the vendor’s tool before it can sign.',
    }
  }
  return {
    kind: 'wanted',
    tokenName: tokenName(id),
    state: summary.pinState,
    sentence: tokenKind(id) === 'yubihsm' ? yubihsmSentence : pinSentence(summary.pinState),
    minLength: Math.max(1, summary.minPinLength),
    maxLength: summary.maxPinLength === 0 ? 255 : Math.min(255, summary.maxPinLength),
    lastTry: summary.pinState === 'final-try',
  }
}

/** yubihsm_pkcs11 reports neither a counter nor a flag: that none was wrong is nothing it could say. */
const yubihsmSentence =
  'The id of the authentication key in four hex digits, then its password, in one. The device counts no wrong ones.'

function pinSentence(state: 'ok' | 'count-low' | 'final-try'): string {
  switch (state) {
    case 'ok':
      return 'The token reports no wrong PIN since the last right one.'
    case 'count-low':
      return 'A wrong PIN was given since the last right one. The token does not say how many tries are left.'
    case 'final-try':
      return 'This is the last try. If this PIN is wrong, the token locks itself.'
  }
}

/** Why the PIN cannot be sent as typed, or null. Counted in bytes, as the token counts (PKCS#11 v3.1 §5.6.8). */
export function pinProblem(view: PinView, pin: string): string | null {
  if (view.kind !== 'wanted' || pin === '') return null
  const length = new TextEncoder().encode(pin).length
  if (length < view.minLength) return `The token wants at least ${view.minLength} characters.`
  if (length > view.maxLength) return `The token takes at most ${view.maxLength} characters.`
  return null
}

/** Why a YubiKey's management key cannot be sent as typed, or null: 16, 24 or 32 bytes (AES-128, 3DES and AES-192, AES-256) as hex. */
export function managementKeyProblem(typed: string): string | null {
  return typed === '' || /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{48}|[0-9a-fA-F]{64})$/.test(typed)
    ? null
    : 'The management key has 32, 48 or 64 hex digits.'
}

/** Whether the confirm button may be pressed. */
export function pinReady(view: PinView, pin: string, lastTryAgreed: boolean): boolean {
  switch (view.kind) {
    case 'not-wanted':
      return true
    case 'impossible':
      return false
    case 'wanted':
      return pin !== '' && pinProblem(view, pin) === null && (!view.lastTry || lastTryAgreed)
  }
}
