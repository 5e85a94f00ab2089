import { beforeEach, describe, expect, it } from 'vitest'
import { shortCommand } from './apdu.ts'
import { largestObject } from './card.ts'
import { ask, authenticate, freshKey, fromHex, hex, said, selectPiv, send, verifyPin } from './testing/card-talk.ts'
import { concat, tlv } from './tlv.ts'
import type { VirtualYubiKey } from './virtual-yubikey.ts'

let key: VirtualYubiKey
beforeEach(async () => {
  key = await freshKey()
})

const objectId = tlv(0x5c, fromHex('5fc10a'))
const readObject = concat(objectId)

describe('the applet', () => {
  it('tells its name, firmware and serial number', async () => {
    const answers = [await selectPiv(key), await send(key, 0xfd, 0, 0), await send(key, 0xf8, 0, 0)]
    expect(answers.map(({ data }) => hex(data))).toEqual([
      '61114f0600001000010079074f05a000000308',
      '050701',
      '01312d01',
    ])
  })

  it('is one of two, and there are no others', async () => {
    const management = await send(key, 0xa4, 4, 0, fromHex('a000000527471117'))
    expect(Buffer.from(management.data).toString()).toBe('Virtual mgr - FW version 5.7.1')
    const info = await send(key, 0x1d, 0, 0)
    expect(hex(info.data)).toBe('190102033f020401312d010302001004010105030507010a0100')
    // The PIV applet is no longer the selected one.
    expect(await send(key, 0xfd, 0, 0)).toMatchObject({ sw: 0x6d00 })
    expect(await send(key, 0xa4, 4, 0, fromHex('a0000005272001'))).toMatchObject({ sw: 0x6a82 })
  })

  it('answers nothing before it is selected', async () => {
    key.power()
    expect(await send(key, 0xfd, 0, 0)).toMatchObject({ sw: 0x6d00 })
  })

  it('refuses commands that it does not know, and classes', async () => {
    expect(await send(key, 0x84, 0, 0)).toMatchObject({ sw: 0x6d00 })
    expect(said(await key.send(fromHex('80fd0000')))).toMatchObject({ sw: 0x6e00 })
    expect(said(await key.send(fromHex('00fd')))).toMatchObject({ sw: 0x6700 })
  })

  it('forgets PIN and management key when it is selected again, and when the power goes', async () => {
    const state = () => ({ pin: key.card.session.pinVerified, management: key.card.session.managementVerified })
    for (const end of [() => selectPiv(key), async () => key.power()]) {
      await selectPiv(key)
      await verifyPin(key)
      await authenticate(key)
      expect(state()).toEqual({ pin: true, management: true })
      await end()
      expect(state()).toEqual({ pin: false, management: false })
    }
  })
})

