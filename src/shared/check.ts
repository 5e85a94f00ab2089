import { z } from 'zod'

/**
 * The checks of a request, in the order in which they are made and shown. Each is a question with evidence; the names are
 * part of the sheet, hence of its digest.
 */
export const checkId = z.enum([
  'request-held',
  'inputs-unchanged',
  'trusted-certs',
  'embedded-certificates',
  'permission',
  'key-registered',
  'key-active',
  'token-present',
  'purpose-matches',
  'certificate-valid',
  'layout-safe',
  'file-explained',
  'sbat-level',
  'signed-before',
  'upload-whole',
  'upload-version',
  'index-sound',
  'index-progress',
])
export type CheckId = z.infer<typeof checkId>

/**
 * - `passed`: the question was answered, and well;
 * - `attention`: answered, and a person has to acknowledge it by name before approval (blind signing, signed before);
 * - `refused`: can never be approved;
 * - `unknown`: could not be answered; blocks approval like `refused` until it can (unknown is not passed);
 * - `not-applicable`: the question does not arise for this request.
 */
export const checkOutcome = z.enum(['passed', 'attention', 'refused', 'unknown', 'not-applicable'])
export type CheckOutcome = z.infer<typeof checkOutcome>

export const check = z.strictObject({
  id: checkId,
  outcome: checkOutcome,
  /** One sentence that says what was found. */
  sentence: z.string(),
  /** What it rests on, with the part that it concerns (an artifact, a file). */
  evidence: z.array(
    z.strictObject({
      subject: z.string(),
      found: z.string(),
      outcome: checkOutcome,
      source: z.enum(['server', 'file', 'station', 'token']),
    }),
  ),
})
export type Check = z.infer<typeof check>
