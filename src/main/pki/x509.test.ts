import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { derSequence } from '../asn1/der.ts'
import { localCertificate } from '../signing/testing/local-certificate.ts'
import { generateLocalKey } from '../signing/testing/local-key.ts'
import { prepareCertificate } from './certificate-builder.ts'
import { nameText, readCertificate } from './x509.ts'

const key = generateLocalKey('ec-p256')
const { der } = localCertificate(key)
const pem = new X509Certificate(der).toString()

describe('reading a certificate', () => {
  it('gives the same from DER and from PEM, and the digest of its public key', () => {
    const fromDer = readCertificate(der)
    const fromPem = readCertificate(`text in front\n${pem}`)
    expect(fromDer.ok && fromDer.value.facts).toEqual(fromPem.ok && fromPem.value.facts)
    expect(fromDer.ok && fromDer.value.facts.sha256).toBe(
      new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase(),
    )
    expect(fromDer.ok && Buffer.from(fromDer.value.spki).equals(key.spki)).toBe(true)
  })

  it.each([
    ['no certificate', 'hello'],
    ['two certificates', pem + pem],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['an empty certificate', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----'],
  ])('refuses PEM with %s', (_name, text) => {
    const read = readCertificate(text)
    expect(read.ok ? null : read.error.code).toBe('certificate-unreadable')
  })

  it('does not call a certificate self-signed because its names are equal', () => {
    const other = generateLocalKey('ec-p256')
    const prepared = prepareCertificate({
      subject: [{ type: 'commonName', value: 'x' }],
      issuer: null,
      spki: key.spki,
      serialNumber: Uint8Array.of(1),
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2027-01-01T00:00:00Z'),
      isCa: false,
      keyUsage: [],
      codeSigning: false,
      scheme: 'ecdsa-sha256',
    })
    const read = readCertificate(prepared.assemble(other.sign(prepared.request)))
    expect(
      read.ok && [read.value.facts.selfSigned, read.value.facts.keyUsage, read.value.facts.extendedKeyUsage],
    ).toEqual([false, [], []])
  })

  it('gives an answer, never an exception, for a certificate with any byte changed', () => {
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const changed = der.slice()
        changed[index] = (changed[index] ?? 0) ^ flip
        const read = readCertificate(changed)
        expect(read.ok ? read.value.facts.subject.isWellFormed() : read.error.code).not.toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('reads names as text and gives none for what is not a name', () => {
    expect(nameText(derSequence())).toBe('')
    expect(nameText(Uint8Array.of(0x30, 0x80))).toBe('')
  })
})
