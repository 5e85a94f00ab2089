import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { prepareCertificationRequest } from './certificate-builder.ts'
import { pemText } from './pem.ts'

// The signature comes from outside, as a token gives it.
test.for([
  ['rsa', 'rsa-pkcs1-sha256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['p-256', 'ecdsa-sha256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['p-384', 'ecdsa-sha256', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
] as const)('openssl verifies a request for a certificate by an %s key', ([, scheme, generate]) => {
  const pair = generate()
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
  let info = Buffer.alloc(0)
  const prepared = prepareCertificationRequest({
    subject: [
      { type: 'countryName', value: 'DE' },
      { type: 'organizationName', value: 'Zoë & Söhne' },
      { type: 'commonName', value: 'Secure Boot signing 2027' },
    ],
    spki,
    scheme,
  })
  // Taken out of an assembled request: the digest must be that of its first part.
  const unsigned = Buffer.from(prepared.assemble(Buffer.alloc(scheme === 'ecdsa-sha256' ? 64 : 256, 1)))
  const header = unsigned[1] === 0x82 ? 4 : unsigned[1] === 0x81 ? 3 : 2
  const length = unsigned[header + 1] === 0x82 ? unsigned.readUInt16BE(header + 2) + 4 : (unsigned[header + 2] ?? 0) + 3
  info = unsigned.subarray(header, header + length)
  const signature = sign('sha256', info, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
  const pem = pemText('CERTIFICATE REQUEST', prepared.assemble(signature))
  const read = (input: string) => {
    const options = ['req', '-verify', '-noout', '-text', '-nameopt', 'RFC2253,utf8,-esc_msb']
    const { stdout, stderr } = spawnSync('openssl', options, { input, encoding: 'utf8' })
    return { text: stdout, verdict: stderr }
  }
  // openssl ends with 0 whatever it found.
  expect(read(pem).verdict).toContain('verify OK')
  const { text } = read(pem)
  expect(text).toContain('CN=Secure Boot signing 2027,O=Zoë & Söhne,C=DE')
  expect(text).toContain('Code Signing')
  expect(text).toContain('Digital Signature')
  signature.writeUInt8(signature.readUInt8(20) ^ 1, 20)
  expect(read(pemText('CERTIFICATE REQUEST', prepared.assemble(signature))).verdict).toContain('verify failure')
})
