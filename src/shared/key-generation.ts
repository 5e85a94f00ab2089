import { z } from 'zod'
import { failure } from './failure.ts'
import { fingerprint, requestId, sha256Hex, utcTime } from './ids.ts'
import { maxKeyLabel } from './key-place.ts'
import { purpose } from './purpose.ts'
import { tokenId } from './token.ts'
import { typedText } from './typed-text.ts'

/** What a token of this station can be asked to make. */
export const generatedAlgorithm = z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519'])
export type GeneratedAlgorithm = z.infer<typeof generatedAlgorithm>

/** When a YubiKey wants the PIN and a touch. `default`: as the slot has it (9C always asks for the PIN). Other tokens know `default` only. */
export const keyPolicies = z.strictObject({
  pin: z.enum(['default', 'never', 'once', 'always']),
  touch: z.enum(['default', 'never', 'always', 'cached']),
})
export type KeyPolicies = z.infer<typeof keyPolicies>
/** ub-common-name and its neighbours, RFC 5280 Appendix A.1. */
const nameText = typedText(64)

/** The subject of a certificate or of a request for one. */
export const subject = z.strictObject({
  commonName: nameText,
  organization: nameText.nullable(),
  unit: nameText.nullable(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .nullable(),
})
export type Subject = z.infer<typeof subject>

/**
 * How OpenPGP writes a key. `v4`: as GnuPG takes it, Ed25519 with algorithm 22; what is made where nothing is said. `v4-ed25519`: Ed25519 with
 * algorithm 27. `v6`: version 6 of RFC 9580.
 */
export const openPgpForm = z.enum(['v4', 'v4-ed25519', 'v6'])
export type OpenPgpForm = z.infer<typeof openPgpForm>

/** Controls, line ends, and what turns the direction of a text: a name that is certified for ever reads as it is. */
const misleading = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

/** A certificate of OpenPGP, by the key itself. Its creation time is that of the key's making. */
export const openPgpPlan = z.strictObject({
  /** `Name <mail>`, as people write it. */
  userId: typedText(200).refine((text) => !misleading.test(text), 'has characters that change how it reads'),
  /** Null: it does not expire. */
  days: z.int().min(1).max(36_500).nullable(),
  form: openPgpForm.exactOptional(),
})
export type OpenPgpPlan = z.infer<typeof openPgpPlan>

/** A certificate by the key itself, or a PKCS#10 request for a CA, whose certificate is brought later. */
export const certificatePlan = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('self-signed'), subject, days: z.int().min(1).max(36_500) }),
  z.strictObject({ kind: z.literal('request'), subject }),
  z.strictObject({ kind: z.literal('openpgp'), ...openPgpPlan.shape }),
])
export type CertificatePlan = z.infer<typeof certificatePlan>

/** A key that is to be made on a token, as a person chose it. */
export const generationPlan = z.strictObject({
  purpose,
  description: typedText(200),
  production: z.boolean(),
  token: tokenId,
  ckaId: z.string().max(64),
  label: typedText(maxKeyLabel),
  algorithm: generatedAlgorithm,
  policies: keyPolicies,
  certificate: certificatePlan,
})
export type GenerationPlan = z.infer<typeof generationPlan>

/**
 * Where the making of a key is.
 * - `intended`: on record, the token is being asked;
 * - `made`: the key is on the token and known by its public key; its certificate is missing;
 * - `awaiting-certificate`: a CA was given a request; its certificate is to be brought;
 * - `registered`: ended well;
 * - `failed`: no key was made;
 * - `incident`: the token was asked and what came of it is not known, until a person says;
 * - `closed`: a person ended it.
 */
export const generationState = z.enum([
  'intended',
  'made',
  'awaiting-certificate',
  'registered',
  'failed',
  'incident',
  'closed',
])
export type GenerationState = z.infer<typeof generationState>

export const keyGeneration = z.strictObject({
  /** Also the `requestId` of what the log says about it, where no request asked for it. */
  id: requestId,
  /** The work request that asked for it. Null: made by hand. */
  requestId: requestId.nullable(),
  plan: generationPlan,
  state: generationState,
  spkiSha256: sha256Hex.nullable(),
  /** PEM of the PKCS#10 request. */
  certificateRequest: z.string().nullable(),
  fingerprint: fingerprint.nullable(),
  /** Why the certificate is not on the token; null: it is there, or nothing was tried yet. */
  certificateNotOnToken: failure.nullable(),
  failure: failure.nullable(),
  operator: z.string(),
  begunAt: utcTime,
  updatedAt: utcTime,
})
export type KeyGeneration = z.infer<typeof keyGeneration>
