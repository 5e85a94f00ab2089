import { z } from 'zod'
import { failure } from './failure.ts'
import { fingerprint, requestId, sha256Hex, utcTime } from './ids.ts'
import { purpose } from './purpose.ts'
import { type TokenId, tokenId } from './token.ts'
import { typedText } from './typed-text.ts'

/** What a token of this station can be asked to make. */
export const generatedAlgorithm = z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519'])
export type GeneratedAlgorithm = z.infer<typeof generatedAlgorithm>

/** A YubiHSM's label has 40 bytes; the others take more. */
export const maxKeyLabel = 40

/** When a YubiKey wants the PIN and a touch. `default`: as the slot has it (9C always asks for the PIN). Other tokens know `default` only. */
export const keyPolicies = z.strictObject({
  pin: z.enum(['default', 'never', 'once', 'always']),
  touch: z.enum(['default', 'never', 'always', 'cached']),
})
export type KeyPolicies = z.infer<typeof keyPolicies>
export const defaultPolicies: KeyPolicies = { pin: 'default', touch: 'default' }

/**
 * How a token takes a new key. `piv`: a YubiKey, whose slots are fixed and whose management key (as hex) is the security
 * officer's PIN of PKCS#11. `yubihsm`: object ids of two bytes. `generic`: any id.
 */
export type TokenKind = 'piv' | 'yubihsm' | 'generic'

/** By the model that the token gives: ykcs11 says `YubiKey YK5`, yubihsm_pkcs11 `YubiHSM`. */
export function tokenKind(token: TokenId): TokenKind {
  if (token.model.startsWith('YubiHSM')) return 'yubihsm'
  return token.model.startsWith('YubiKey') ? 'piv' : 'generic'
}

/** A PIV slot that a signing key can be in, and its CKA_ID in ykcs11. F9 is the attestation key's and is never offered. */
export const pivSlots: readonly { readonly slot: string; readonly ckaId: string; readonly name: string }[] = [
  { slot: '9C', ckaId: '02', name: 'Digital signature' },
  { slot: '9A', ckaId: '01', name: 'Authentication' },
  { slot: '9D', ckaId: '03', name: 'Key management' },
  { slot: '9E', ckaId: '04', name: 'Card authentication' },
  ...Array.from({ length: 20 }, (_, index) => ({
    slot: (0x82 + index).toString(16).toUpperCase(),
    ckaId: (0x05 + index).toString(16).padStart(2, '0'),
    name: `Retired ${index + 1}`,
  })),
]

/** Why an id cannot be a new key's on this token; null: it can. Whether it is free, only the token says. */
export function idProblem(kind: TokenKind, ckaId: string): string | null {
  switch (kind) {
    case 'piv':
      return pivSlots.some((slot) => slot.ckaId === ckaId) ? null : 'Choose one of the token’s slots.'
    case 'yubihsm':
      return /^[0-9a-f]{4}$/.test(ckaId) && ckaId !== '0000' && ckaId !== 'ffff'
        ? null
        : 'A YubiHSM’s object id has four hex digits, 0001 to fffe.'
    case 'generic':
      return /^(?:[0-9a-f]{2}){1,32}$/.test(ckaId)
        ? null
        : 'The id is 1 to 32 bytes, as pairs of hex digits, such as 0a or 2026.'
  }
}

/** Algorithms that sign for a purpose. UEFI firmware and kernels verify RSA; ECDSA where the verifier is known to take it. */
export const algorithmsOf: Readonly<Record<z.infer<typeof purpose>, readonly GeneratedAlgorithm[]>> = {
  uefi: ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'],
}

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

/** A certificate by the key itself, or a PKCS#10 request for a CA, whose certificate is brought later. */
export const certificatePlan = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('self-signed'), subject, days: z.int().min(1).max(36_500) }),
  z.strictObject({ kind: z.literal('request'), subject }),
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
