import { derBitString, derElement, derOctetString, derTag, derUnsignedInteger } from '../../../../src/main/asn1/der.ts'
import type { Firmware } from '../firmware.ts'
import { u16, u32, u64 } from '../message.ts'
import type { HsmObject } from '../objects.ts'
import { extension } from './certificate.ts'

/** Yubico's arc for the YubiHSM (docs.yubico.com/hardware/oid, "YubiHSM OIDs"). */
const arc = '1.3.6.1.4.1.41482.4'

export function deviceExtensions(firmware: Firmware, serial: number): readonly Uint8Array[] {
  return [
    extension(`${arc}.1`, derOctetString(Uint8Array.from(firmware))),
    extension(`${arc}.2`, derUnsignedInteger(u32(serial))),
  ]
}

export function objectExtensions(object: HsmObject): readonly Uint8Array[] {
  const label = Buffer.from(object.label)
  const end = label.indexOf(0)
  return [
    extension(`${arc}.3`, derBitString(Uint8Array.of(object.origin))),
    extension(`${arc}.4`, derBitString(u16(object.domains))),
    extension(`${arc}.5`, derBitString(u64(object.capabilities))),
    extension(`${arc}.6`, derUnsignedInteger(u16(object.id))),
    extension(`${arc}.9`, derElement(derTag.utf8String, end < 0 ? label : label.subarray(0, end))),
  ]
}
