import { z } from 'zod'

// What main asks the process that reads and writes one folder on a medium, and what it answers: lines of JSON. The process is ours; the
// medium is not, and its bytes cross as they are.

/** A name in the folder, never a path. */
const name = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)

export const mediaJob = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('read'), name, limit: z.int().positive() }),
  /** `there`: SHA-256 of what main saw there, hex; null: no file. It is replaced only if it is still that. */
  z.strictObject({ op: z.literal('replace'), name, text: z.string(), there: z.string().nullable() }),
  /** Where the folder is, through whatever links; of one that is not there, where it would be made. */
  z.strictObject({ op: z.literal('place') }),
])
export type MediaJob = z.infer<typeof mediaJob>

const failed = z.strictObject({ kind: z.literal('failed'), code: z.string().max(64) })

export const mediaAnswers = {
  read: z.discriminatedUnion('kind', [
    /** base64 */
    z.strictObject({ kind: z.literal('bytes'), bytes: z.string() }),
    z.strictObject({ kind: z.literal('absent') }),
    z.strictObject({ kind: z.literal('wrong'), reason: z.enum(['it is too large', 'it is no file', 'it is a link']) }),
    failed,
  ]),
  replace: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('replaced') }),
    z.strictObject({ kind: z.literal('changed') }),
    failed,
  ]),
  place: z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('place'), path: z.string() }), failed]),
} as const satisfies Record<MediaJob['op'], z.ZodType>
export type MediaAnswer<O extends MediaJob['op']> = z.infer<(typeof mediaAnswers)[O]>

/** No line of the process is longer. */
export const maxMediaLine = 1_000_000
