import { z } from 'zod'
import { sha256Hex, utcTime } from './ids.ts'
import { documentFault } from './upload-facts.ts'

/** What changed since another `Release` of the suite: the last one that was signed. */
export const releaseChange = z.strictObject({
  /** Of the other one. */
  date: utcTime.nullable(),
  added: z.int().nonnegative(),
  removed: z.int().nonnegative(),
  changed: z.int().nonnegative(),
  unchanged: z.int().nonnegative(),
  /** The first of them, what is new or gone before what was changed; the numbers above count all. */
  examples: z.array(z.strictObject({ how: z.enum(['added', 'removed', 'changed']), name: z.string() })).max(60),
  /** Fields of the head that differ: components, architectures, and whatever else it says. */
  fields: z
    .array(z.strictObject({ name: z.string(), before: z.string().nullable(), after: z.string().nullable() }))
    .max(80),
})
export type ReleaseChange = z.infer<typeof releaseChange>

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
  /** Every field that has no place above, as it is spelled: a signature vouches for it as well. */
  others: z.array(z.strictObject({ name: z.string(), value: z.string() })).max(32),
  /** Null: there was none to compare with. */
  change: releaseChange.nullable(),
})
export type ReleaseFacts = z.infer<typeof releaseFacts>
