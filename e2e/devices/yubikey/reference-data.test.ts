import { beforeEach, describe, expect, it } from 'vitest'
import { authenticate, freshKey, generate, hex, pinBytes, selectPiv, send, verifyPin } from './testing/card-talk.ts'
import { concat } from './tlv.ts'
import type { VirtualYubiKey } from './virtual-yubikey.ts'

let key: VirtualYubiKey
beforeEach(async () => {
  key = await freshKey()
})

const query = () => send(key, 0x20, 0, 0x80).then((answer) => answer.sw.toString(16))
const change = (which: 0x80 | 0x81, old: string, next: string) =>
  send(key, 0x24, 0, which, concat(pinBytes(old), pinBytes(next))).then((answer) => answer.sw.toString(16))
const unblock = (puk: string, pin: string) =>
  send(key, 0x2c, 0, 0x80, concat(pinBytes(puk), pinBytes(pin))).then((answer) => answer.sw.toString(16))
const block = async () => {
  for (let index = 0; index < 3; index++) await verifyPin(key, '000000')
}

describe('the PIN', () => {
  it('is counted down by wrong tries, filled up by a right one, and blocks', async () => {
    expect(await query()).toBe('63c3')
    expect(await verifyPin(key, '111111')).toBe(0x63c2)
    expect(await query()).toBe('63c2')
    expect(await verifyPin(key)).toBe(0x9000)
    expect(await query()).toBe('9000')
    const words: number[] = []
    for (let index = 0; index < 4; index++) words.push(await verifyPin(key, '111111'))
    expect(words).toEqual([0x63c2, 0x63c1, 0x63c0, 0x6983])
    // The right one comes too late.
    expect(await verifyPin(key)).toBe(0x6983)
    expect(await query()).toBe('6983')
  })

  it('can be one that says of the last wrong try that it blocked', async () => {
    key = await freshKey({ lastTry: 'blocked' })
    const words: number[] = []
    for (let index = 0; index < 4; index++) words.push(await verifyPin(key, '111111'))
    expect(words).toEqual([0x63c2, 0x63c1, 0x6983, 0x6983])
  })

  it('keeps its counter when the power goes', async () => {
    await verifyPin(key, '111111')
    key.power()
    await selectPiv(key)
    expect(await query()).toBe('63c2')
  })

  it('is forgotten by a wrong try, and on request', async () => {
    await verifyPin(key)
    await verifyPin(key, '111111')
    expect(await query()).toBe('63c2')
    await verifyPin(key)
    await send(key, 0x20, 0xff, 0x80)
    expect(await query()).toBe('63c3')
  })

  it('costs no try where the message is malformed', async () => {
    expect(await send(key, 0x20, 0, 0x80, pinBytes('123456').slice(0, 6))).toMatchObject({ sw: 0x6a80 })
    expect(await send(key, 0x20, 0, 0x96, pinBytes('123456'))).toMatchObject({ sw: 0x6a88 })
    expect(await query()).toBe('63c3')
  })

  it('is changed with the old one, to six to eight characters', async () => {
    expect(await change(0x80, '123456', '65432')).toBe('6a80')
    expect(await change(0x80, '111111', '654321')).toBe('63c2')
    expect(await change(0x80, '123456', '654321')).toBe('9000')
    expect([await verifyPin(key, '123456'), await verifyPin(key, '654321')]).toEqual([0x63c2, 0x9000])
  })

  it('is unblocked with the PUK, which has a counter of its own', async () => {
    await block()
    expect(await unblock('00000000', '222222')).toBe('63c2')
    expect(await unblock('12345678', '222222')).toBe('9000')
    expect(await verifyPin(key, '222222')).toBe(0x9000)
    expect(key.card.chip.puk.left).toBe(3)
  })

  it('cannot be unblocked when the PUK is blocked too', async () => {
    await block()
    const words = [await change(0x81, '00000000', '11111111'), await unblock('0', ''), await unblock('0', '')]
    expect(words).toEqual(['63c2', '63c1', '63c0'])
    expect(await unblock('12345678', '222222')).toBe('6983')
  })
})

describe('the number of tries', () => {
  it('is set with management key and PIN, and puts the factory values back', async () => {
    await change(0x80, '123456', '654321')
    expect(await send(key, 0xfa, 5, 7)).toMatchObject({ sw: 0x6982 })
    await authenticate(key)
    expect(await send(key, 0xfa, 5, 7)).toMatchObject({ sw: 0x6982 })
    await verifyPin(key, '654321')
    expect(await send(key, 0xfa, 0, 7)).toMatchObject({ sw: 0x6a80 })
    expect(await send(key, 0xfa, 5, 7)).toMatchObject({ sw: 0x9000 })
    expect(key.card.chip.puk).toMatchObject({ left: 7, total: 7 })
    expect([await query(), await verifyPin(key)]).toEqual(['63c5', 0x9000])
  })

  it('is told as 15 where it is more', async () => {
    await authenticate(key)
    await verifyPin(key)
    await send(key, 0xfa, 200, 3)
    expect(await query()).toBe('63cf')
    expect(hex((await send(key, 0xf7, 0, 0x80)).data)).toBe('0101ff0501010602c8c8')
  })
})

describe('a reset', () => {
  it('wants PIN and PUK blocked', async () => {
    expect(await send(key, 0xfb, 0, 0)).toMatchObject({ sw: 0x6985 })
    await block()
    expect(await send(key, 0xfb, 0, 0)).toMatchObject({ sw: 0x6985 })
  })

  it('leaves the attestation key and its certificate, and nothing else', async () => {
    const before = key.card.chip
    await authenticate(key)
    await generate(key, 0x9a, 0x11)
    await block()
    for (let index = 0; index < 3; index++) await unblock('0', '')
    expect(await send(key, 0xfb, 0, 0)).toMatchObject({ sw: 0x9000 })
    expect(key.card.chip).toEqual(before)
  })
})
