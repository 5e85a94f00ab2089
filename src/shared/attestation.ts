import { z } from 'zod'
import { auditSeq, fingerprint, sha256Hex, utcTime } from './ids.ts'
import { purpose } from './purpose.ts'

// What a maker's attestation says of a key, and what came of checking it (docs/formats/attestation.md).

/** Whose attestation it is: each has a format and roots of its own. */
export const attestedDevice = z.enum(['yubikey-piv', 'yubihsm'])
export type AttestedDevice = z.infer<typeof attestedDevice>

const serial = z.string().regex(/^(?:0|[1-9][0-9]{0,9})$/)
const firmware = z.string().regex(/^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/)

export const pivPinPolicy = z.enum(['never', 'once', 'always', 'match-once', 'match-always'])
export const pivTouchPolicy = z.enum(['never', 'always', 'cached'])
export const yubikeyFormFactor = z.enum([
  'unknown',
  'usb-a-keychain',
  'usb-a-nano',
  'usb-c-keychain',
  'usb-c-nano',
  'usb-c-lightning',
  'usb-a-bio',
  'usb-c-bio',
])

/** Statement of a YubiKey about a key in a PIV slot. A YubiKey makes one only for a key that was generated in it. */
export const yubikeyFacts = z.strictObject({
  device: z.literal('yubikey-piv'),
  /** Two lower-case hex digits: `9a`, `9c`, `82` … */
  slot: z.string().regex(/^[0-9a-f]{2}$/),
  firmware,
  /** Decimal. Null: firmware before 5 does not say. */
  serial: serial.nullable(),
  pinPolicy: pivPinPolicy,
  touchPolicy: pivTouchPolicy,
  /** Null: not in the certificate. */
  formFactor: yubikeyFormFactor.nullable(),
  /** By the form factor of the statement, or by the certificate of F9. */
  fips: z.boolean(),
  cspn: z.boolean(),
})
export type YubikeyFacts = z.infer<typeof yubikeyFacts>

/** Statement of a YubiHSM 2 about an asymmetric key object. It makes one for imported keys too, and says so. */
export const yubihsmFacts = z.strictObject({
  device: z.literal('yubihsm'),
  firmware,
  serial,
  /** Bits of the origin; `imported-wrapped` stands beside one of the others. */
  origin: z.array(z.enum(['generated', 'imported', 'imported-wrapped'])).max(3),
  /** 1 to 16. */
  domains: z.array(z.int().min(1).max(16)).max(16),
  /** Names as yubihsm-shell has them; a bit without a name is `bit-N`. */
  capabilities: z.array(z.string().max(40)).max(64),
  objectId: z.int().min(0).max(0xffff),
  label: z.string().max(40),
  /** Attested in FIPS-approved mode. Null: not in the certificate. */
  fipsApproved: z.boolean().nullable(),
})
export type YubihsmFacts = z.infer<typeof yubihsmFacts>

export const attestationFacts = z.discriminatedUnion('device', [yubikeyFacts, yubihsmFacts])
export type AttestationFacts = z.infer<typeof attestationFacts>

export const attestationFault = z.enum([
  'certificate-malformed',
  'duplicate-extension',
  'unknown-critical-extension',
  'statement-malformed',
  'firmware-impossible',
  'firmware-differs',
  'another-key',
  'another-serial',
  'another-place',
  'signature-wrong',
  'issuer-no-ca',
  'issuer-is-a-statement',
  'path-too-long',
  'not-yet-valid',
  'expired',
  /** Never written: what lies in the database is not what the audit log says of it. */
  'not-as-logged',
])
export type AttestationFault = z.infer<typeof attestationFault>

/** Where trust in a root comes from: shipped with the station, or added by its operator. */
export const attestationRootName = z.strictObject({
  name: z.string().max(1024),
  sha256: sha256Hex,
  source: z.enum(['shipped', 'operator']),
})
export type AttestationRootName = z.infer<typeof attestationRootName>

/**
 * What came of it. `verified`: up to a root, for this key on this token. `chain-incomplete`: nothing is wrong, but no root that is
 * known here stands behind it. `failed`: something is wrong. `not-offered`: the token was asked and has none for this key.
 * `missing`: nobody could be asked, or nobody was.
 */
export const attestationVerdict = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('verified'), root: attestationRootName, facts: attestationFacts }),
  /** `lacks`: the issuer that is not known here. What `facts` say is a claim. */
  z.strictObject({ kind: z.literal('chain-incomplete'), lacks: z.string().max(1024), facts: attestationFacts }),
  /** `facts`: what the certificate claims, where it could be read so far. */
  z.strictObject({ kind: z.literal('failed'), fault: attestationFault, facts: attestationFacts.nullable() }),
  z.strictObject({
    kind: z.literal('not-offered'),
    why: z.enum(['no-statement-for-key', 'module-shows-none', 'other-device']),
  }),
  z.strictObject({ kind: z.literal('missing'), why: z.enum(['files-wanted', 'token-not-read', 'not-asked']) }),
])
export type AttestationVerdict = z.infer<typeof attestationVerdict>

/** Where the certificates came from. */
export const attestationSource = z.enum(['token', 'files'])
export type AttestationSource = z.infer<typeof attestationSource>

/** One look at the attestation of a registered key. It is never changed and never deleted. */
export const attestationRecord = z.strictObject({
  /** Entry of the audit log. */
  seq: auditSeq,
  at: utcTime,
  purpose,
  fingerprint,
  source: attestationSource,
  verdict: attestationVerdict,
  /** Statement first, then its issuers as far as they are known, the root last where it was reached. Empty: there were none. */
  certificatesPem: z.string(),
  operator: z.string(),
})
export type AttestationRecord = z.infer<typeof attestationRecord>

/** A root or an intermediate that attestations may end at. */
export const attestationRoot = z.strictObject({
  name: z.string().max(1024),
  sha256: sha256Hex,
  device: z.array(attestedDevice).min(1),
  role: z.enum(['root', 'intermediate']),
  source: z.enum(['shipped', 'operator']),
  notAfter: utcTime,
  /** For an operator's root. */
  addedAt: utcTime.nullable(),
  addedBy: z.string().nullable(),
})
export type AttestationRoot = z.infer<typeof attestationRoot>
