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

/** Of an X.509 certificate; of an OpenPGP certificate subject and issuer are its first user id and `serial` its fingerprint. */
export const certificateFacts = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  serial: z.string(),
  notBefore: utcTime,
  notAfter: utcTime,
  /** SHA-256 of the DER, or of the OpenPGP certificate's packets. */
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

/** What an OpenPGP key is beside what every key is. */
export const openPgpKeyFacts = z.strictObject({
  version: z.union([z.literal(4), z.literal(6)]),
  userIds: z.array(z.string()).max(64),
  /** The key in the certificate that the token holds; another than the key's own fingerprint: a subkey. */
  signingFingerprint: fingerprint,
  /** When that key was created, as its fingerprint has it. */
  created: utcTime,
  revoked: z.boolean(),
  /** Armored revocation that was prepared when the certificate was made, to be kept apart. Null: not made here. */
  revocation: z.string().nullable(),
  /** The primary key where a subkey signs and the certificate was made here: it changes the certificate. Null: the key itself, or elsewhere. */
  primary: z.strictObject({ token: tokenId, ckaId: z.string(), algorithm: keyAlgorithm }).nullable(),
})
export type OpenPgpKeyFacts = z.infer<typeof openPgpKeyFacts>

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
  /** PEM of X.509, or armor of OpenPGP. */
  certificatePem: z.string(),
  /** Null: a key with a certificate of X.509. */
  openpgp: openPgpKeyFacts.nullable(),
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
