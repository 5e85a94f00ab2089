import type { YubihsmFacts } from '../../../shared/attestation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { derTag, readElement } from '../../asn1/der.ts'
import type { AttestationCertificate } from './attestation-certificate.ts'
import { booleanOf, integerOf, octetsInBitString, smallIntegerIn, utf8 } from './der-values.ts'
import { capabilityNames } from './yubihsm-capabilities.ts'
import type { StatementFault } from './yubikey-statement.ts'

// Extensions below 1.3.6.1.4.1.41482.4 with the types of docs.yubico.com/hardware/oid/oid-product-arc.html; 12 as python-yubihsm
// reads it. All of them are DER.
const arc = '1.3.6.1.4.1.41482.4.'
const extension = {
  firmware: `${arc}1`,
  serial: `${arc}2`,
  origin: `${arc}3`,
  domains: `${arc}4`,
  capabilities: `${arc}5`,
  objectId: `${arc}6`,
  label: `${arc}9`,
  fipsApproved: `${arc}12`,
} as const

/** Bits of the origin (YubiHSM 2 User Guide, “Origin”). */
const originBits = { generated: 0x01, imported: 0x02, 'imported-wrapped': 0x10 } as const
const everyOrigin = Object.values(originBits).reduce((sum: number, bit) => sum | bit, 0)

/** Reads the certificate of an asymmetric key as a statement; nothing is verified. A YubiHSM writes all seven, so all seven must be there. */
export function readYubihsmStatement(certificate: AttestationCertificate): Result<YubihsmFacts, StatementFault> {
  const { extensions } = certificate
  const value = (name: string) => extensions.get(name) ?? new Uint8Array()
  const { firmware, serial } = readYubihsmDevice(certificate)
  const origin = octetsInBitString(value(extension.origin), 1)?.[0]
  const domains = octetsInBitString(value(extension.domains), 2)
  const capabilities = octetsInBitString(value(extension.capabilities), 8)
  const objectId = smallIntegerIn(value(extension.objectId), 0xffff)
  const labelElement = readElement(value(extension.label), derTag.utf8String)
  const label = labelElement.ok && labelElement.value.contents.length <= 40 ? utf8(labelElement.value.contents) : null
  const fipsApproved = flagIn(extensions.get(extension.fipsApproved))
  if (firmware === null || serial === null || origin === undefined || domains === null)
    return err('statement-malformed')
  if (capabilities === null || objectId === null || label === null || fipsApproved === 'malformed')
    return err('statement-malformed')
  // A bit whose meaning is not known could say that the key is from outside.
  if ((origin & ~everyOrigin) !== 0 || (origin & (originBits.generated | originBits.imported)) === 0)
    return err('statement-malformed')
  // The first YubiHSM 2 had 2.0.0.
  if (Number(firmware.split('.')[0]) < 2) return err('firmware-impossible')
  return ok({
    device: 'yubihsm',
    firmware,
    serial,
    origin: (['generated', 'imported', 'imported-wrapped'] as const).filter(
      (name) => (origin & originBits[name]) !== 0,
    ),
    domains: domainsIn(domains),
    capabilities: [...capabilityNames(capabilities)],
    objectId,
    label,
    fipsApproved,
  })
}

/** What a device's own certificate (opaque object 0) says of it; a part that is not there is null. */
export function readYubihsmDevice(certificate: AttestationCertificate): {
  readonly firmware: string | null
  readonly serial: string | null
} {
  const version = readElement(certificate.extensions.get(extension.firmware) ?? new Uint8Array(), derTag.octetString)
  const serial = smallIntegerIn(certificate.extensions.get(extension.serial) ?? new Uint8Array(), 0xffff_ffff)
  return {
    firmware: version.ok && version.value.contents.length === 3 ? [...version.value.contents].join('.') : null,
    serial: serial === null ? null : String(serial),
  }
}

/** Whether it is about a key object. That key signs what its owner likes, so it is never the device's own (see `isYubikeyStatement`). */
export function isYubihsmStatement(certificate: AttestationCertificate): boolean {
  return [extension.origin, extension.capabilities, extension.objectId].some((name) => certificate.extensions.has(name))
}

/** Bit n is domain n + 1. */
function domainsIn(mask: Uint8Array): number[] {
  const bits = ((mask[0] ?? 0) << 8) | (mask[1] ?? 0)
  return Array.from({ length: 16 }, (_, bit) => bit)
    .filter((bit) => ((bits >> bit) & 1) === 1)
    .map((bit) => bit + 1)
}

/** BOOLEAN, or INTEGER 0 or 1: the maker's own reader takes both. */
function flagIn(value: Uint8Array | undefined): boolean | null | 'malformed' {
  if (value === undefined) return null
  const element = readElement(value)
  if (!element.ok) return 'malformed'
  const flag = booleanOf(element.value)
  const number = integerOf(element.value)
  return flag ?? (number === 0n ? false : number === 1n ? true : 'malformed')
}
