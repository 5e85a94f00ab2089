import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { publicKeyOf, seal, sealedBoxOverhead, unseal } from './sealed-box.ts'
import { fromNaclRecord, sealPrivateKey, toNaclRecord, unsealPrivateKey } from './sealed-record.ts'

type Vector = { secretKey: string; publicKey: string; plaintext: string; box: string }
// Our own file; its maker is named in it.
const { vectors } = JSON.parse(readFileSync(new URL('./testdata/sealed-boxes.json', import.meta.url), 'utf8')) as {
  vectors: Vector[]
}
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const secretKey = Buffer.alloc(32, 7)
const publicKey = publicKeyOf(secretKey)

// Opens standard input's box with libsodium itself.
const opener = `
import ctypes, sys
try: sodium = ctypes.CDLL('libsodium.so.23')
except OSError: sys.exit(77)
sodium.sodium_init()
key, box = bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.stdin.read())
public = ctypes.create_string_buffer(32)
sodium.crypto_scalarmult_base(public, key)
out = ctypes.create_string_buffer(max(1, len(box) - 48))
if sodium.crypto_box_seal_open(out, box, ctypes.c_ulonglong(len(box)), public, key) != 0: sys.exit(1)
print(out.raw[:len(box) - 48].hex())
`

describe('sealed box', () => {
  test.each(vectors)('opens what libsodium sealed ($plaintext.length hex digits)', (vector) => {
    expect(Buffer.from(publicKeyOf(bytes(vector.secretKey))).toString('hex')).toBe(vector.publicKey)
    const opened = unseal(bytes(vector.box), bytes(vector.secretKey))
    expect(opened === null ? null : Buffer.from(opened).toString('hex')).toBe(vector.plaintext)
  })

  test('libsodium opens what is sealed here', (ctx) => {
    const box = Buffer.from(seal(Buffer.from('a private key'), publicKey)).toString('hex')
    const opened = spawnSync('python3', ['-c', opener, secretKey.toString('hex')], { input: box, encoding: 'utf8' })
    if (opened.error !== undefined || opened.status === 77) ctx.skip('python3 or libsodium.so.23 is not installed')
    expect({ status: opened.status, text: Buffer.from(opened.stdout.trim(), 'hex').toString() }).toEqual({
      status: 0,
      text: 'a private key',
    })
  })

  test('seals the same bytes differently each time', () => {
    const plaintext = Buffer.from('twice')
    expect(seal(plaintext, publicKey)).not.toEqual(seal(plaintext, publicKey))
  })

  test('gives nothing for a box in which any one bit was changed', () => {
    const box = seal(Buffer.from('secret'), publicKey)
    const opened = Array.from({ length: box.length * 8 }, (_, bit) => {
      const changed = Uint8Array.from(box)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return unseal(changed, secretKey)
    })
    // X25519 ignores the top bit of a coordinate (RFC 7748 §5), but the nonce is made from all of it.
    expect(opened.every((plaintext) => plaintext === null)).toBe(true)
  })

  test('gives nothing for every shorter box, another key, and an ephemeral key of small order', () => {
    const box = seal(Buffer.from('secret'), publicKey)
    for (let length = 0; length < box.length; length += 1) expect(unseal(box.subarray(0, length), secretKey)).toBeNull()
    expect(unseal(box, Buffer.alloc(32, 8))).toBeNull()
    expect(unseal(Buffer.alloc(sealedBoxOverhead + 5), secretKey)).toBeNull()
  })
})

describe('sealed record', () => {
  const keys = [1, 7, 9].map((fill) => {
    const secret = Buffer.alloc(32, fill)
    return { file: `${fill}.key`, secretKey: secret, publicKey: publicKeyOf(secret) }
  })

  test('has the shape of debusine and comes back from it', () => {
    const sealed = sealPrivateKey(Buffer.from('pem'), publicKey)
    const record = toNaclRecord(sealed)
    expect(Object.keys(record)).toEqual(['storage', 'public_key', 'encrypted'])
    expect(record).toMatchObject({ storage: 'nacl', public_key: Buffer.from(publicKey).toString('base64') })
    expect(fromNaclRecord(record)).toEqual(sealed)
  })

  test('any of several service keys opens what was sealed to it, and none opens another’s', () => {
    const sealed = sealPrivateKey(Buffer.from('pem'), publicKey)
    expect(Buffer.from(unsealPrivateKey(sealed, keys) ?? []).toString()).toBe('pem')
    expect(
      unsealPrivateKey(
        sealed,
        keys.filter(({ file }) => file !== '7.key'),
      ),
    ).toBeNull()
    const relabelled = { ...sealed, publicKey: Buffer.from(keys[0]?.publicKey ?? []).toString('base64') }
    expect(unsealPrivateKey(relabelled, keys)).toBeNull()
  })
})
