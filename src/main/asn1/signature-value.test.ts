import { constants, generateKeyPairSync, publicDecrypt, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ecdsaSigValue, readEcdsaSigValue, sha256DigestInfo } from './signature-value.ts'

describe('signature values', () => {
  it.each([32, 48, 66])('r and s of %i bytes survive DER and back', (width) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2 * width, maxLength: 2 * width }), fc.nat(width), (raw, zeros) => {
        raw.fill(0, 0, zeros)
        expect(readEcdsaSigValue(ecdsaSigValue(raw), width)).toEqual({ ok: true, value: raw })
      }),
    )
  })

  it('agrees with OpenSSL on what DER of an ECDSA signature is', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' })
    for (let round = 0; round < 50; round++) {
      const data = Buffer.from([round])
      const raw = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
      expect(verify('sha256', data, publicKey, ecdsaSigValue(raw))).toBe(true)
      expect(readEcdsaSigValue(sign('sha256', data, privateKey), 66).ok).toBe(true)
    }
  })

  it.each([
    ['a negative r', '3006 020180 020101', 'bad-value'],
    ['an empty s', '3005 020101 0200', 'bad-value'],
    ['a padded r', '3007 02020001 020101', 'bad-value'],
    ['an r wider than the curve', '3008 0203010203 020101', 'bad-value'],
    ['three numbers', '3009 020101 020101 020101', 'bad-value'],
    ['an OCTET STRING for r', '3006 040101 020101', 'unexpected-tag'],
    ['bytes behind it', '3006 020101 020101 00', 'trailing-bytes'],
  ])('refuses %s', (_name, hex, code) => {
    const read = readEcdsaSigValue(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 2)
    expect(read.ok ? null : read.error.code).toBe(code)
  })

  it('is a defect to ask for DER of something that has no two halves', () => {
    expect(() => ecdsaSigValue(new Uint8Array(63))).toThrow('no two halves')
  })

  it('builds the DigestInfo that an RSA signature of OpenSSL holds', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signature = sign('sha256', Buffer.from('abc'), privateKey)
    const digest = Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex')
    expect(publicDecrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature)).toEqual(
      Buffer.from(sha256DigestInfo(digest)),
    )
    expect(() => sha256DigestInfo(new Uint8Array(20))).toThrow('32 bytes')
  })
})
