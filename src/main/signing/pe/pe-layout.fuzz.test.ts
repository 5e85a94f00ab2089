import { afterAll, describe, expect, it } from 'vitest'
import { localCertificate } from '../testing/local-certificate.ts'
import { generateLocalKey } from '../testing/local-key.ts'
import { attachSignatures } from './attach.ts'
import { authenticodeSha256 } from './authenticode.ts'
import { maxHeaderBytes, readPeHeaders } from './pe-headers.ts'
import { layOut } from './pe-layout.ts'
import { malformedImages } from './testing/malformed-images.ts'
import { generator, mutate } from './testing/mutations.ts'
import { flatOracle, walkOracle } from './testing/oracle.ts'
import { buildPe } from './testing/pe-builder.ts'
import { digestBy, isInstalled, makeBench, writeKey } from './testing/reference-tools.ts'

const rounds = 120_000
const bench = makeBench()
afterAll(() => bench.remove())

const section = (fill: number, size: number) => ({ name: `.s${fill}`, content: new Uint8Array(size).fill(fill) })
const plain = buildPe({ sections: [section(1, 512), section(2, 100), section(3, 512)], fileAlignment: 64 })
const attached = attachSignatures(plain, [new Uint8Array(37).fill(0x30), new Uint8Array(64).fill(0x31)])
if (!attached.ok) throw new Error('the corpus cannot be built')
const corpus: readonly Uint8Array[] = [
  plain,
  attached.value,
  buildPe({ sections: [], trailing: new Uint8Array(33).fill(7), fileAlignment: 64 }),
  buildPe({ pe32: true, sections: [section(1, 64)], fileAlignment: 64 }),
  buildPe({
    directoryCount: 5,
    sections: [section(1, 64), section(2, 64)],
    trailing: new Uint8Array(3).fill(7),
    fileAlignment: 64,
  }),
  ...malformedImages.map(({ image }) => image).filter((image) => image.length < 4096),
]

/** What the product would sign for an image, or null. */
function digestToSign(image: Uint8Array): string | null {
  const headers = readPeHeaders(image.subarray(0, maxHeaderBytes), image.length)
  if (!headers.ok) return null
  const layout = layOut(headers.value)
  return layout.faults.length === 0 ? authenticodeSha256(image, layout) : null
}

describe('random mutations of small images', () => {
  it(`never make the layout throw, and nothing is signed on which two naive readers differ (${rounds} images)`, () => {
    const random = generator(20_260_101)
    let accepted = 0
    for (let round = 0; round < rounds; round++) {
      const image = mutate(corpus[round % corpus.length] ?? plain, random)
      const digest = digestToSign(image)
      if (digest === null) continue
      accepted++
      if (walkOracle(image) !== digest || flatOracle(image) !== digest) {
        expect.fail(
          `round ${round}: ${digest} ${walkOracle(image)} ${flatOracle(image)} ${Buffer.from(image).toString('base64')}`,
        )
      }
    }
    // Else the oracle was never asked.
    expect(accepted).toBeGreaterThan(rounds / 50)
    expect(accepted).toBeLessThan(rounds)
  })

  it('never make the tools of Debian disagree about an image that would be signed', { timeout: 120_000 }, (ctx) => {
    const absent = (['sbsign', 'osslsigncode', 'pesign'] as const).filter((tool) => !isInstalled(tool))
    if (absent.length > 0) ctx.skip(`not installed: ${absent.join(', ')}`)
    const key = generateLocalKey('rsa-2048')
    const keys = writeKey(bench, 'key', key, localCertificate(key).der)
    const random = generator(4711)
    let compared = 0
    for (let round = 0; compared < 40; round++) {
      const image = mutate(corpus[round % corpus.length] ?? plain, random)
      const digest = digestToSign(image)
      if (digest === null) continue
      compared++
      const path = bench.write('image.efi', image)
      const answers = [
        digestBy.sbsign(bench, path, keys),
        digestBy.pesign(bench, path),
        digestBy.osslsigncode(bench, path, keys),
      ]
      const others = answers.filter((answer) => answer !== null && answer !== digest)
      if (others.length > 0)
        expect.fail(`${digest} ${JSON.stringify(answers)} ${Buffer.from(image).toString('base64')}`)
    }
  })
})
