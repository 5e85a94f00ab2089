import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readCertificateFields } from '../asn1/certificate-fields.ts'
import { localCertificate } from '../signing/testing/local-certificate.ts'
import { generateLocalKey } from '../signing/testing/local-key.ts'
import { prepareCertificate } from './certificate-builder.ts'
import { readCertificate } from './x509.ts'

const folder = mkdtempSync(join(tmpdir(), 'certificate-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function openssl(...args: readonly string[]) {
  return spawnSync('openssl', args, { encoding: 'utf8', cwd: folder })
}

function writePem(name: string, der: Uint8Array): string {
  writeFileSync(join(folder, `${name}.der`), der)
  openssl('x509', '-inform', 'der', '-in', `${name}.der`, '-out', `${name}.pem`)
  return `${name}.pem`
}

describe('a certificate with a signature from outside', () => {
  it.each(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'] as const)(
    'of %s satisfies openssl verify, and reads back as what was asked for',
    (algorithm) => {
      const key = generateLocalKey(algorithm)
      const certificate = localCertificate(key, 'Ünïcode & "quotes", Inc.')
      const pem = writePem(algorithm, certificate.der)
      expect(openssl('verify', '-x509_strict', '-check_ss_sig', '-CAfile', pem, pem)).toMatchObject({
        status: 0,
        stdout: `${pem}: OK\n`,
      })
      const read = readCertificate(certificate.der)
      expect(read.ok && read.value.facts).toMatchObject({
        serial: '01',
        notBefore: '2026-01-01T00:00:00.000Z',
        notAfter: '2036-01-01T00:00:00.000Z',
        algorithm,
        isCa: false,
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: ['codeSigning'],
        selfSigned: true,
      })
    },
  )

  it('issued by a CA satisfies openssl verify with the chain', () => {
    const ca = generateLocalKey('ec-p384')
    const leaf = generateLocalKey('rsa-2048')
    const base = {
      serialNumber: Uint8Array.of(0x80, 1, 2),
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2060-01-01T00:00:00Z'),
    }
    const authority = prepareCertificate({
      ...base,
      subject: [
        { type: 'countryName', value: 'DE' },
        { type: 'organizationName', value: 'Test' },
        { type: 'commonName', value: 'Test CA' },
      ],
      issuer: null,
      spki: ca.spki,
      isCa: true,
      keyUsage: ['keyCertSign', 'digitalSignature', 'cRLSign'],
      codeSigning: true,
      scheme: 'ecdsa-sha256',
    })
    const caDer = authority.assemble(ca.sign(authority.request))
    const caRead = readCertificate(caDer)
    expect(caRead.ok && [caRead.value.facts.subject, caRead.value.facts.isCa, caRead.value.facts.keyUsage]).toEqual([
      'C=DE, O=Test, CN=Test CA',
      true,
      ['digitalSignature', 'keyCertSign', 'cRLSign'],
    ])
    const issued = prepareCertificate({
      ...base,
      subject: [{ type: 'commonName', value: 'Leaf' }],
      issuer: { name: subjectOf(caDer), spki: ca.spki },
      spki: leaf.spki,
      isCa: false,
      keyUsage: ['digitalSignature'],
      codeSigning: true,
      scheme: 'ecdsa-sha256',
    })
    const leafDer = issued.assemble(ca.sign(issued.request))
    const caPem = writePem('ca', caDer)
    const leafPem = writePem('leaf', leafDer)
    expect(openssl('verify', '-x509_strict', '-CAfile', caPem, leafPem)).toMatchObject({
      status: 0,
      stdout: `${leafPem}: OK\n`,
    })
    const leafRead = readCertificate(leafDer)
    expect(
      leafRead.ok && [leafRead.value.facts.selfSigned, leafRead.value.facts.issuer, leafRead.value.facts.serial],
    ).toEqual([false, 'C=DE, O=Test, CN=Test CA', '800102'])
  })
})

function subjectOf(der: Uint8Array): Uint8Array {
  const fields = readCertificateFields(der)
  if (!fields.ok) throw new Error('the certificate is not readable')
  return fields.value.subject
}
