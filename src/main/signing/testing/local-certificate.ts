import { prepareCertificate } from '../../pki/certificate-builder.ts'
import { signatureScheme } from '../signature-scheme.ts'
import type { SigningCertificate } from '../signer.ts'
import type { LocalKey } from './local-key.ts'

/** A self-signed certificate for a test key, always the same for the same key and serial number. */
export function localCertificate(
  key: LocalKey,
  name = 'Signing Station test key',
  serialNumber = 1,
): SigningCertificate {
  const scheme = signatureScheme(key.algorithm)
  if (scheme === null) throw new Error(`no signature scheme for ${key.algorithm}`)
  const prepared = prepareCertificate({
    subject: [{ type: 'commonName', value: name }],
    issuer: null,
    spki: key.spki,
    serialNumber: Uint8Array.of(serialNumber),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    isCa: false,
    keyUsage: ['digitalSignature'],
    codeSigning: true,
    scheme,
  })
  return { der: prepared.assemble(key.sign(prepared.request)), algorithm: key.algorithm }
}
