import type { UsbDevice } from '../../../shared/devices.ts'

/** As YubiKeys are: without a serial number on USB. */
export const yubikey: UsbDevice = {
  plug: '1-1:1.4',
  kind: 'yubikey',
  vendorId: 0x1050,
  productId: 0x407,
  bus: 1,
  address: 4,
  product: 'YubiKey OTP+FIDO+CCID',
  serial: null,
  interfaces: ['otp', 'fido', 'ccid'],
}
export const yubihsm: UsbDevice = {
  ...yubikey,
  plug: '1-2:1.9',
  kind: 'yubihsm',
  serial: '0007550140',
  interfaces: ['other'],
}
