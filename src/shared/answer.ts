import { z } from 'zod'
import { failure } from './failure.ts'

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
