import { hash } from 'node:crypto'
import type { SignatureScheme } from '../asn1/cms-signed-data.ts'
import {
  contextPrimitiveTag,
  contextTag,
  derBitString,
  derElement,
  derNull,
  derOctetString,
  derSequence,
  derSetOf,
  derTag,
  derTime,
  derUnsignedInteger,
  readChildren,
  readElement,
} from '../asn1/der.ts'
import { derOid, oid } from '../asn1/oid.ts'
import { ecdsaSigValue } from '../asn1/signature-value.ts'

export type NameAttribute = {
  readonly type: 'commonName' | 'organizationName' | 'organizationalUnitName' | 'countryName'
  readonly value: string
}

export interface CertificateRequest {
  readonly subject: readonly NameAttribute[]
  /** Null: self-signed, so the issuer is the subject. */
  readonly issuer: { readonly name: Uint8Array; readonly spki: Uint8Array } | null
  /** SubjectPublicKeyInfo DER of the certified key. */
  readonly spki: Uint8Array
  /** Unsigned, big-endian; RFC 5280 §4.1.2.2 allows 20 octets. Randomness is the caller's. */
  readonly serialNumber: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly isCa: boolean
  readonly keyUsage: readonly ('digitalSignature' | 'keyCertSign' | 'cRLSign')[]
  readonly codeSigning: boolean
  /** How the issuer's key signs. */
  readonly scheme: SignatureScheme
}

export interface PreparedCertificate {
  /** What the issuer's key has to sign. */
  readonly request: { readonly scheme: SignatureScheme; readonly digest: Uint8Array }
  /** The certificate's DER, from a raw signature as a token gives it (PKCS#1 bytes, or r‖s). */
  readonly assemble: (signature: Uint8Array) => Uint8Array
}

/** PKCS#10 (RFC 2986): what a CA is asked to certify. Its signature proves that whoever asks has the key. */
export interface CertificationRequest {
  readonly subject: readonly NameAttribute[]
  readonly spki: Uint8Array
  readonly scheme: SignatureScheme
}

const keyUsageBits = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const
const nameTags = {
  commonName: derTag.utf8String,
  organizationName: derTag.utf8String,
  organizationalUnitName: derTag.utf8String,
  countryName: derTag.printableString,
} as const
const certificateAlgorithm = {
  'rsa-pkcs1-sha256': derSequence(derOid(oid.sha256WithRsa), derNull),
  'ecdsa-sha256': derSequence(derOid(oid.ecdsaWithSha256)),
} as const

/** Name (RFC 5280 §4.1.2.4), one attribute for each RDN. */
export function derName(attributes: readonly NameAttribute[]): Uint8Array {
  return derSequence(
    ...attributes.map(({ type, value }) =>
      derSetOf(derSequence(derOid(oid[type]), derElement(nameTags[type], new TextEncoder().encode(value)))),
    ),
  )
}

/** A certificate (RFC 5280 §4.1) whose signature comes from outside, so that the key may be in a token. */
export function prepareCertificate(request: CertificateRequest): PreparedCertificate {
  const algorithm = certificateAlgorithm[request.scheme]
  const subject = derName(request.subject)
  const issuer = request.issuer ?? { name: subject, spki: request.spki }
  const tbs = derSequence(
    derElement(contextTag(0), derUnsignedInteger(Uint8Array.of(2))),
    derUnsignedInteger(request.serialNumber),
    algorithm,
    issuer.name,
    derSequence(derTime(request.notBefore), derTime(request.notAfter)),
    subject,
    request.spki,
    derElement(contextTag(3), derSequence(...extensions(request, issuer.spki))),
  )
  return {
    request: { scheme: request.scheme, digest: hash('sha256', tbs, 'buffer') },
    assemble: (signature) =>
      derSequence(
        tbs,
        algorithm,
        derBitString(request.scheme === 'ecdsa-sha256' ? ecdsaSigValue(signature) : signature),
      ),
  }
}

/** A request for a certificate (RFC 2986 §4) whose signature comes from outside. Asks for what signs code, and for nothing else. */
export function prepareCertificationRequest(request: CertificationRequest): PreparedCertificate {
  const algorithm = certificateAlgorithm[request.scheme]
  const wanted = derSequence(
    extension(oid.keyUsage, true, keyUsageValue(['digitalSignature'])),
    extension(oid.extendedKeyUsage, false, derSequence(derOid(oid.codeSigning))),
  )
  const info = derSequence(
    derUnsignedInteger(Uint8Array.of(0)),
    derName(request.subject),
    request.spki,
    derElement(contextTag(0), derSequence(derOid(oid.extensionRequest), derSetOf(wanted))),
  )
  return {
    request: { scheme: request.scheme, digest: hash('sha256', info, 'buffer') },
    assemble: (signature) =>
      derSequence(
        info,
        algorithm,
        derBitString(request.scheme === 'ecdsa-sha256' ? ecdsaSigValue(signature) : signature),
      ),
  }
}

function extensions(request: CertificateRequest, issuerSpki: Uint8Array): readonly Uint8Array[] {
  const constraints = request.isCa ? derSequence(Uint8Array.of(derTag.boolean, 1, 0xff)) : derSequence()
  const list = [extension(oid.basicConstraints, true, constraints)]
  if (request.keyUsage.length > 0) list.push(extension(oid.keyUsage, true, keyUsageValue(request.keyUsage)))
  if (request.codeSigning) list.push(extension(oid.extendedKeyUsage, false, derSequence(derOid(oid.codeSigning))))
  list.push(extension(oid.subjectKeyIdentifier, false, derOctetString(keyIdentifier(request.spki))))
  list.push(
    extension(
      oid.authorityKeyIdentifier,
      false,
      derSequence(derElement(contextPrimitiveTag(0), keyIdentifier(issuerSpki))),
    ),
  )
  return list
}

function extension(identifier: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [Uint8Array.of(derTag.boolean, 1, 0xff)] : []
  return derSequence(derOid(identifier), ...flag, derOctetString(value))
}

/** NamedBitList: trailing zero bits are left out (X.690 §11.2.2). */
function keyUsageValue(usages: CertificateRequest['keyUsage']): Uint8Array {
  const bits = usages.map((usage) => keyUsageBits[usage])
  const octet = bits.reduce<number>((sum, bit) => sum | (0x80 >> bit), 0)
  return derElement(derTag.bitString, Uint8Array.of(7 - Math.max(...bits), octet))
}

/** SHA-1 over the public key's bits, RFC 5280 §4.2.1.2 method 1: an identifier, not a protection. */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const sequence = readElement(spki, derTag.sequence)
  const members = sequence.ok ? readChildren(sequence.value) : sequence
  const bits = members.ok ? members.value[1] : undefined
  if (bits?.tag !== derTag.bitString) throw new Error('the public key is not a SubjectPublicKeyInfo')
  return hash('sha1', bits.contents.subarray(1), 'buffer')
}
