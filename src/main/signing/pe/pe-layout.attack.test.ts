import { afterAll, describe, expect, it } from 'vitest'
import { localCertificate } from '../testing/local-certificate.ts'
import { generateLocalKey } from '../testing/local-key.ts'
import { layoutFaultCodes } from './layout-fault.ts'
import { maxHeaderBytes, readPeHeaders } from './pe-headers.ts'
import { layOut } from './pe-layout.ts'
import { malformedImages } from './testing/malformed-images.ts'
import { buildPe } from './testing/pe-builder.ts'
import { digestBy, isInstalled, makeBench, writeKey } from './testing/reference-tools.ts'

const bench = makeBench()
afterAll(() => bench.remove())
const key = generateLocalKey('rsa-2048')
const keys = writeKey(bench, 'key', key, localCertificate(key).der)

function faultsOf(image: Uint8Array, size = image.length): readonly string[] {
  const headers = readPeHeaders(image.subarray(0, maxHeaderBytes), size)
  return headers.ok ? layOut(headers.value).faults.map((fault) => fault.code) : [headers.error.code]
}

describe('an image on which tools would disagree', () => {
  it.each(malformedImages)('is refused for $name', ({ image, faults }) => {
    expect(faultsOf(image)).toEqual(faults)
  })

  it('is refused at 4 GiB, where no certificate table can be placed', () => {
    expect(faultsOf(buildPe(), 2 ** 32)).toEqual(['file-too-large'])
  })

  it.each([
    ['one section', {}],
    ['no section', { sections: [] }],
    ['PE32', { pe32: true, machine: 0x14c }],
    ['five data directories', { directoryCount: 5 }],
    ['5 bytes behind the last section', { trailing: new Uint8Array(5).fill(9) }],
    ['4096 bytes behind the last section', { trailing: new Uint8Array(4096).fill(9) }],
    [
      'an empty section between two',
      {
        sections: [
          { name: 'a', content: new Uint8Array(9) },
          { name: 'bss', content: new Uint8Array(0), claimedOffset: 0 },
          { name: 'b', content: new Uint8Array(9) },
        ],
      },
    ],
    ['the PE header at 0x82, as in the x86 kernel', { peOffset: 0x82 }],
    [
      '96 sections',
      { sections: Array.from({ length: 96 }, (_, index) => ({ name: `s${index}`, content: new Uint8Array(1) })) },
    ],
  ])('and a regular one with %s is not', (_name, options) => {
    expect(faultsOf(buildPe(options))).toEqual([])
  })

  it('has every fault of the list but one for the table’s contents, which is read elsewhere', () => {
    const seen = new Set<string>(['file-too-large', ...malformedImages.flatMap(({ faults }) => faults)])
    expect(layoutFaultCodes.filter((code) => !seen.has(code))).toEqual(['certificate-table-malformed'])
  })

  for (const { name, image } of malformedImages.filter(({ toolsDiffer }) => toolsDiffer)) {
    it(`really divides sbsign, osslsigncode and pesign: ${name}`, (ctx) => {
      const absent = (['sbsign', 'osslsigncode', 'pesign'] as const).filter((tool) => !isInstalled(tool))
      if (absent.length > 0) ctx.skip(`not installed: ${absent.join(', ')}`)
      const path = bench.write('image.efi', image)
      const digests = [
        digestBy.sbsign(bench, path, keys),
        digestBy.osslsigncode(bench, path, keys),
        digestBy.pesign(bench, path),
      ]
      expect(new Set(digests).size).toBeGreaterThan(1)
    })
  }
})
