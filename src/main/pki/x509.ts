// The polyfill has to come before @peculiar/x509, whose container wants it while it is being loaded.
import 'reflect-metadata'
import { hash, X509Certificate as NodeCertificate } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  X509Certificate,
} from '@peculiar/x509'
import type { Failure } from '../../shared/failure.ts'
import { type Sha256Hex, sha256Hex } from '../../shared/ids.ts'
import type { CertificateFacts } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { readCertificateFields } from '../asn1/certificate-fields.ts'
import { checkDer, equalBytes } from '../asn1/der.ts'
import { publicKeyAlgorithm } from './public-key-algorithm.ts'

export type CertificateFailureCode = 'certificate-unreadable'

export interface ReadCertificate {
  readonly facts: CertificateFacts
  readonly der: Uint8Array
  /** SubjectPublicKeyInfo DER, and its SHA-256: how a key is matched with a token's. */
  readonly spki: Uint8Array
  readonly spkiSha256: Sha256Hex
}

const maxDer = 64 * 1024
/** Names are cut here; a longer one is no name but an attack on a screen. */
const maxName = 1024

const keyUsageNames = [
  [KeyUsageFlags.digitalSignature, 'digitalSignature'],
  [KeyUsageFlags.nonRepudiation, 'nonRepudiation'],
  [KeyUsageFlags.keyEncipherment, 'keyEncipherment'],
  [KeyUsageFlags.dataEncipherment, 'dataEncipherment'],
  [KeyUsageFlags.keyAgreement, 'keyAgreement'],
  [KeyUsageFlags.keyCertSign, 'keyCertSign'],
  [KeyUsageFlags.cRLSign, 'cRLSign'],
  [KeyUsageFlags.encipherOnly, 'encipherOnly'],
  [KeyUsageFlags.decipherOnly, 'decipherOnly'],
] as const

const extendedKeyUsageNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
}

/** Reads an X.509 certificate from DER, or from PEM text with exactly one certificate. */
export function readCertificate(source: Uint8Array | string): Result<ReadCertificate, Failure<CertificateFailureCode>> {
  const der = typeof source === 'string' ? derFromPem(source) : source
  if (der === null) return unreadable('The text does not hold exactly one PEM certificate.')
  if (der.length > maxDer) return unreadable('The certificate is larger than 64 KiB.')
  // The library below takes lengths and nesting on trust; the bounded reader looks first.
  const checked = checkDer(der)
  if (!checked.ok)
    return unreadable('The certificate is not valid DER.', `${checked.error.code} at byte ${checked.error.offset}`)
  const fields = readCertificateFields(der)
  if (!fields.ok) return unreadable('This is not an X.509 certificate.', fields.error.code)
  const { subjectPublicKeyInfo, issuer, subject } = fields.value
  try {
    const facts = certificateFactsOf(der, subjectPublicKeyInfo, equalBytes(issuer, subject))
    return ok({
      facts,
      der,
      spki: subjectPublicKeyInfo,
      spkiSha256: sha256Hex.parse(hash('sha256', subjectPublicKeyInfo)),
    })
  } catch (error) {
    return unreadable('The certificate cannot be read.', error instanceof Error ? error.message : String(error))
  }
}

function certificateFactsOf(der: Uint8Array, spki: Uint8Array, issuedByItself: boolean): CertificateFacts {
  const certificate = new X509Certificate(der)
  const keyUsage = certificate.getExtension(KeyUsagesExtension)?.usages ?? 0
  return {
    subject: boundedName(certificate.subject),
    issuer: boundedName(certificate.issuer),
    serial: certificate.serialNumber,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    sha256: sha256Hex.parse(hash('sha256', der)),
    algorithm: publicKeyAlgorithm(spki),
    isCa: certificate.getExtension(BasicConstraintsExtension)?.ca ?? false,
    keyUsage: keyUsageNames.filter(([flag]) => (keyUsage & flag) !== 0).map(([, name]) => name),
    extendedKeyUsage: (certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [])
      .slice(0, 32)
      .map((usage) => extendedKeyUsageNames[String(usage)] ?? String(usage).slice(0, 128)),
    selfSigned: issuedByItself && verifiesWithItself(der),
  }
}

/** Equal names alone do not make a certificate self-signed: anyone can write them. */
function verifiesWithItself(der: Uint8Array): boolean {
  try {
    const certificate = new NodeCertificate(der)
    return certificate.verify(certificate.publicKey)
  } catch {
    // A key or algorithm that OpenSSL does not know verifies nothing.
    return false
  }
}

function derFromPem(text: string): Uint8Array | null {
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)]
  const body = blocks[0]?.[1]
  return body === undefined || blocks.length !== 1 ? null : Buffer.from(body.replaceAll(/\s/g, ''), 'base64')
}

/** A Name (DER) as text, `CN=…, O=…`; an empty text where it cannot be read. */
export function nameText(der: Uint8Array): string {
  if (!checkDer(der).ok) return ''
  try {
    return boundedName(new Name(der).toString())
  } catch {
    // The library throws on string types that it does not know; the name then has no text.
    return ''
  }
}

function boundedName(text: string): string {
  return text.toWellFormed().slice(0, maxName).toWellFormed()
}

function unreadable(message: string, detail?: string): Result<never, Failure<CertificateFailureCode>> {
  const failure = { kind: 'invalid', code: 'certificate-unreadable', message } as const
  return err(detail === undefined ? failure : { ...failure, detail })
}
