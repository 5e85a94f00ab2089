import { z } from 'zod'
import { fingerprint, requestId, sha256Hex, utcTime } from '../../../shared/ids.ts'
import { hexDigest, operator, purposeText } from './entry-fields.ts'
import { exactText } from './text.ts'

/** What a key signs of its own certificate; `openpgp-…`: one of the signatures of which an OpenPGP certificate is made. */
export const certificatePart = z.enum([
  'certificate',
  'certificate-request',
  'openpgp-certification',
  'openpgp-direct-key',
  'openpgp-subkey-binding',
  'openpgp-primary-key-binding',
  'openpgp-key-revocation',
  'openpgp-subkey-revocation',
])
export type CertificatePart = z.infer<typeof certificatePart>

/** The intent of a use of a key for its own certificate or request: of X.509 after the one of `key-generated` came to nothing, of OpenPGP for each signature. */
export const certificateIntended = z.strictObject({
  event: z.literal('certificate-intended'),
  requestId,
  purpose: purposeText,
  spkiSha256: sha256Hex,
  what: certificatePart,
  digest: hexDigest,
  tokenSerial: exactText(64).min(1),
  operator,
})
/** An OpenPGP key has another certificate than before. */
export const openPgpCertificateChanged = z.strictObject({
  event: z.literal('openpgp-certificate-changed'),
  purpose: purposeText,
  fingerprint,
  why: z.enum(['extended', 'revoked', 'brought']),
  /** SHA-256 of its packets. */
  certificateSha256: sha256Hex,
  /** Null: it does not expire. */
  expires: utcTime.nullable(),
  operator,
})
/** A certificate with a signing subkey was made here: which key certifies, which one signs. In the transaction that registers the latter. */
export const openPgpSubkeyBound = z.strictObject({
  event: z.literal('openpgp-subkey-bound'),
  purpose: purposeText,
  /** Of the primary key, by which the key that signs is registered. */
  fingerprint,
  signingFingerprint: fingerprint,
  /** SHA-256 of its packets. */
  certificateSha256: sha256Hex,
  primarySpkiSha256: sha256Hex,
  primaryTokenSerial: exactText(64).min(1),
  spkiSha256: sha256Hex,
  tokenSerial: exactText(64).min(1),
  operator,
})
