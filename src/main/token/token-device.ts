import type { UsbDevice } from '../../shared/devices.ts'
import type { TokenId } from '../../shared/token.ts'

/**
 * The device on USB that a token is, where that can be known; null otherwise. PKCS#11 does not say it, and a YubiKey's serial number
 * is not on USB, so this excludes: a device that cannot be the token, or that has another serial number, is out; if one is left, it is
 * the token. With two left nothing is known, and only the module can tell that the token is gone.
 */
export function deviceOfToken(token: TokenId, devices: readonly UsbDevice[]): UsbDevice | null {
  const [only, ...others] = devices.filter((device) => mayBe(token, device))
  return only !== undefined && others.length === 0 ? only : null
}

function mayBe(token: TokenId, device: UsbDevice): boolean {
  if (token.manufacturer.startsWith('SoftHSM')) return false
  // yubihsm_pkcs11: model `YubiHSM`. One that is reached over the network by way of a connector is on no bus of this machine.
  if (token.model.startsWith('YubiHSM'))
    return device.kind === 'yubihsm' && device.serial !== null && sameSerial(token.serial, device.serial)
  if (device.kind === 'yubihsm' || !device.interfaces.includes('ccid')) return false
  // Through PC/SC any card in any reader answers, also to ykcs11; only a YubiKey that shows its serial number can be told apart.
  return device.kind === 'reader' || device.serial === null || sameSerial(token.serial, device.serial)
}

/** The YubiHSM's is 0007550140 on USB and 07550140 in PKCS#11. */
function sameSerial(token: string, device: string): boolean {
  const plain = (serial: string) => serial.trim().replace(/^0+(?=.)/, '')
  return plain(token) === plain(device)
}
