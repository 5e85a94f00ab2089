import type { Input } from '../../../shared/contract.ts'
import type { TokenPin } from '../../parts/PinsDialog.tsx'
import { type AskedToken, sameToken } from '../../parts/pin-view.ts'
import { numbersOfKeys } from './key-numbers.ts'
import type { KeyView } from './key-view.ts'

/** The tokens on which these keys are, each once, in the order of the keys. Keys in software have none. */
export function askedTokens(keys: readonly KeyView[]): readonly AskedToken[] {
  const several = keys.some(({ of }) => of > 1)
  const asked: { readonly token: NonNullable<KeyView['token']>; readonly numbers: number[] }[] = []
  for (const { token, number } of keys) {
    if (token === null) continue
    const known = asked.find((other) => sameToken(other.token, token))
    if (known === undefined) asked.push({ token, numbers: [number] })
    else known.numbers.push(number)
  }
  return asked.map(({ token, numbers }) => ({
    token,
    opens: several ? `Opens ${numbersOfKeys(numbers).toLowerCase()}.` : null,
  }))
}

type SentPins = Pick<Input<'review.approve'>, 'pin' | 'useLastTry' | 'furtherPins'>

/** What was typed, as it is sent: the PIN of the first key's token, and those of the other tokens where there are any. */
export function pinsToSend(keys: readonly [KeyView, ...KeyView[]], typed: readonly TokenPin[]): SentPins {
  const { token } = keys[0]
  const own = token === null ? undefined : typed.find((each) => sameToken(each.token, token))
  const others = typed.filter((each) => each !== own)
  return {
    pin: own?.pin ?? null,
    useLastTry: own?.useLastTry ?? false,
    ...(others.length === 0
      ? {}
      : { furtherPins: others.map(({ token, pin, useLastTry }) => ({ token, pin, useLastTry })) }),
  }
}
