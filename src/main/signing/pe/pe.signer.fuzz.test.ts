import { writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { Digester } from '../../digest/digester.ts'
import { createSigner } from '../registry.ts'
import type { SpooledFile } from '../signer.ts'
import { localCertificate } from '../testing/local-certificate.ts'
import { generateLocalKey } from '../testing/local-key.ts'
import { attachSignatures } from './attach.ts'
import { malformedImages } from './testing/malformed-images.ts'
import { generator, mutate } from './testing/mutations.ts'
import { flatOracle, walkOracle } from './testing/oracle.ts'
import { buildPe } from './testing/pe-builder.ts'
import { makeBench } from './testing/reference-tools.ts'
import { spool } from './testing/spooled.ts'

const bench = makeBench()
const digester = new Digester(new URL('../../digest/hash-worker.ts', import.meta.url))
afterAll(async () => {
  await digester.close()
  bench.remove()
})
const signer = createSigner(digester)
const key = generateLocalKey('ec-p256')
const certificate = localCertificate(key)
const at = new Date('2026-11-20T10:45:00Z')

const section = (fill: number, size: number) => ({ name: `.s${fill}`, content: new Uint8Array(size).fill(fill) })
const trailing = new Uint8Array(3).fill(7)

function withCertificates(image: Uint8Array): Uint8Array {
  const attached = attachSignatures(image, [new Uint8Array(37).fill(0x30), new Uint8Array(64).fill(0x31)])
  if (!attached.ok) throw new Error('the corpus cannot be built')
  return attached.value
}
const small = buildPe({ sections: [section(1, 512), section(2, 100), section(3, 512)], fileAlignment: 64 })
const smallImages = [
  small,
  withCertificates(small),
  buildPe({ pe32: true, sections: [section(1, 64)], trailing, fileAlignment: 64 }),
  ...malformedImages.map(({ image }) => image).filter((image) => image.length < 4096),
]
// More than the signer reads at once: these are hashed by its threads.
const large = buildPe({ sections: [section(1, 1_100_000), section(2, 512)], fileAlignment: 64, trailing })
const largeImages = [large, withCertificates(large)]

/** A sheet that was fooled: it names the digest of a naive reader, where that reader comes to one, and not the product's own. */
function fooled(image: Uint8Array, read: (image: Uint8Array) => string): SpooledFile {
  const file = spool(bench, 'image.efi', image)
  try {
    return { ...file, toBeSigned: sha256Hex.parse(read(image)) }
  } catch {
    return file
  }
}

/** Prepares the file as the signing run does. Whatever was prepared has one digest for every reader, and can be signed to its end. */
async function tryToSign(image: Uint8Array, file: SpooledFile): Promise<boolean> {
  const prepared = await signer.prepare(file, certificate, at)
  if (!prepared.ok) return false
  const digests = [prepared.value.digest, walkOracle(image), flatOracle(image)]
  if (new Set(digests).size !== 1)
    expect.fail(`${digests.join(' ')} ${Buffer.from(image.subarray(0, 8192)).toString('base64')}`)
  const output = prepared.value.assemble(key.sign(prepared.value.request))
  expect(await signer.verify(file, output, certificate)).toEqual({ ok: true, value: null })
  return true
}

describe('a signer that is given random mutations of images', () => {
  it.each([
    ['small', smallImages, 3000],
    ['large', largeImages, 150],
  ] as const)(
    'of a %s size answers each, and prepares none whose digest is in doubt',
    { timeout: 240_000 },
    async (_, images, rounds) => {
      const random = generator(20_261_120)
      let prepared = 0
      for (let round = 0; round < rounds; round++) {
        const image = mutate(images[round % images.length] ?? small, random)
        if (await tryToSign(image, fooled(image, round % 2 === 0 ? walkOracle : flatOracle))) prepared++
      }
      // Else nothing was asked of the oracles, or nothing was refused.
      expect(prepared).toBeGreaterThan(rounds / 50)
      expect(prepared).toBeLessThan(rounds)
    },
  )

  it.each([
    ['small', smallImages, 300],
    ['large', largeImages, 30],
  ] as const)(
    'prepares nothing of a %s size that is not the file that was inspected',
    { timeout: 240_000 },
    async (_, images, rounds) => {
      const random = generator(5)
      for (let round = 0; round < rounds; round++) {
        const image = images[round % images.length] ?? small
        const file = spool(bench, 'changed.efi', image)
        const changed = mutate(image, random)
        if (Buffer.from(changed).equals(image)) continue
        writeFileSync(file.path, changed)
        expect((await signer.prepare(file, certificate, at)).ok).toBe(false)
      }
    },
  )
})
