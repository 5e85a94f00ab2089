import { z } from 'zod'
import { sha256Hex, utcTime } from './ids.ts'

/** A token is known by manufacturer, model and serial read back from it, never by slot number. `software` is the sealed-box key store. */
export const tokenId = z.strictObject({
  manufacturer: z.string().max(32),
  model: z.string().max(16),
  serial: z.string().min(1).max(32),
})
export type TokenId = z.infer<typeof tokenId>

/** PKCS#11 gives flags, not counters (CKF_USER_PIN_COUNT_LOW, _FINAL_TRY, _LOCKED). */
export const pinState = z.enum(['ok', 'count-low', 'final-try', 'locked', 'not-set'])
export type PinState = z.infer<typeof pinState>

export const tokenSummary = z.strictObject({
  id: tokenId,
  label: z.string(),
  module: z.string(),
  firmware: z.string(),
  hardware: z.string(),
  pinState,
  pinRequired: z.boolean(),
  minPinLength: z.int().nonnegative(),
  maxPinLength: z.int().nonnegative(),
})
export type TokenSummary = z.infer<typeof tokenSummary>

export const keyAlgorithm = z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519', 'unsupported'])
export type KeyAlgorithm = z.infer<typeof keyAlgorithm>

/** A key on a token as it was read back. `spkiSha256` is the SHA-256 of its SubjectPublicKeyInfo (RFC 5280 §4.1). */
export const tokenObject = z.strictObject({
  ckaId: z.string().regex(/^(?:[0-9a-f]{2})+$/),
  label: z.string(),
  algorithm: keyAlgorithm,
  spkiSha256: sha256Hex.nullable(),
  certificatePem: z.string().nullable(),
  /** CKA_ALWAYS_AUTHENTICATE: the PIN is wanted for each signature. Null where it is not readable before login. */
  alwaysAuthenticate: z.boolean().nullable(),
  /** What the key waits for besides the login, where the module or its attestation says. Null: the token has no policies. */
  policies: z
    .strictObject({
      pin: z.enum(['never', 'once', 'always', 'unknown']),
      touch: z.enum(['never', 'always', 'cached', 'unknown']),
    })
    .nullable(),
  /** End of the certificate on the token. */
  certificateNotAfter: utcTime.nullable(),
  /** CKA_LOCAL: generated on the token. Null where the token does not say. */
  generatedOnToken: z.boolean().nullable(),
})
export type TokenObject = z.infer<typeof tokenObject>
