import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ManagementAlgorithm, ManagementKey } from './card.ts'
import { encryptBlock, managementAlgorithmId } from './management-key.ts'
import { ask, authenticate, freshKey, fromHex, hex, send } from './testing/card-talk.ts'
import { concat, tlv, valueAt } from './tlv.ts'
import type { VirtualYubiKey } from './virtual-yubikey.ts'

const set = (key: VirtualYubiKey, next: ManagementKey, p2 = 0xff) => {
  const head = Uint8Array.of(managementAlgorithmId(next.algorithm), 0x9b, next.key.length)
  return ask(key, 0xff, 0xff, p2, concat(head, next.key))
}

describe('the management key', () => {
  it.each([
    ['5.4.3', '3des', '010103020200'],
    ['5.7.1', 'aes-192', '01010a020200'],
  ] as const)('is the factory one on firmware %s: %s', async (firmware, algorithm, metadata) => {
    const key = await freshKey({ firmware })
    expect(key.card.chip.management.algorithm).toBe(algorithm)
    expect(await authenticate(key)).toBe(0x9000)
    expect(hex((await send(key, 0xf7, 0, 0x9b)).data)).toBe(`${metadata}01050101`)
  })

  it.each([
    ['3des', 24],
    ['aes-128', 16],
    ['aes-192', 24],
    ['aes-256', 32],
  ] as const)('can be %s', async (algorithm: ManagementAlgorithm, length) => {
    const key = await freshKey()
    const next: ManagementKey = { algorithm, key: randomBytes(length), touch: 'never' }
    expect(await set(key, next)).toMatchObject({ sw: 0x6982 })
    await authenticate(key)
    expect(await set(key, { ...next, key: randomBytes(length - 1) })).toMatchObject({ sw: 0x6a80 })
    expect(await set(key, next)).toMatchObject({ sw: 0x9000 })
    key.power()
    await send(key, 0xa4, 4, 0, fromHex('a000000308'))
    expect(await authenticate(key, next)).toBe(0x9000)
    // Another key of that kind is no key.
    expect(await authenticate(key, { ...next, key: randomBytes(length) })).toBe(0x6982)
    expect(key.card.session.managementVerified).toBe(false)
  })

  it('is asked for by its own algorithm only', async () => {
    const key = await freshKey({ firmware: '5.7.1' })
    expect(await ask(key, 0x87, 0x03, 0x9b, fromHex('7c028000'))).toMatchObject({ sw: 0x6a80 })
  })

  it('proves itself to a challenge too, once', async () => {
    const key = await freshKey()
    const { management } = key.card.chip
    const first = await ask(key, 0x87, 0x0a, 0x9b, fromHex('7c028100'))
    const challenge = valueAt(first.data, 0x7c, 0x81) ?? new Uint8Array(0)
    const proof = tlv(0x7c, tlv(0x82, encryptBlock(management, challenge)))
    expect(await ask(key, 0x87, 0x0a, 0x9b, proof)).toMatchObject({ sw: 0x9000 })
    // The same answer is worth nothing a second time.
    expect(await ask(key, 0x87, 0x0a, 0x9b, proof)).toMatchObject({ sw: 0x6982 })
    expect(key.card.session.managementVerified).toBe(false)
  })

  it('can want a touch', async () => {
    const key = await freshKey({ finger: 'away', touchTimeoutMs: null })
    await authenticate(key)
    await set(key, { ...key.card.chip.management, touch: 'always' }, 0xfe)
    expect(hex((await send(key, 0xf7, 0, 0x9b)).data)).toContain('02020002')
    const touched = authenticate(key)
    await key.touchAwaited()
    key.touch()
    expect(await touched).toBe(0x9000)
    const left = authenticate(key)
    await key.touchAwaited()
    key.letTouchExpire()
    expect(await left).toBe(0x6982)
  })
})
