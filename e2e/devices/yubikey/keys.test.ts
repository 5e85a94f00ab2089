import {
  constants,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  publicEncrypt,
  verify,
} from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { withChip } from './card.ts'
import { algorithmIds, type CardAlgorithm, cardAlgorithms, publicKeyTemplate } from './card-key.ts'
import { slots } from './slots.ts'
import {
  agreeIn,
  ask,
  authenticate,
  freshKey,
  fromHex,
  generate,
  hex,
  send,
  sharedKey,
  signIn,
  verifyPin,
} from './testing/card-talk.ts'
import { concat, readTlvs, tlv, valueAt, valueOf } from './tlv.ts'
import type { VirtualYubiKey } from './virtual-yubikey.ts'

let key: VirtualYubiKey
beforeEach(async () => {
  key = await freshKey({ generate: sharedKey })
  await authenticate(key)
})

const message = Buffer.from('what is to be signed')
const digest = hash('sha256', message, 'buffer')

/** EMSA-PKCS1-v1_5 (RFC 8017 §9.2) of SHA-256, as modules send it. */
function padded(bits: number): Uint8Array {
  const info = concat(fromHex('3031300d060960864801650304020105000420'), digest)
  const fill = new Uint8Array(bits / 8 - 3 - info.length).fill(0xff)
  return concat(Uint8Array.of(0, 1), fill, Uint8Array.of(0), info)
}

const bitsOf = (algorithm: string) => Number(algorithm.slice(4))
const publicKeyIn = (slot: number) => {
  const stored = key.card.chip.keys.get(slot)
  if (stored === undefined) throw new Error('no key there')
  return stored.publicKey
}

async function signatureIsRight(slot: number, algorithm: CardAlgorithm): Promise<boolean> {
  const id = algorithmIds[algorithm]
  if (algorithm === 'x25519') {
    const peer = generateKeyPairSync('x25519')
    const theirs = peer.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
    const { data } = await agreeIn(key, slot, id, theirs)
    return diffieHellman({ privateKey: peer.privateKey, publicKey: publicKeyIn(slot) }).equals(data)
  }
  if (algorithm === 'ed25519') {
    return verify(null, message, publicKeyIn(slot), (await signIn(key, slot, id, message)).data)
  }
  const challenge = algorithm.startsWith('rsa') ? padded(bitsOf(algorithm)) : digest
  return verify('sha256', message, publicKeyIn(slot), (await signIn(key, slot, id, challenge)).data)
}

describe('a generated key', () => {
  it.each(cardAlgorithms)('of %s works, and its public half is the one that was told', async (algorithm) => {
    const made = await generate(key, 0x9a, algorithmIds[algorithm])
    expect(made.sw).toBe(0x9000)
    expect(valueAt(made.data, 0x7f49)).toEqual(publicKeyTemplate(sharedKey(algorithm)))
    await verifyPin(key)
    expect(await signatureIsRight(0x9a, algorithm)).toBe(true)
  })

  it.each(['rsa-3072', 'rsa-4096', 'ed25519', 'x25519'] as const)(
    'of %s is not for firmware 5.4',
    async (algorithm) => {
      const old = await freshKey({ firmware: '5.4.3' })
      await authenticate(old)
      expect(await generate(old, 0x9a, algorithmIds[algorithm])).toMatchObject({ sw: 0x6a80 })
    },
  )

  it('needs the management key', async () => {
    const closed = await freshKey()
    expect(await generate(closed, 0x9a, 0x11)).toMatchObject({ sw: 0x6982 })
    expect(await ask(closed, 0xfe, 0x11, 0x9a, tlv(6, new Uint8Array(32).fill(1)))).toMatchObject({ sw: 0x6982 })
  })

  it('goes into each of the 25 slots, and nowhere else', async () => {
    const words = await Promise.all(slots.map(async (slot) => (await generate(key, slot, 0x11)).sw))
    expect(words).toEqual(Array.from({ length: 25 }, () => 0x9000))
    for (const slot of [0x9b, 0x81, 0x96, 0x00]) expect(await generate(key, slot, 0x11)).toMatchObject({ sw: 0x6b00 })
  })

  it.each([
    ['an unknown algorithm', 'ac03800142'],
    ['an unknown PIN policy', 'ac06800111aa0109'],
    ['an unknown touch policy', 'ac06800111ab0109'],
    ['no template', '800111'],
  ])('is refused with %s', async (_name, data) => {
    expect(await ask(key, 0x47, 0, 0x9a, fromHex(data))).toMatchObject({ sw: 0x6a80 })
  })
})

