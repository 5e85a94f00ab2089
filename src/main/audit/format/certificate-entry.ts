import { z } from 'zod'
import { fingerprint, sha256Hex, utcTime } from '../../../shared/ids.ts'
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

/** An OpenPGP key has another certificate than before. */
export const openPgpCertificateChanged = z.strictObject({
  event: z.literal('openpgp-certificate-changed'),
  purpose: exactText(64).min(1),
  fingerprint,
  why: z.enum(['extended', 'revoked', 'brought']),
  /** SHA-256 of its packets. */
  certificateSha256: sha256Hex,
  /** Null: it does not expire. */
  expires: utcTime.nullable(),
  operator: exactText(200).min(1),
})
