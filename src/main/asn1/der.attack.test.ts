import { describe, expect, it } from 'vitest'
import { checkDer, derElement, derTag, readChildren, readElement, readSmallInteger } from './der.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('DER from an attacker', () => {
  it.each([
    ['nothing at all', '', 'truncated', 0],
    ['a tag without a length', '30', 'truncated', 0],
    ['a length past the end', '04 05 01 02', 'truncated', 0],
    ['a length whose octets are missing', '30 82 01', 'truncated', 0],
    ['the indefinite form of BER', '30 80 05 00 00 00', 'indefinite-length', 0],
    ['a long form where the short one does', `04 81 05 ${'00'.repeat(5)}`, 'length-not-minimal', 0],
    ['a length with a leading zero octet', `04 82 00 80 ${'00'.repeat(128)}`, 'length-not-minimal', 0],
    ['a length of five octets', '04 85 01 00 00 00 00', 'length-too-large', 0],
    ['a length of 127 octets', '04 ff', 'length-too-large', 0],
    ['a length of 4 GiB', '04 84 ff ff ff ff', 'truncated', 0],
    ['a tag number above 30', '1f 81 01 00', 'high-tag-number', 0],
    ['bytes behind the value', '05 00 00', 'trailing-bytes', 2],
    ['bytes inside that no element fills', '30 03 05 00 05', 'truncated', 4],
    ['a child that is longer than its parent', '30 04 04 04 01 02', 'truncated', 2],
    ['a fault deep inside, named by its offset', '30 06 30 04 04 81 01 00', 'length-not-minimal', 4],
  ])('refuses %s', (_name, bytes, code, offset) => {
    expect(checkDer(hex(bytes))).toEqual({ ok: false, error: { code, offset } })
  })

  it('ends at a bound of nesting instead of the end of the stack', () => {
    let nested: Uint8Array = derElement(derTag.null)
    for (let depth = 0; depth < 100_000 && nested.length < 60_000; depth++) nested = derElement(derTag.sequence, nested)
    const checked = checkDer(nested)
    expect(checked.ok ? null : checked.error.code).toBe('too-deep')
  })

  it('takes nesting up to the bound', () => {
    let nested: Uint8Array = derElement(derTag.null)
    for (let depth = 0; depth < 32; depth++) nested = derElement(derTag.sequence, nested)
    expect(checkDer(nested)).toEqual({ ok: true, value: null })
  })

  it('refuses an element of another type than the one expected', () => {
    expect(readElement(hex('31 00'), derTag.sequence)).toEqual({
      ok: false,
      error: { code: 'unexpected-tag', offset: 0 },
    })
  })

  it.each([
    ['negative', '02 01 ff'],
    ['two octets long', '02 02 01 00'],
    ['empty', '02 00'],
  ])('refuses a version that is %s', (_name, bytes) => {
    const element = readElement(hex(bytes))
    expect(element.ok && readSmallInteger(element.value).ok).toBe(false)
  })

  it('reports offsets in the outermost array from nested readers', () => {
    const outer = readElement(hex('30 05 30 03 04 02 aa'))
    const inner = outer.ok ? readChildren(outer.value) : outer
    const innermost = inner.ok && inner.value[0] !== undefined ? readChildren(inner.value[0]) : inner
    expect(innermost).toEqual({ ok: false, error: { code: 'truncated', offset: 4 } })
  })
})
