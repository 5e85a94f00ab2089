import { buildPe as build } from '../../src/main/signing/pe/testing/pe-builder.ts'

/** The n-th of many small, well-formed EFI applications that all differ; each says of itself what it is. */
export function buildPe(n: number, textBytes = 4096): Uint8Array {
  const text = Buffer.alloc(textBytes, n & 0xff)
  text.write(`image ${n}`)
  const sbat = Buffer.from(
    `sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nexample,1,Example,example,${n}.0,https://example.org/\n`,
  )
  return build({
    sections: [
      { name: '.text', content: text },
      { name: '.sbat', content: sbat },
    ],
  })
}
