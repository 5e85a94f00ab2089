import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { reviewSheet } from '../../shared/review-sheet.ts'
import { canonicalBytes, canonicalText, parseCanonical } from './canonical-json.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('canonical JSON', () => {
  it('sorts members by UTF-16 code units, as the vector of RFC 8785 §3.2.3 does', () => {
    const vector = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    expect(canonicalText(vector)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis",' +
        '"\u20ac":"Euro Sign","\ud83d\ude00":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    )
  })

  it('escapes strings as the sample of RFC 8785 §3.2.4 does, byte for byte', () => {
    const sample = { string: '\u20ac$\u000f\nA\'B"\\\\"/', literals: [null, true, false] }
    expect(Buffer.from(canonicalBytes(sample)).toString('hex')).toBe(
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d',
    )
  })

  it('writes integers plainly, up to the largest that is exact', () => {
    expect(canonicalText([0, -0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])).toBe(
      '[0,0,1,-1,9007199254740991,-9007199254740991]',
    )
  })

  it.each([
    ['a fraction', 0.5],
    ['an integer that is not exact', 2 ** 53],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['undefined', undefined],
    ['a member that is undefined', { a: undefined }],
    ['a hole in a list', Array.from({ length: 2 })],
    ['a bigint', 1n],
    ['a date', new Date(0)],
    ['bytes', new Uint8Array(2)],
    ['a map', new Map()],
    ['a symbol as member name', { [Symbol('a')]: 1 }],
    ['a function', () => 1],
    ['a lone surrogate', '\ud83d'],
    ['a lone surrogate as member name', { '\ude00': 1 }],
  ])('refuses %s', (_name, value) => {
    expect(() => canonicalText(value)).toThrow(TypeError)
  })

  it('refuses a value that contains itself', () => {
    const self: unknown[] = []
    self.push(self)
    expect(() => canonicalText(self)).toThrow(TypeError)
  })

  it('reads back what it wrote', () => {
    expect(parseCanonical(bytes('{"a":[1,null,"ö"],"b":{}}'))).toEqual({ value: { a: [1, null, 'ö'], b: {} } })
  })

  it.each([
    ['white space', '{"a": 1}'],
    ['members out of order', '{"b":1,"a":1}'],
    ['a member twice', '{"a":1,"a":2}'],
    ['an escape that is not needed', '{"a":"\\u0041"}'],
    ['a number with a fraction', '{"a":1.0}'],
    ['minus zero', '[-0]'],
    ['a byte order mark', '\ufeff{}'],
    ['bytes after the value', '{}\n'],
    ['no JSON', '{'],
    ['nothing', ''],
  ])('does not take other bytes for the same value: %s', (_name, text) => {
    expect(parseCanonical(bytes(text))).toBeNull()
  })

  it('does not take bytes that are not UTF-8', () => {
    expect(parseCanonical(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toBeNull()
  })
})

describe('docs/formats/review-sheet.md', () => {
  it('has a sample whose bytes and digest are what the program computes', () => {
    const page = readFileSync(new URL('../../../docs/formats/review-sheet.md', import.meta.url), 'utf8')
    const found = /(\d+) bytes, digest `([0-9a-f]{64})`:\n\n```json\n(.*)\n```/.exec(page)
    const [, length, digest, text = ''] = found ?? []
    const again = canonicalBytes(reviewSheet.parse(JSON.parse(text)))
    expect(Buffer.from(again).toString()).toBe(text)
    expect({ length: String(again.length), digest: createHash('sha256').update(again).digest('hex') }).toEqual({
      length,
      digest,
    })
  })
})