describe('data objects', () => {
  it('are written with the management key, read by everybody, and deleted by writing nothing', async () => {
    const put = concat(objectId, tlv(0x53, fromHex('0102')))
    expect(await ask(key, 0xdb, 0x3f, 0xff, put)).toMatchObject({ sw: 0x6982 })
    await authenticate(key)
    expect(await ask(key, 0xdb, 0x3f, 0xff, put)).toMatchObject({ sw: 0x9000 })
    await selectPiv(key)
    expect(await ask(key, 0xcb, 0x3f, 0xff, readObject)).toEqual({ data: fromHex('53020102'), sw: 0x9000 })
    await authenticate(key)
    await ask(key, 0xdb, 0x3f, 0xff, concat(objectId, tlv(0x53)))
    expect(await ask(key, 0xcb, 0x3f, 0xff, readObject)).toMatchObject({ sw: 0x6a82 })
  })

  it('come with the PIN only where they tell of the holder', async () => {
    await authenticate(key)
    const printed = tlv(0x5c, fromHex('5fc109'))
    await ask(key, 0xdb, 0x3f, 0xff, concat(printed, tlv(0x53, fromHex('aa'))))
    expect(await ask(key, 0xcb, 0x3f, 0xff, printed)).toMatchObject({ sw: 0x6982 })
    await verifyPin(key)
    expect(await ask(key, 0xcb, 0x3f, 0xff, printed)).toMatchObject({ sw: 0x9000 })
  })

  it('have a largest size, alone and together', async () => {
    await authenticate(key)
    const put = (id: string, length: number) =>
      ask(key, 0xdb, 0x3f, 0xff, concat(tlv(0x5c, fromHex(id)), tlv(0x53, new Uint8Array(length))))
    expect(await put('5f0001', largestObject + 1)).toMatchObject({ sw: 0x6a84 })
    const words: number[] = []
    for (let index = 0; index < 18; index++)
      words.push((await put(`5f00${(0x10 + index).toString(16)}`, largestObject)).sw)
    expect(new Set(words)).toEqual(new Set([0x9000, 0x6a84]))
    expect(words.indexOf(0x6a84)).toBe(16)
  })

  it('are named by three bytes that begin with 5F, and 7E cannot be written', async () => {
    await authenticate(key)
    for (const id of ['7e', '5fc1', '00c10a']) {
      const put = concat(tlv(0x5c, fromHex(id)), tlv(0x53, fromHex('00')))
      expect(await ask(key, 0xdb, 0x3f, 0xff, put)).toMatchObject({ sw: 0x6a80 })
    }
    expect(hex((await ask(key, 0xcb, 0x3f, 0xff, fromHex('5c017e'))).data)).toBe(
      '7e124f0ba0000003080000100001005f2f024000',
    )
  })
})

describe('long messages', () => {
  const content = Uint8Array.from({ length: 700 }, (_, index) => index & 0xff)
  const whole = concat(objectId, tlv(0x53, content))
  const chained = async (pieces: readonly Uint8Array[]) => {
    const answers: number[] = []
    for (const [index, piece] of pieces.entries()) {
      const command = shortCommand(0xdb, 0x3f, 0xff, piece)
      if (index < pieces.length - 1) command[0] = 0x10
      answers.push(said(await key.send(command)).sw)
    }
    return answers
  }

  it('come in pieces and leave in pieces', async () => {
    await authenticate(key)
    const pieces = [whole.slice(0, 255), whole.slice(255, 510), whole.slice(510)]
    expect(await chained(pieces)).toEqual([0x9000, 0x9000, 0x9000])
    const first = await send(key, 0xcb, 0x3f, 0xff, readObject)
    const second = await send(key, 0xc0, 0, 0)
    const third = await send(key, 0xc0, 0, 0)
    expect([first.sw, second.sw, third.sw]).toEqual([0x6100, 0x61c0, 0x9000])
    expect(concat(first.data, second.data, third.data)).toEqual(tlv(0x53, content))
    expect(await send(key, 0xc0, 0, 0)).toMatchObject({ sw: 0x6985 })
  })

  it('go at once with an extended length', async () => {
    await authenticate(key)
    expect(await ask(key, 0xdb, 0x3f, 0xff, whole)).toMatchObject({ sw: 0x9000 })
    expect(await ask(key, 0xcb, 0x3f, 0xff, readObject)).toEqual({ data: tlv(0x53, content), sw: 0x9000 })
  })

  it('lose their beginning, or their end, when another command comes between', async () => {
    await authenticate(key)
    await key.send(Uint8Array.of(0x10, 0xdb, 0x3f, 0xff, 5, ...objectId))
    await send(key, 0xfd, 0, 0)
    expect(await send(key, 0xdb, 0x3f, 0xff, tlv(0x53, content.slice(0, 10)))).toMatchObject({ sw: 0x6a80 })
    await ask(key, 0xdb, 0x3f, 0xff, whole)
    await send(key, 0xcb, 0x3f, 0xff, readObject)
    await send(key, 0xfd, 0, 0)
    expect(await send(key, 0xc0, 0, 0)).toMatchObject({ sw: 0x6985 })
  })

  it('do not grow without end', async () => {
    const piece = Uint8Array.of(0x10, 0xdb, 0x3f, 0xff, 255, ...new Uint8Array(255))
    const words: number[] = []
    for (let index = 0; index < 17; index++) words.push(said(await key.send(piece)).sw)
    expect(words.at(-1)).toBe(0x6700)
  })
})
