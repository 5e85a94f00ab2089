import { z } from 'zod'
import { sha256Hex, utcTime } from './ids.ts'
import { documentFault } from './upload-facts.ts'

/** A repository's `Release` file. Fields that it does not have are null; nothing is filled in. */
export const releaseFacts = z.strictObject({
  kind: z.literal('release'),
  faults: z.array(documentFault).max(16),
  signedAlready: z.boolean(),
  /** SHA-256 of the text without a signature. Null: it cannot be told apart. */
  bodySha256: sha256Hex.nullable(),
  origin: z.string().nullable(),
  label: z.string().nullable(),
  suite: z.string().nullable(),
  codename: z.string().nullable(),
  version: z.string().nullable(),
  description: z.string().nullable(),
  date: utcTime.nullable(),
  validUntil: utcTime.nullable(),
  components: z.array(z.string()).max(200),
  architectures: z.array(z.string()).max(200),
  acquireByHash: z.boolean().nullable(),
  notAutomatic: z.boolean().nullable(),
  /** Names of the lists of digests that it has. */
  digestLists: z.array(z.string()).max(8),
  /** How many files its SHA-256 list names. */
  indexes: z.int().nonnegative(),
})
export type ReleaseFacts = z.infer<typeof releaseFacts>

/** What changed since the last `Release` of the suite that this station signed. */
export const releaseChange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('first') }),
  z.strictObject({
    kind: z.literal('since'),
    /** When the last one was signed here, and the date that it has. */
    signedAt: utcTime,
    date: utcTime.nullable(),
    added: z.int().nonnegative(),
    removed: z.int().nonnegative(),
    changed: z.int().nonnegative(),
    unchanged: z.int().nonnegative(),
    /** The first of them, by name; the numbers above count all. */
    examples: z.array(z.strictObject({ how: z.enum(['added', 'removed', 'changed']), name: z.string() })).max(200),
    /** Fields of the head that differ: components, architectures and the like. */
    fields: z
      .array(z.strictObject({ name: z.string(), before: z.string().nullable(), after: z.string().nullable() }))
      .max(16),
  }),
])
export type ReleaseChange = z.infer<typeof releaseChange>
