import { z } from 'zod'
import { failure } from './failure.ts'
import { sha256Hex } from './ids.ts'

/** A service key: what software keys are sealed with. Its secret half is in a file that only the token process reads. */
export const serviceKey = z.strictObject({
  file: z.string(),
  /** SHA-256 of the public half's 32 octets; null: the file is not safe to use. */
  fingerprint: sha256Hex.nullable(),
  problem: z.string().nullable(),
  /** The first: new keys are sealed with it, and rotation seals all to it. */
  encrypts: z.boolean(),
  /** Sealed records of this station that it opens. */
  opens: z.int().nonnegative(),
})
export type ServiceKey = z.infer<typeof serviceKey>

export const serviceKeyList = z.strictObject({
  folder: z.string(),
  /** In sort order. */
  keys: z.array(serviceKey).max(1024),
  /** Service keys that are needed and not in the folder, with the names of what they open. */
  absent: z.array(z.strictObject({ fingerprint: sha256Hex, opens: z.array(z.string()) })),
  /** Records that are sealed with another than the first. */
  waiting: z.int().nonnegative(),
})
export type ServiceKeyList = z.infer<typeof serviceKeyList>

/** What a rotation did. What could not be sealed anew is kept as it was. */
export const reencryptionReport = z.strictObject({
  to: sha256Hex,
  reencrypted: z.int().nonnegative(),
  already: z.int().nonnegative(),
  kept: z.array(z.strictObject({ name: z.string(), failure })),
  /** Stopped between two records before all were looked at. */
  stopped: z.boolean(),
})
export type ReencryptionReport = z.infer<typeof reencryptionReport>

export const reencryptionProgress = z.strictObject({ done: z.int().nonnegative(), total: z.int().nonnegative() })
export type ReencryptionProgress = z.infer<typeof reencryptionProgress>
