import { z } from 'zod'

/**
 * Text from outside that means something (a path, a name): kept exactly as it came, and refused when it is not valid Unicode
 * or longer than `max` UTF-16 units. Whoever takes it in checks it before; here it would be a defect.
 */
export function exactText(max: number) {
  return z
    .string()
    .max(max)
    .refine((text) => text.isWellFormed(), 'not valid Unicode')
}

/**
 * Text for people (the message of a failure): an outcome must be recorded whatever its message is, so it is made valid and
 * cut to `max` UTF-16 units, with an ellipsis to show it.
 */
export function messageText(max: number) {
  return z.string().overwrite((text) => fitted(text.toWellFormed(), max))
}

function fitted(text: string, max: number): string {
  if (text.length <= max) return text
  // The cut may go through a surrogate pair; its half is dropped.
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}
