import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { afterAll, expect, it } from 'vitest'
import { ecdsaSigValue } from '../../../src/main/asn1/signature-value.ts'
import { withChip } from './card.ts'
import { type CardKey, generateCardKey, spkiOf } from './card-key.ts'
import { sharedKey } from './testing/card-talk.ts'
import { withKeys } from './testing/given-key.ts'
import { opensslVerifies } from './testing/openssl.ts'
import type { Hex } from './testing/pkcs11-calls.ts'
import type { Pkcs11Client } from './testing/pkcs11-client.ts'
import { closeYkcs11, describeYkcs11, factoryCards, privateKeyOf } from './testing/ykcs11-bench.ts'
import { VirtualYubiKey } from './virtual-yubikey.ts'

// A finger that does not come, a key that is pulled, exchanged or breaks, under an open session of Yubico's module.

const digest = randomBytes(32)
const ecdsa = { type: pkcs11js.CKM_ECDSA } as const

const plain = withKeys(factoryCards['5.7.1'], [{ slot: 0x9a, algorithm: 'ec-p256' }])
const touchy = withKeys(factoryCards['5.7.1'], [{ slot: 0x9a, algorithm: 'ec-p256', touch: 'always' }])

async function ready(client: Pkcs11Client, session: Hex): Promise<Hex> {
  await client.call('login', session, 'user', '123456')
  return privateKeyOf(client, session, '01')
}

async function sign(client: Pkcs11Client, session: Hex, key: Hex) {
  const started = await client.try('signInit', session, key, ecdsa)
  return 'failed' in started ? started : client.try('sign', session, digest.toString('hex'))
}

afterAll(closeYkcs11)

describeYkcs11('touch', (bench) => {
  it('is waited for in the call, and the signature comes with it', async () => {
    const { key, open } = bench()
    const { client, session } = await open(touchy)
    key.finger = 'away'
    const signed = sign(client, session, await ready(client, session))
    await key.touchAwaited()
    expect(key.exchanges.at(-1)).toEqual({ ins: 0x87, p1: 0x11, p2: 0x9a, sw: null })
    key.touch()
    const outcome = await signed
    if ('failed' in outcome) throw new Error(outcome.failed)
    const signature = ecdsaSigValue(Buffer.from(outcome.value, 'hex'))
    expect(await opensslVerifies('ecdsa', spkiOf(sharedKey('ec-p256')), digest, signature)).toBe(true)
  })

  it('that does not come looks as if the PIN were missing, and the PIN is still there', async () => {
    const { key, open } = bench()
    const { client, session } = await open(touchy)
    key.finger = 'away'
    const handle = await ready(client, session)
    const signed = sign(client, session, handle)
    await key.touchAwaited()
    key.letTouchExpire()
    expect(await signed).toEqual({ failed: 'CKR_USER_NOT_LOGGED_IN' })
    key.finger = 'on-the-key'
    expect(await sign(client, session, handle)).toHaveProperty('value')
  })
})

describeYkcs11('a key that goes', (bench) => {
  const gone = () => (bench().old ? 'CKR_DEVICE_ERROR' : 'CKR_DEVICE_REMOVED')
  const goneInCommand = () => (bench().old ? 'CKR_DEVICE_ERROR' : 'CKR_FUNCTION_FAILED')

  it('between two signatures is an error; no event tells of it, and the slot list shows it', async () => {
    const { key, room, open } = bench()
    const { client, slot, session } = await open(plain)
    const handle = await ready(client, session)
    expect(await sign(client, session, handle)).toHaveProperty('value')
    await room.unplug(key)
    expect(await client.try('tokenInfo', slot)).toMatchObject({ value: { serial: '20000057' } })
    expect(await sign(client, session, handle)).toEqual({ failed: gone() })
    expect(await client.call('slots')).toEqual([])
    await room.plug(key, 0)
    expect(await client.call('slots')).toHaveLength(1)
  })

  it('while it waits for the finger is an error at once', async () => {
    const { key, room, open } = bench()
    const { client, session } = await open(touchy)
    key.finger = 'away'
    const signed = sign(client, session, await ready(client, session))
    await key.touchAwaited()
    await room.unplug(key)
    const outcome = await signed
    expect(outcome).toEqual({ failed: goneInCommand() })
  })

  it('because it breaks in a signature leaves nobody a signature', async () => {
    const { key, open } = bench()
    const { client, session } = await open(plain)
    const handle = await ready(client, session)
    key.dieIn(({ ins }) => ins === 0x87)
    expect(await sign(client, session, handle)).toEqual({ failed: goneInCommand() })
  })

  it('and another that comes in its place: its name is read with the slot list, if nothing was asked before', async () => {
    const { key, room, open } = bench()
    const { client, slot } = await open(plain)
    const other = new VirtualYubiKey({ made: withChip(plain, { serial: 20_000_099 }) })
    await room.swap(key, other)
    try {
      expect(await client.call('tokenInfo', slot)).toMatchObject({ serial: '20000057' })
      await client.call('slots')
      expect(await client.call('tokenInfo', slot)).toMatchObject({ serial: '20000099' })
    } finally {
      await room.unplug(other)
    }
  })

  it('and another that comes in its place can sign under the name of the first', async () => {
    const { key, room, old, open } = bench()
    const { client, slot, session } = await open(plain)
    const handle = await ready(client, session)
    const otherKey = generateCardKey('ec-p256')
    const card = withKeys(withChip(factoryCards['5.7.1'], { serial: 20_000_099 }), [
      { slot: 0x9a, algorithm: 'ec-p256', key: otherKey, pin: 'never' },
    ])
    const other = new VirtualYubiKey({ made: card })
    await room.swap(key, other)
    try {
      const outcomes = [await sign(client, session, handle), await sign(client, session, handle)]
      await client.call('slots')
      const { serial } = await client.call('tokenInfo', slot)
      if (old) {
        // It finds out when the slot list is read, and the session knows that nobody is logged in.
        expect(outcomes).toEqual([{ failed: 'CKR_DEVICE_ERROR' }, { failed: 'CKR_DEVICE_ERROR' }])
        expect([serial, await sign(client, session, handle)]).toEqual([
          '20000099',
          { failed: 'CKR_USER_NOT_LOGGED_IN' },
        ])
      } else {
        // It connects anew without a word: the second try is signed by the other key, and the first one's name stays for good.
        const [first, second] = outcomes
        expect([first, serial]).toEqual([{ failed: 'CKR_FUNCTION_FAILED' }, '20000057'])
        const signature =
          second !== undefined && 'value' in second ? Buffer.from(second.value, 'hex') : new Uint8Array(64)
        const signedBy = (key: CardKey) => opensslVerifies('ecdsa', spkiOf(key), digest, ecdsaSigValue(signature))
        expect([await signedBy(otherKey), await signedBy(sharedKey('ec-p256'))]).toEqual([true, false])
      }
      // The PIN of the first key was not given to the second.
      expect(other.exchanges.filter(({ ins, sw }) => ins === 0x20 && (sw === 0x9000 || sw === 0x63c2))).toEqual([])
    } finally {
      await room.unplug(other)
    }
  })
})