describe('an imported key', () => {
  const elementsOf = (algorithm: CardAlgorithm) => {
    const jwk = sharedKey(algorithm).privateKey.export({ format: 'jwk' })
    const part = (name: 'p' | 'q' | 'dp' | 'dq' | 'qi' | 'd') =>
      new Uint8Array(Buffer.from(String(jwk[name]), 'base64url'))
    if (algorithm.startsWith('rsa')) {
      const half = bitsOf(algorithm) / 16
      const filled = (bytes: Uint8Array) => concat(new Uint8Array(half - bytes.length), bytes)
      const names = ['p', 'q', 'dp', 'dq', 'qi'] as const
      return concat(...names.map((name, index) => tlv(index + 1, filled(part(name)))))
    }
    return tlv(algorithm === 'ed25519' ? 7 : algorithm === 'x25519' ? 8 : 6, part('d'))
  }

  it.each(cardAlgorithms)('of %s works, and is known as imported', async (algorithm) => {
    const elements = concat(elementsOf(algorithm), tlv(0xaa, Uint8Array.of(1)), tlv(0xab, Uint8Array.of(1)))
    expect(await ask(key, 0xfe, algorithmIds[algorithm], 0x9c, elements)).toMatchObject({ sw: 0x9000 })
    expect(await signatureIsRight(0x9c, algorithm)).toBe(true)
    const metadata = readTlvs((await ask(key, 0xf7, 0, 0x9c)).data)
    expect(valueOf(metadata, 0x03)).toEqual(Uint8Array.of(2))
    expect(valueOf(metadata, 0x04)).toEqual(publicKeyTemplate(sharedKey(algorithm)))
    expect(await ask(key, 0xf9, 0x9c, 0)).toMatchObject({ sw: 0x6a80 })
  })

  it('is refused where its numbers do not fit together', async () => {
    const right = readTlvs(elementsOf('rsa-2048')) ?? []
    for (const { tag } of right) {
      const wrong = right.map((element) => {
        const value = element.value.slice()
        if (element.tag === tag) value[20] = (value[20] ?? 0) ^ 1
        return tlv(element.tag, value)
      })
      expect(await ask(key, 0xfe, 0x07, 0x9a, concat(...wrong))).toMatchObject({ sw: 0x6a80 })
    }
    expect(await ask(key, 0xfe, 0x11, 0x9a, tlv(6, new Uint8Array(32)))).toMatchObject({ sw: 0x6a80 })
    expect(await ask(key, 0xfe, 0x11, 0x9a, tlv(6, new Uint8Array(31).fill(1)))).toMatchObject({ sw: 0x6a80 })
    expect(key.card.chip.keys.has(0x9a)).toBe(false)
  })
})

describe('the use of a private key', () => {
  it('is refused for an empty slot, another algorithm, a wrong length, and a message of neither kind', async () => {
    await generate(key, 0x9a, 0x11)
    await generate(key, 0x9d, 0x07)
    await verifyPin(key)
    const use = (slot: number, algorithm: number, data: Uint8Array) => ask(key, 0x87, algorithm, slot, data)
    const signing = (challenge: Uint8Array) => tlv(0x7c, tlv(0x82), tlv(0x81, challenge))
    expect(await use(0x9c, 0x11, signing(digest))).toMatchObject({ sw: 0x6a88 })
    expect(await use(0x9a, 0x14, signing(digest))).toMatchObject({ sw: 0x6a80 })
    expect(await use(0x9a, 0x11, signing(new Uint8Array(33)))).toMatchObject({ sw: 0x6a80 })
    expect(await use(0x9d, 0x07, signing(digest))).toMatchObject({ sw: 0x6a80 })
    expect(await use(0x9d, 0x07, signing(new Uint8Array(256).fill(0xff)))).toMatchObject({ sw: 0x6a80 })
    expect(await use(0x9a, 0x11, tlv(0x7c, tlv(0x82)))).toMatchObject({ sw: 0x6a80 })
    expect(await use(0x9a, 0x11, tlv(0x7c, tlv(0x81, digest)))).toMatchObject({ sw: 0x6a80 })
    expect(await use(0x42, 0x11, signing(digest))).toMatchObject({ sw: 0x6b00 })
  })

  it('decrypts with RSA and agrees with EC', async () => {
    await generate(key, 0x9d, 0x07)
    await generate(key, 0x82, 0x14)
    await verifyPin(key)
    const secret = publicEncrypt({ key: publicKeyIn(0x9d), padding: constants.RSA_PKCS1_PADDING }, message)
    const plain = await signIn(key, 0x9d, 0x07, secret)
    expect(Buffer.from(plain.data).subarray(-message.length).equals(message)).toBe(true)

    const peer = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const point = peer.publicKey.export({ type: 'spki', format: 'der' }).subarray(-97)
    const agreed = await agreeIn(key, 0x82, 0x14, point)
    expect(hex(agreed.data)).toBe(
      diffieHellman({ privateKey: peer.privateKey, publicKey: publicKeyIn(0x82) }).toString('hex'),
    )
    const offCurve = new Uint8Array(point)
    offCurve[96] = (offCurve[96] ?? 0) ^ 1
    expect(await agreeIn(key, 0x82, 0x14, offCurve)).toMatchObject({ sw: 0x6a80 })
  })

  it('makes a new ECDSA signature each time', async () => {
    await generate(key, 0x9e, 0x11)
    const signatures = await Promise.all([signIn(key, 0x9e, 0x11, digest), signIn(key, 0x9e, 0x11, digest)])
    expect(hex(signatures[0].data)).not.toBe(hex(signatures[1].data))
  })
})

