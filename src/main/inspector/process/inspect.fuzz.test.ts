import { describe, expect, it } from 'vitest'
import { attachSignatures } from '../../signing/pe/attach.ts'
import { generator, mutate } from '../../signing/pe/testing/mutations.ts'
import { flatOracle, walkOracle } from '../../signing/pe/testing/oracle.ts'
import { buildPe } from '../../signing/pe/testing/pe-builder.ts'
import { localCertificate } from '../../signing/testing/local-certificate.ts'
import { generateLocalKey } from '../../signing/testing/local-key.ts'
import { parseAnswer } from '../protocol.ts'
import { memorySource } from './byte-source.ts'
import { inspect } from './inspect.ts'

const rounds = 4_000
const certificate = localCertificate(generateLocalKey('ec-p256')).der
const vendor = Uint8Array.from([...new Uint8Array(16), ...certificate])
new DataView(vendor.buffer).setUint32(0, certificate.length, true)
new DataView(vendor.buffer).setUint32(8, 16, true)
const strings = Uint8Array.from([17, 0, 0, 0, ...new TextEncoder().encode('.vendor_cert\0')])
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const image = buildPe({
  fileAlignment: 32,
  sections: [
    { name: '.sbat', content: text('sbat,1,SBAT Version,sbat,1,https://example.org\nshim,4,v,shim,1,u\n') },
    { name: '/4', content: vendor },
    { name: '.cmdline', content: text('quiet') },
    { name: '.linux', content: buildPe({ fileAlignment: 32 }) },
  ],
  stringTable: strings,
})
const signed = attachSignatures(image, [certificate, Uint8Array.of(0x30, 0)])
if (!signed.ok) throw new Error('the corpus cannot be built')
const corpus = [image, signed.value]

describe('random mutations of an image with everything in it', () => {
  it(`always give facts that main takes, and no digest that two naive readers do not find (${rounds} images)`, {
    timeout: 120_000,
  }, () => {
    const random = generator(99)
    const kinds = { digest: 0, faults: 0, opaque: 0 }
    for (let round = 0; round < rounds; round++) {
      const changed = mutate(corpus[round % corpus.length] ?? image, random)
      const facts = inspect(memorySource(changed))
      const text = JSON.stringify({ kind: 'facts', facts })
      if (parseAnswer(text) === null) expect.fail(`round ${round}: main refuses ${text.slice(0, 2000)}`)
      if (facts.kind === 'opaque') kinds.opaque++
      else if (facts.authenticodeSha256 === null) kinds.faults++
      else {
        kinds.digest++
        if (facts.authenticodeSha256 !== walkOracle(changed) || facts.authenticodeSha256 !== flatOracle(changed))
          expect.fail(`round ${round}: ${Buffer.from(changed).toString('base64')}`)
      }
    }
    expect(Object.values(kinds).every((count) => count > 100)).toBe(true)
  })
})
