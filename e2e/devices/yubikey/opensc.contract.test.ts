import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import pkcs11js from 'pkcs11js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ecdsaSigValue, sha256DigestInfo } from '../../../src/main/asn1/signature-value.ts'
import { ReaderRoom, whyNoReader } from '../reader.ts'
import { type Card, withChip } from './card.ts'
import { spkiOf } from './card-key.ts'
import { sharedKey } from './testing/card-talk.ts'
import { withKeys } from './testing/given-key.ts'
import { opensslVerifies } from './testing/openssl.ts'
import type { Hex } from './testing/pkcs11-calls.ts'
import { Pkcs11Client } from './testing/pkcs11-client.ts'
import { openscModule } from './testing/vendor-modules.ts'
import { factoryCards, privateKeyOf } from './testing/ykcs11-bench.ts'
import { VirtualYubiKey } from './virtual-yubikey.ts'

// OpenSC's module takes the key for any PIV card: it does not know the vendor's commands.

const P = pkcs11js
const why = whyNoReader() ?? (existsSync(openscModule) ? null : 'the Debian package opensc-pkcs11 is not installed')
const digest = hash('sha256', Buffer.from('a message'), 'buffer')

describe('OpenSC', () => {
  const key = new VirtualYubiKey({ made: factoryCards['5.4.3'], touchTimeoutMs: null })
  const clients: Pkcs11Client[] = []
  let room: ReaderRoom | null = null

  beforeAll(async () => {
    if (why === null) room = await ReaderRoom.open()
  })
  beforeEach(async (context) => {
    if (why !== null) context.skip(why)
    if (room !== null && !room.holds(key)) await room.plug(key, 0)
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.stop()
  })
  afterAll(() => room?.close())

  async function start(card: Card): Promise<{ client: Pkcs11Client; slot: Hex; session: Hex }> {
    if (room === null) throw new Error('this test should have been skipped')
    key.card = card
    const client = await Pkcs11Client.start(room, openscModule)
    clients.push(client)
    const [slot] = await client.call('slots')
    if (slot === undefined) throw new Error('OpenSC shows no token')
    return { client, slot, session: await client.call('open', slot) }
  }

  const certified = withKeys(factoryCards['5.4.3'], [
    { slot: 0x9a, algorithm: 'rsa-2048', commonName: 'nine a' },
    { slot: 0x9c, algorithm: 'ec-p256', pin: 'always', commonName: 'nine c' },
    { slot: 0x9d, algorithm: 'ec-p384' },
  ])

  it('shows keys that have a certificate, and names the token after the one of 9A', async () => {
    const { client, slot, session } = await start(certified)
    expect((await client.call('tokenInfo', slot)).label).toMatch(/^nine a/)
    await client.call('login', session, 'user', '123456')
    const keys = await client.call('objects', session, [[P.CKA_CLASS, P.CKO_PRIVATE_KEY]])
    expect(keys.map(({ id, label }) => `${id} ${label}`)).toEqual(['01 PIV AUTH key', '02 SIGN key'])
    const sent = new Set(key.exchanges.map(({ ins }) => ins))
    expect([sent.has(0xf9), sent.has(0xf7)]).toEqual([false, false])
  })

  it('signs with RSA and with P-256, the PIN given anew for a key that always asks', async () => {
    const { client, session } = await start(certified)
    await client.call('login', session, 'user', '123456')
    await client.call('signInit', session, await privateKeyOf(client, session, '01'), { type: P.CKM_RSA_PKCS })
    const rsa = Buffer.from(
      await client.call('sign', session, Buffer.from(sha256DigestInfo(digest)).toString('hex')),
      'hex',
    )
    const ec = await privateKeyOf(client, session, '02')
    expect(await client.call('attribute', session, ec, P.CKA_ALWAYS_AUTHENTICATE)).toBe('01')
    await client.call('signInit', session, ec, { type: P.CKM_ECDSA })
    await client.call('login', session, 'context', '123456')
    const ecdsa = ecdsaSigValue(Buffer.from(await client.call('sign', session, digest.toString('hex')), 'hex'))
    expect([
      await opensslVerifies('pkcs1', spkiOf(sharedKey('rsa-2048')), digest, rsa),
      await opensslVerifies('ecdsa', spkiOf(sharedKey('ec-p256')), digest, ecdsa),
    ]).toEqual([true, true])
  })

  it('tells of wrong PINs in flags, and of the first not at all', async () => {
    const { client, slot, session } = await start(certified)
    const seen: unknown[] = []
    for (let index = 0; index < 3; index++) {
      const outcome = await client.try('login', session, 'user', '000000')
      seen.push([outcome, (await client.call('tokenInfo', slot)).flags & 0x70_000])
    }
    expect(seen).toEqual([
      [{ failed: 'CKR_PIN_INCORRECT' }, 0],
      [{ failed: 'CKR_PIN_INCORRECT' }, P.CKF_USER_PIN_FINAL_TRY],
      [{ failed: 'CKR_PIN_INCORRECT' }, P.CKF_USER_PIN_LOCKED],
    ])
  })

  it('ends the session when the key goes, and is the only module with events', async () => {
    const { client, session } = await start(withChip(certified, { serial: 20_000_055 }))
    if (room === null) throw new Error('this test should have been skipped')
    const drain = async () => {
      let events = 0
      while ((await client.call('waitForEvent')) !== null) events += 1
      return events
    }
    // It tells of the readers that were there when it started.
    await drain()
    expect(await drain()).toBe(0)
    await room.unplug(key)
    expect(await drain()).toBeGreaterThan(0)
    const objects = await client.try('objects', session, [])
    expect(objects).toEqual({ failed: 'CKR_SESSION_HANDLE_INVALID' })
  })
})
