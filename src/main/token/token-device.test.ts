import { expect, test } from 'vitest'
import type { UsbDevice } from '../../shared/devices.ts'
import type { TokenId } from '../../shared/token.ts'
import { yubihsm, yubikey } from '../usb/testing/sample-devices.ts'
import { deviceOfToken } from './token-device.ts'

const reader: UsbDevice = { ...yubikey, plug: '1-3:1.5', kind: 'reader', interfaces: ['ccid'] }
const piv: TokenId = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '12345678' }
const hsm: TokenId = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' }

test.each<[string, TokenId, readonly UsbDevice[], UsbDevice | null]>([
  ['the only YubiKey', piv, [yubihsm, yubikey], yubikey],
  ['the only reader, whose card ykcs11 shows too', piv, [reader, yubihsm], reader],
  ['one of two YubiKeys: not known', piv, [yubikey, { ...yubikey, plug: '1-6:1.7' }], null],
  ['a YubiKey or a card in a reader: not known', piv, [yubikey, reader], null],
  ['a YubiKey that shows another serial number', piv, [{ ...yubikey, serial: '87654321' }], null],
  [
    'one of two, by its serial number',
    piv,
    [
      { ...yubikey, serial: '12345678' },
      { ...yubikey, plug: '1-6:1.7', serial: '9' },
    ],
    { ...yubikey, serial: '12345678' },
  ],
  ['a YubiKey without its smart-card interface', piv, [{ ...yubikey, interfaces: ['otp', 'fido'] }], null],
  ['the YubiHSM of that serial number, padded with other zeros', hsm, [yubikey, yubihsm], yubihsm],
  ['a YubiHSM elsewhere, behind a connector', hsm, [{ ...yubihsm, serial: '0007550141' }], null],
  [
    'a soft token, which is on no bus',
    { manufacturer: 'SoftHSM project', model: 'SoftHSM v2', serial: 'ab' },
    [yubikey],
    null,
  ],
])('%s', (_, token, devices, expected) => {
  expect(deviceOfToken(token, devices)).toEqual(expected)
})
