import { describe, expect, it } from 'vitest'
import { derOid, dottedOid, oid } from './oid.ts'

describe('object identifiers', () => {
  it.each(Object.entries(oid))('%s survives being written and read', (_name, dotted) => {
    expect(dottedOid(derOid(dotted).subarray(2))).toBe(dotted)
  })

  it('writes the bytes that every signing tool writes', () => {
    expect(Buffer.from(derOid(oid.spcIndirectData)).toString('hex')).toBe('060a2b060104018237020104')
    expect(Buffer.from(derOid(oid.sha256)).toString('hex')).toBe('0609608648016503040201')
  })

  it.each([
    ['nothing', ''],
    ['an arc with a leading 0x80', '2b8001'],
    ['an arc that does not end', '2b86'],
    ['an arc beyond exact numbers', `2b${'ff'.repeat(9)}7f`],
    ['more bytes than any identifier has', '2b'.repeat(65)],
  ])('reads no identifier from %s', (_name, hex) => {
    expect(dottedOid(Buffer.from(hex, 'hex'))).toBeNull()
  })
})
