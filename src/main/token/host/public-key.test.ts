import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { describe, expect, test } from 'vitest'
import { publicKeyOf } from './public-key.ts'

const word = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value)
  return bytes
}
const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('hex')
const text = (bytes: Buffer | undefined) => bytes?.toString('hex')

function ecAttributes(curve: 'P-256' | 'P-384', wrap: (point: Buffer) => Buffer) {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x ?? '', 'base64url'), Buffer.from(y ?? '', 'base64url')])
  const params = Buffer.from(curve === 'P-256' ? '06082a8648ce3d030107' : '06052b81040022', 'hex')
  const attributes = new Map([
    [pkcs11js.CKA_KEY_TYPE, word(pkcs11js.CKK_EC)],
    [pkcs11js.CKA_EC_PARAMS, params],
    [pkcs11js.CKA_EC_POINT, wrap(point)],
  ])
  return { publicKey, attributes }
}
const octetString = (point: Buffer) => Buffer.concat([Buffer.from([4, point.length]), point])

describe('public key read back from a token', () => {
  test('RSA from modulus and exponent, with or without a leading zero', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { n, e } = publicKey.export({ format: 'jwk' })
    for (const lead of [[], [0]]) {
      const attributes = new Map([
        [pkcs11js.CKA_KEY_TYPE, word(pkcs11js.CKK_RSA)],
        [pkcs11js.CKA_MODULUS, Buffer.concat([Buffer.from(lead), Buffer.from(n ?? '', 'base64url')])],
        [pkcs11js.CKA_PUBLIC_EXPONENT, Buffer.from(e ?? '', 'base64url')],
      ])
      const key = publicKeyOf(attributes)
      expect([key?.algorithm, text(key?.spki)]).toEqual(['rsa-2048', spkiOf(publicKey)])
    }
  })

  test.each(['P-256', 'P-384'] as const)('%s from a point in an OCTET STRING and from a bare one', (curve) => {
    for (const wrap of [octetString, (point: Buffer) => point]) {
      const { attributes, publicKey } = ecAttributes(curve, wrap)
      const key = publicKeyOf(attributes)
      expect([key?.algorithm, text(key?.spki)]).toEqual([curve === 'P-256' ? 'ec-p256' : 'ec-p384', spkiOf(publicKey)])
    }
  })

  test('Ed25519 by OID and by name', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
    for (const params of ['06032b6570', '130c656477617264733235353139']) {
      const attributes = new Map([
        [pkcs11js.CKA_KEY_TYPE, word(0x40)],
        [pkcs11js.CKA_EC_PARAMS, Buffer.from(params, 'hex')],
        [pkcs11js.CKA_EC_POINT, octetString(point)],
      ])
      const key = publicKeyOf(attributes)
      expect([key?.algorithm, text(key?.spki)]).toEqual(['ed25519', spkiOf(publicKey)])
    }
  })

  test.each<[string, (point: Buffer) => Buffer]>([
    [
      'off the curve',
      (point) => octetString(Buffer.concat([point.subarray(0, 64), Buffer.from([(point[64] ?? 0) ^ 1])])),
    ],
    ['compressed', (point) => octetString(Buffer.concat([Buffer.from([2]), point.subarray(1, 33)]))],
    ['with a wrong length in its header', (point) => Buffer.concat([Buffer.from([4, 64]), point])],
    ['cut short', (point) => point.subarray(0, 64)],
    ['absent', () => Buffer.alloc(0)],
  ])('no key from a point that is %s', (_, wrap) => {
    expect(publicKeyOf(ecAttributes('P-256', wrap).attributes)).toBeNull()
  })

  test('no key from a curve or a type that is not known, or from nothing', () => {
    const { attributes } = ecAttributes('P-256', octetString)
    expect(
      publicKeyOf(new Map(attributes).set(pkcs11js.CKA_EC_PARAMS, Buffer.from('06052b8104000a', 'hex'))),
    ).toBeNull()
    expect(publicKeyOf(new Map(attributes).set(pkcs11js.CKA_KEY_TYPE, word(0x15)))).toBeNull()
    expect(publicKeyOf(new Map([[pkcs11js.CKA_KEY_TYPE, word(pkcs11js.CKK_RSA)]]))).toBeNull()
    expect(publicKeyOf(new Map())).toBeNull()
  })
})
