import { constants, createHash, generateKeyPairSync, privateEncrypt, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { generateLocalKey } from '../signing/testing/local-key.ts'
import { signatureCheck } from './verify-signature.ts'

const message = Buffer.from('a message')
const digest = createHash('sha256').update(message).digest()
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const check = signatureCheck(rsa.publicKey.export({ type: 'spki', format: 'der' }))
const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex')
const raw = (block: Buffer) => privateEncrypt({ key: rsa.privateKey, padding: constants.RSA_NO_PADDING }, block)
const block = (info: Buffer, padding = 256 - 3 - info.length, garbage = Buffer.alloc(0)) =>
  Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(padding, 0xff), Buffer.from([0]), info, garbage])

describe('check of an RSA signature', () => {
  const request = { scheme: 'rsa-pkcs1-sha256', digest } as const

  test('takes what OpenSSL made', () => {
    expect(check?.(request, sign('sha256', message, rsa.privateKey))).toBe(true)
    expect(check?.(request, raw(block(Buffer.concat([prefix, digest]))))).toBe(true)
  })

  test.each<[string, Uint8Array]>([
    ['another digest', sign('sha256', Buffer.from('another'), rsa.privateKey)],
    ['another hash', sign('sha384', message, rsa.privateKey)],
    ['PSS', sign('sha256', message, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })],
    ['a bare digest without DigestInfo', raw(block(digest))],
    [
      'short padding and garbage behind the digest (Bleichenbacher 2006)',
      raw(block(Buffer.concat([prefix, digest]), 8, Buffer.alloc(256 - 11 - 51))),
    ],
    [
      'a DigestInfo without NULL parameters',
      raw(
        block(
          Buffer.concat([Buffer.from('302f300b0609608648016503040201', 'hex'), Buffer.from('0420', 'hex'), digest]),
        ),
      ),
    ],
    ['a number above the modulus', Buffer.alloc(256, 0xff)],
    ['a leading zero too many', Buffer.concat([Buffer.from([0]), sign('sha256', message, rsa.privateKey)])],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_, signature) => {
    expect(check?.(request, signature)).toBe(false)
  })

  test('refuses the other scheme and a digest of another length', () => {
    const signature = sign('sha256', message, rsa.privateKey)
    expect(check?.({ scheme: 'ecdsa-sha256', digest }, signature)).toBe(false)
    expect(check?.({ scheme: 'rsa-pkcs1-sha256', digest: digest.subarray(1) }, signature)).toBe(false)
  })
})

describe.each([
  ['P-256', 32],
  ['P-384', 48],
] as const)('check of an ECDSA signature on %s', (namedCurve, width) => {
  const pair = generateKeyPairSync('ec', { namedCurve })
  const checkEc = signatureCheck(pair.publicKey.export({ type: 'spki', format: 'der' }))
  const made = sign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
  const request = { scheme: 'ecdsa-sha256', digest } as const

  test('takes what OpenSSL made, whichever half s is in', () => {
    const many = Array.from({ length: 8 }, () =>
      sign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
    )
    expect(many.map((signature) => checkEc?.(request, signature))).toEqual(many.map(() => true))
  })

  test.each<[string, Buffer]>([
    ['a changed r', Buffer.concat([Buffer.from([(made[0] ?? 0) ^ 1]), made.subarray(1)])],
    ['r and s exchanged', Buffer.concat([made.subarray(width), made.subarray(0, width)])],
    ['zeros (CVE-2022-21449)', Buffer.alloc(2 * width)],
    ['s that is zero', Buffer.concat([made.subarray(0, width), Buffer.alloc(width)])],
    ['numbers above the order', Buffer.alloc(2 * width, 0xff)],
    ['DER', sign('sha256', message, pair.privateKey)],
    ['another message', sign('sha256', Buffer.from('another'), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })],
  ])('refuses %s', (_, signature) => {
    expect(checkEc?.(request, signature)).toBe(false)
  })
})

test('keys that do not sign here have no check', () => {
  const spki = (pair: ReturnType<typeof generateKeyPairSync>) => pair.publicKey.export({ type: 'spki', format: 'der' })
  expect(signatureCheck(spki(generateKeyPairSync('ed448')))).toBeNull()
  expect(signatureCheck(spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })))).toBeNull()
  expect(signatureCheck(Buffer.from('3000', 'hex'))).toBeNull()
  const weak = signatureCheck(spki(generateKeyPairSync('rsa', { modulusLength: 1024 })))
  expect(weak?.({ scheme: 'rsa-pkcs1-sha256', digest }, Buffer.alloc(128))).toBe(false)
})

describe('check of a signature over SHA-512, as OpenPGP has it', () => {
  const long = createHash('sha512').update('text').digest()
  test.each(['rsa-2048', 'ec-p256', 'ec-p384', 'ed25519'] as const)('takes and refuses those of %s', (algorithm) => {
    const { spki, sign } = generateLocalKey(algorithm)
    const scheme = algorithm.startsWith('rsa')
      ? 'rsa-pkcs1-sha512'
      : algorithm === 'ed25519'
        ? 'ed25519-sha512'
        : 'ecdsa-sha512'
    const check = signatureCheck(spki)
    const signature = sign({ scheme, digest: long })
    expect(check?.({ scheme, digest: long }, signature)).toBe(true)
    const changed = Buffer.from(signature)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(check?.({ scheme, digest: long }, changed)).toBe(false)
    expect(check?.({ scheme, digest: long.subarray(32) }, signature)).toBe(false)
    expect(check?.({ scheme, digest: Buffer.concat([Buffer.from([1]), long.subarray(1)]) }, signature)).toBe(false)
    for (const other of [
      'rsa-pkcs1-sha256',
      'ecdsa-sha256',
      'rsa-pkcs1-sha512',
      'ecdsa-sha512',
      'ed25519-sha512',
    ] as const)
      if (other !== scheme) expect(check?.({ scheme: other, digest: long }, signature)).toBe(false)
  })
})
