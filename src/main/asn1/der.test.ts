import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkDer,
  compareBytes,
  derElement,
  derSetOf,
  derTag,
  derTime,
  derUnsignedInteger,
  readChildren,
  readElement,
} from './der.ts'

describe('DER', () => {
  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (parts) => {
        const written = derElement(derTag.sequence, ...parts.map((part) => derElement(derTag.octetString, part)))
        const read = readElement(written, derTag.sequence)
        const children = read.ok ? readChildren(read.value) : read
        expect(children.ok && children.value.map((child) => Buffer.from(child.contents).toString('hex'))).toEqual(
          parts.map((part) => Buffer.from(part).toString('hex')),
        )
      }),
    )
  })

  it('accepts no second encoding: what it reads as one element, it writes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (bytes) => {
        const read = readElement(bytes)
        if (read.ok) expect(Buffer.from(derElement(read.value.tag, read.value.contents)).equals(bytes)).toBe(true)
      }),
      { numRuns: 20_000 },
    )
  })

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof checkDer(bytes).ok === 'boolean'),
      { numRuns: 20_000 },
    )
  })

  it.each([[0x7f], [0x80], [0xff], [0x100], [0xffff], [0x10000]])(
    'writes the shortest length for %i bytes and reads it',
    (length) => {
      const element = derElement(derTag.octetString, new Uint8Array(length))
      const read = readElement(element)
      expect(read.ok && read.value.contents.length).toBe(length)
    },
  )

  it('orders the members of a SET OF by their encoding', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }), (parts) => {
        const read = readElement(derSetOf(...parts.map((part) => derElement(derTag.octetString, part))))
        const children = read.ok ? readChildren(read.value) : read
        const encodings = children.ok ? children.value.map((child) => child.bytes) : []
        expect(
          encodings.every(
            (encoding, index) => index === 0 || compareBytes(encodings[index - 1] ?? encoding, encoding) <= 0,
          ),
        ).toBe(true)
      }),
    )
  })

  it('writes an unsigned integer without needless octets and never as a negative one', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), fc.nat(4), (value, padding) => {
        const digits = value.toString(16)
        const magnitude = Buffer.from(
          '00'.repeat(padding) + digits.padStart(digits.length + (digits.length % 2), '0'),
          'hex',
        )
        const contents = Buffer.from(derUnsignedInteger(magnitude).subarray(2))
        expect(BigInt(`0x${contents.toString('hex')}`)).toBe(value)
        expect((contents[0] ?? 0) < 0x80).toBe(true)
        expect(contents.length === 1 || contents[0] !== 0 || (contents[1] ?? 0) > 0x7f).toBe(true)
      }),
    )
  })

  it.each([
    ['1950-01-01T00:00:00.000Z', '170d3530303130313030303030305a'],
    ['2026-11-20T10:45:59.999Z', '170d3236313132303130343535395a'],
    ['2049-12-31T23:59:59.000Z', '170d3439313233313233353935395a'],
    ['2050-01-01T00:00:00.000Z', '180f32303530303130313030303030305a'],
    ['1949-12-31T23:59:59.000Z', '180f31393439313233313233353935395a'],
  ])('writes %s in the form that RFC 5280 asks for', (time, expected) => {
    expect(Buffer.from(derTime(new Date(time))).toString('hex')).toBe(expected)
  })
})
