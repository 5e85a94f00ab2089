import type { YubikeyFacts } from '../../../shared/attestation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { AttestationCertificate } from './attestation-certificate.ts'
import { smallIntegerIn } from './der-values.ts'

// Extensions below 1.3.6.1.4.1.41482.3 (developers.yubico.com/PIV/Introduction/PIV_attestation.html). Firmware, policies and form
// factor are bare bytes in the extension's OCTET STRING, no DER: a fault that Yubico keeps (yubico-piv-tool issue 181).
const arc = '1.3.6.1.4.1.41482.3.'
const extension = {
  firmware: `${arc}3`,
  serial: `${arc}7`,
  policies: `${arc}8`,
  formFactor: `${arc}9`,
  fips: `${arc}10`,
  cspn: `${arc}11`,
} as const

// Numbers as in YubiKey Manager's yubikit/piv.py; 4 and 5 are the YubiKey Bio's.
const pinPolicies = new Map<number, YubikeyFacts['pinPolicy']>([
  [1, 'never'],
  [2, 'once'],
  [3, 'always'],
  [4, 'match-once'],
  [5, 'match-always'],
])
const touchPolicies = new Map<number, YubikeyFacts['touchPolicy']>([
  [1, 'never'],
  [2, 'always'],
  [3, 'cached'],
])
const formFactors = new Map<number, NonNullable<YubikeyFacts['formFactor']>>([
  [1, 'usb-a-keychain'],
  [2, 'usb-a-nano'],
  [3, 'usb-c-keychain'],
  [4, 'usb-c-nano'],
  [5, 'usb-c-lightning'],
  [6, 'usb-a-bio'],
  [7, 'usb-c-bio'],
])
const fipsBit = 0x80
/** The upper half has flags: 80 FIPS, 40 Security Key. */
const formFactorBits = 0x0f

export type StatementFault = 'statement-malformed' | 'firmware-impossible'

/** Reads a slot's certificate as a statement; nothing is verified. */
export function readYubikeyStatement(certificate: AttestationCertificate): Result<YubikeyFacts, StatementFault> {
  const { extensions, commonName } = certificate
  const slot = /^YubiKey PIV Attestation ([0-9a-f]{2})$/.exec(commonName ?? '')?.[1]
  const version = extensions.get(extension.firmware)
  const policies = extensions.get(extension.policies)
  const form = extensions.get(extension.formFactor)
  if (slot === undefined || version?.length !== 3 || policies?.length !== 2) return err('statement-malformed')
  if (form !== undefined && form.length !== 1) return err('statement-malformed')
  const [major = 0, minor = 0] = version
  const [pin = 0, touch = 0] = policies
  const pinPolicy = pinPolicies.get(pin)
  const touchPolicy = touchPolicies.get(touch)
  if (pinPolicy === undefined || touchPolicy === undefined) return err('statement-malformed')
  // Attestation came with 4.3; a number before that was not written by a YubiKey.
  if (major < 4 || (major === 4 && minor < 3)) return err('firmware-impossible')
  const serialValue = extensions.get(extension.serial)
  const serial = serialValue === undefined ? null : smallIntegerIn(serialValue, 0xffff_ffff)
  // From firmware 5 on each statement has the serial number.
  if (serial === null && (serialValue !== undefined || major >= 5)) return err('statement-malformed')
  const octet = form?.[0]
  return ok({
    device: 'yubikey-piv',
    slot,
    firmware: [...version].join('.'),
    serial: serial === null ? null : String(serial),
    pinPolicy,
    touchPolicy,
    formFactor: octet === undefined ? null : (formFactors.get(octet & formFactorBits) ?? 'unknown'),
    fips: octet !== undefined && (octet & fipsBit) !== 0,
    cspn: false,
  })
}

/** What the certificate of F9 adds: that this model is certified, and the firmware that it was made with. */
export function readYubikeyDevice(certificate: AttestationCertificate): {
  readonly firmware: string | null
  readonly fips: boolean
  readonly cspn: boolean
} {
  const version = certificate.extensions.get(extension.firmware)
  return {
    firmware: version?.length === 3 ? [...version].join('.') : null,
    fips: certificate.extensions.has(extension.fips),
    cspn: certificate.extensions.has(extension.cspn),
  }
}

/**
 * Whether a YubiKey made this certificate about a slot. Its key signs whatever its owner likes, so it must never stand where the
 * certificate of F9 belongs, though it chains to the same root.
 */
export function isYubikeyStatement(certificate: AttestationCertificate): boolean {
  return certificate.extensions.has(extension.policies) || certificate.extensions.has(extension.serial)
}
