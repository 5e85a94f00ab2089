import { z } from 'zod'
import { failure } from './failure.ts'
import { tokenId } from './token.ts'

const maxFurtherPins = 7

/** What a channel answers: a value, or a failure as data. */
export function answer<T extends z.ZodType>(value: T) {
  return z.discriminatedUnion('ok', [
    z.strictObject({ ok: z.literal(true), value }),
    z.strictObject({ ok: z.literal(false), error: failure }),
  ])
}

export const done = answer(z.null())

/** PIN as typed. It goes one way, to the token process; 4–255 characters as PKCS#11 modules allow. */
export const pin = z.string().min(1).max(255)

/** PINs of the tokens on which further keys of a request are; one for each token that is not the first key's. */
export const furtherPins = z
  .array(z.strictObject({ token: tokenId, pin, useLastTry: z.boolean() }))
  .max(maxFurtherPins)
  .exactOptional()