describe('the PIN policy', () => {
  const sign = (slot: number) => signIn(key, slot, 0x11, digest).then(({ sw }) => sw.toString(16))

  it.each([
    ['never', 1, ['9000', '9000', '9000']],
    ['once', 2, ['6982', '9000', '9000']],
    ['always', 3, ['6982', '9000', '6982']],
  ] as const)('%s: without the PIN, after it, and once more', async (_name, pin, words) => {
    await generate(key, 0x9a, 0x11, { pin })
    const before = await sign(0x9a)
    await verifyPin(key)
    expect([before, await sign(0x9a), await sign(0x9a)]).toEqual(words)
    await verifyPin(key)
    expect(await sign(0x9a)).toBe('9000')
  })

  it('is always for 9C, never for 9E and once for the others where nothing else is said', async () => {
    for (const slot of [0x9a, 0x9c, 0x9d, 0x9e, 0x82, 0x95]) await generate(key, slot, 0x11)
    const metadata = await Promise.all([0x9a, 0x9c, 0x9d, 0x9e, 0x82, 0x95].map((slot) => ask(key, 0xf7, 0, slot)))
    expect(metadata.map(({ data }) => hex(data.slice(3, 7)))).toEqual([
      '02020201',
      '02020301',
      '02020201',
      '02020101',
      '02020201',
      '02020201',
    ])
  })

  it('always is about the last signature, of any key', async () => {
    await generate(key, 0x9c, 0x11)
    await generate(key, 0x9e, 0x11)
    await verifyPin(key)
    expect([await sign(0x9e), await sign(0x9c)]).toEqual(['9000', '6982'])
  })
})

describe('moving a key', () => {
  it('takes it out of its slot, to another or to nowhere', async () => {
    await generate(key, 0x9a, 0x11)
    expect(await send(key, 0xf6, 0x82, 0x9a)).toMatchObject({ sw: 0x9000 })
    expect([key.card.chip.keys.has(0x9a), key.card.chip.keys.has(0x82)]).toEqual([false, true])
    await generate(key, 0x9a, 0x11)
    expect(await send(key, 0xf6, 0x82, 0x9a)).toMatchObject({ sw: 0x6a80 })
    expect(await send(key, 0xf6, 0xff, 0x82)).toMatchObject({ sw: 0x9000 })
    expect(await send(key, 0xf6, 0xff, 0x82)).toMatchObject({ sw: 0x6a88 })
  })

  it('came with firmware 5.7', async () => {
    const old = await freshKey({ firmware: '5.4.3' })
    await authenticate(old)
    expect(await send(old, 0xf6, 0xff, 0xf9)).toMatchObject({ sw: 0x6d00 })
  })
})

describe('the state of a card', () => {
  it('is a value: it can be kept and put back', async () => {
    const before = key.card
    await generate(key, 0x9a, 0x11)
    const after = key.card
    key.card = before
    expect(await ask(key, 0xf7, 0, 0x9a)).toMatchObject({ sw: 0x6a88 })
    key.card = withChip(after, { serial: 7 })
    expect(hex((await send(key, 0xf8, 0, 0)).data)).toBe('00000007')
    expect(await ask(key, 0xf7, 0, 0x9a)).toMatchObject({ sw: 0x9000 })
  })

  it('holds the public key as OpenSSL knows it', async () => {
    await generate(key, 0x9a, 0xe0)
    const stored = key.card.chip.keys.get(0x9a)
    if (stored === undefined) throw new Error('no key there')
    expect(createPublicKey(stored.privateKey).equals(stored.publicKey)).toBe(true)
  })
})
