import { z } from 'zod'

/**
 * Words of a person that will stand in the audit log: 1 to `max` UTF-16 units, valid Unicode, no NUL. The log takes no other
 * text, so anything else is refused where it comes in: an operator name that the log refuses would stop the station for good.
 */
export function typedText(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'not valid text')
}
