import { z } from 'zod'

/**
 * The four ways in which something does not work, kept apart everywhere, on the screens too:
 * - `invalid`: cannot be right (malformed file, wrong digest, bad JSON);
 * - `refused`: is right, but a rule forbids it (untrusted certificate, no permission);
 * - `unavailable`: token, server or disk is absent; trying again makes sense;
 * - `defect`: the program is wrong.
 */
export const failureKind = z.enum(['invalid', 'refused', 'unavailable', 'defect'])
export type FailureKind = z.infer<typeof failureKind>

/**
 * An expected failure as it may reach a screen. `code` is what programs compare, `message` one plain sentence for the
 * operator: what happened, what was kept, what to do. `detail` is for the log (an error number, a method name).
 */
export const failure = z.strictObject({
  kind: failureKind,
  code: z.string().regex(/^[a-z][a-z0-9-]*$/),
  message: z.string(),
  detail: z.string().optional(),
})
export type Failure<Code extends string = string> = Omit<z.infer<typeof failure>, 'code'> & { readonly code: Code }
