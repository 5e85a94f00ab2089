import { describe, expect, it } from 'vitest'
import { attachSignatures, peChecksum } from './attach.ts'
import { readPeHeaders } from './pe-headers.ts'
import { buildPe } from './testing/pe-builder.ts'
import { readCertificateTable } from './win-certificate.ts'

const odd = buildPe({ trailing: new Uint8Array(5).fill(3) })

describe('attaching signatures', () => {
  it('pads the image and each entry to 8, and points entry 4 at the first', () => {
    const attached = attachSignatures(odd, [new Uint8Array(3).fill(1), new Uint8Array(16).fill(2)])
    if (!attached.ok) throw new Error(attached.error.code)
    const headers = readPeHeaders(attached.value, attached.value.length)
    expect(headers.ok && headers.value.certificateTable).toEqual({ offset: odd.length + 3, size: 16 + 24 })
    const table = readCertificateTable(attached.value.subarray(odd.length + 3))
    expect(table.ok && table.value.map(({ revision, type, data }) => [revision, type, data.length])).toEqual([
      [0x200, 2, 3],
      [0x200, 2, 16],
    ])
  })

  it('leaves the image that it was given as it was', () => {
    const before = odd.slice()
    attachSignatures(odd, [new Uint8Array(3)])
    expect(odd).toEqual(before)
  })

  it('writes a checksum that does not depend on the one that was there', () => {
    const offset = new DataView(odd.buffer).getUint32(0x3c, true) + 24 + 64
    const changed = odd.slice()
    changed.set([1, 2, 3, 4], offset)
    expect(peChecksum(changed, offset)).toBe(peChecksum(odd, offset))
  })

  it.each([
    ['an entry shorter than its own header', [4, 0, 0, 0, 0, 2, 2, 0]],
    ['an entry longer than the table', [32, 0, 0, 0, 0, 2, 2, 0]],
    ['half a header', [8, 0, 0, 0, 0, 2, 2, 0, 8, 0, 0]],
    ['zeros where an entry should begin', [8, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a length that wraps', [0xff, 0xff, 0xff, 0xff, 0, 2, 2, 0]],
  ])('refuses a table with %s', (_name, bytes) => {
    expect(readCertificateTable(Uint8Array.from(bytes))).toMatchObject({
      ok: false,
      error: { code: 'certificate-table-malformed' },
    })
  })
})
