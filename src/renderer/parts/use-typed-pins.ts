import { useState } from 'react'
import type { TokenId } from '../../shared/token.ts'
import { tokenKey } from './pin-view.ts'

export type TypedPin = { readonly pin: string; readonly lastTryAgreed: boolean }

const nothing: TypedPin = { pin: '', lastTryAgreed: false }

export type TypedPins = {
  readonly of: (token: TokenId) => TypedPin
  readonly type: (token: TokenId, pin: string) => void
  readonly agree: (token: TokenId, lastTryAgreed: boolean) => void
  readonly isEmpty: boolean
  /** All PINs at once; what was agreed to stays ticked, in sight. */
  readonly drop: () => void
  /** All PINs and what was agreed to. */
  readonly clear: () => void
}

/** What is typed for each token. It lives in the dialog's component alone. */
export function useTypedPins(): TypedPins {
  const [typed, setTyped] = useState<ReadonlyMap<string, TypedPin>>(new Map())
  const change = (token: TokenId, part: Partial<TypedPin>) =>
    setTyped((before) => {
      const key = tokenKey(token)
      return new Map(before).set(key, { ...(before.get(key) ?? nothing), ...part })
    })
  return {
    of: (token) => typed.get(tokenKey(token)) ?? nothing,
    type: (token, pin) => change(token, { pin }),
    agree: (token, lastTryAgreed) => change(token, { lastTryAgreed }),
    isEmpty: [...typed.values()].every(({ pin }) => pin === ''),
    drop: () => setTyped((before) => new Map([...before].map(([key, entry]) => [key, { ...entry, pin: '' }]))),
    clear: () => setTyped(new Map()),
  }
}
