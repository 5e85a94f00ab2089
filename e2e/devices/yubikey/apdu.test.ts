import { describe, expect, it } from 'vitest'
import { parseCommand } from './apdu.ts'
import { fromHex, hex } from './testing/card-talk.ts'
import { readTlvs, tlv, valueOf } from './tlv.ts'

const parsed = (text: string) => {
  const command = parseCommand(fromHex(text))
  return command === null ? null : { data: hex(command.data), le: command.le, extended: command.extended }
}

describe('a command APDU', () => {
  it.each([
    ['no data, nothing wanted', '00fd0000', { data: '', le: null, extended: false }],
    ['no data, 256 bytes wanted', '00fd000000', { data: '', le: 256, extended: false }],
    ['data', '002000800131', { data: '31', le: null, extended: false }],
    ['data, and 8 bytes wanted', '00cb3fff035c017e08', { data: '5c017e', le: 8, extended: false }],
    ['extended, no data', '00cb3fff000100', { data: '', le: 256, extended: true }],
    ['extended, data', '00db3fff0000025301', { data: '5301', le: null, extended: true }],
    [
      'extended, data, as much as there is wanted',
      '00db3fff00000253010000',
      { data: '5301', le: 65_536, extended: true },
    ],
  ])('is read: %s', (_name, text, command) => {
    expect(parsed(text)).toEqual(command)
  })

  it.each([
    ['a header that ends early', '00fd00'],
    ['data that end early', '0020008008313233'],
    ['more bytes than the lengths say', '00200080013100ff'],
    ['an extended length that ends early', '00db3fff0000'],
    ['extended data that end early', '00db3fff00000453'],
  ])('is refused: %s', (_name, text) => {
    expect(parsed(text)).toBeNull()
  })
})

describe('BER-TLV', () => {
  it.each([0, 1, 127, 128, 255, 256, 3000])('reads what it writes: %i bytes', (length) => {
    const value = new Uint8Array(length).fill(7)
    for (const tag of [0x53, 0x7f49]) expect(valueOf(readTlvs(tlv(tag, value)), tag)).toEqual(value)
  })

  it('takes lengths that are longer than they need to be, as hosts send them', () => {
    expect(valueOf(readTlvs(fromHex('5c8200035fc105')), 0x5c)).toEqual(fromHex('5fc105'))
  })

  it.each(['5c', '5c03', '5c035fc1', '5c8201', '5c80', '5c83000001', '7f'])('refuses %s', (text) => {
    expect(readTlvs(fromHex(text))).toBeNull()
  })
})
