import { z } from 'zod'
import { fingerprint, sha256Hex, utcTime } from './ids.ts'
import { purpose } from './purpose.ts'
import { keyAlgorithm, tokenId } from './token.ts'

export const keyState = z.enum(['active', 'suspended', 'retired', 'destroyed'])
export type KeyState = z.infer<typeof keyState>

/**
 * Of a key on a token: `generated` and `imported` are the token's own word (CKA_LOCAL); without it nobody knows. Of a key in software:
 * `software` was made here, `imported` came from another installation, and stays so for ever.
 */
export const keyOrigin = z.enum(['generated', 'imported', 'unknown', 'software'])
export type KeyOrigin = z.infer<typeof keyOrigin>

/** Where the private key is: on a token, or in the station's database as a NaCl sealed box (debusine's `nacl` record). */
export const keyHome = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('token'), token: tokenId, ckaId: z.string(), pkcs11Uri: z.string() }),
  z.strictObject({ kind: z.literal('software') }),
])
export type KeyHome = z.infer<typeof keyHome>

export const certificateFacts = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  serial: z.string(),
  notBefore: utcTime,
  notAfter: utcTime,
  /** SHA-256 of the DER, lower-case hex. */
  sha256: sha256Hex,
  algorithm: keyAlgorithm,
  isCa: z.boolean(),
  keyUsage: z.array(z.string()),
  extendedKeyUsage: z.array(z.string()),
  selfSigned: z.boolean(),
})
export type CertificateFacts = z.infer<typeof certificateFacts>

/** Whether a key could sign now, and if not, what is missing; `not-known`: the failure has no word of its own here. */
export const keyAvailability = z.enum([
  'usable',
  'out-of-use', // suspended, retired or destroyed
  'token-absent',
  'key-absent', // the token is here and has no key of that id
  'key-differs', // another key under its id, or a token that cannot be told from another
  'pin-locked',
  'service-key-absent',
  'not-known',
])
export type KeyAvailability = z.infer<typeof keyAvailability>

/** A registered key as screens see it. */
export const registeredKey = z.strictObject({
  purpose,
  fingerprint,
  description: z.string(),
  state: keyState,
  production: z.boolean(),
  origin: keyOrigin,
  algorithm: keyAlgorithm,
  home: keyHome,
  certificate: certificateFacts,
  certificatePem: z.string(),
  createdAt: utcTime,
  lastUsedAt: utcTime.nullable(),
  /** Number of the audit entry about its last signature. */
  lastUseSeq: z.int().positive().nullable(),
  /** Where its public key was last read; null: nowhere, or it is a software key. To within ten minutes after a restart. */
  lastSeen: z.strictObject({ at: utcTime, tokenLabel: z.string(), module: z.string() }).nullable(),
  availability: keyAvailability,
  /** Whether it could sign now: its token is there and readable, or its service key opens. */
  usableNow: z.boolean(),
  unusableBecause: z.string().nullable(),
})
export type RegisteredKey = z.infer<typeof registeredKey>
