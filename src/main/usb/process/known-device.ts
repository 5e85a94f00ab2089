import type { UsbDeviceKind, UsbInterface } from '../../../shared/devices.ts'

const yubico = 0x1050

/** One interface as its descriptor says (USB 2.0 §9.6.5), hex. */
export type InterfaceClass = { readonly class: number; readonly subclass: number; readonly protocol: number }

/** USB class of smart-card readers (CCID 1.1 §4.1). */
const smartCard = 0x0b
const humanInterface = 0x03
/** HID 1.11 §4.2, §4.3: a boot keyboard. A YubiKey types its one-time passwords with it. */
const bootKeyboard = { subclass: 1, protocol: 1 }

/**
 * What a device is, by its numbers; null: none of ours. 0x0401–0x0407 are the modes of YubiKeys since the 4, each bit one interface,
 * 0x0110–0x0116 those of the NEO, 0x0030 is the YubiHSM 2. Every other device counts only if it has a smart-card interface.
 */
export function kindOf(
  vendorId: number,
  productId: number,
  interfaces: readonly InterfaceClass[],
): UsbDeviceKind | null {
  if (vendorId === yubico && productId === 0x0030) return 'yubihsm'
  if (vendorId === yubico && ((productId & 0xff00) === 0x0400 || (productId & 0xfff8) === 0x0110)) return 'yubikey'
  return interfaces.some((entry) => entry.class === smartCard) ? 'reader' : null
}

export function purposeOf(entry: InterfaceClass): UsbInterface {
  if (entry.class === smartCard) return 'ccid'
  if (entry.class !== humanInterface) return 'other'
  return entry.subclass === bootKeyboard.subclass && entry.protocol === bootKeyboard.protocol ? 'otp' : 'fido'
}
