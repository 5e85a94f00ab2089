import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import type { AttestationFault } from '../../../shared/attestation.ts'
import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { checkDer, contextTag, type DerElement, derTag, equalBytes, readChildren, readElement } from '../../asn1/der.ts'
import { dottedOid, oid } from '../../asn1/oid.ts'
import { nameText } from '../x509.ts'
import { booleanOf, integerOf, timeOf, utf8 } from './der-values.ts'

/** A certificate of version 3, read to the last byte; nothing in it is believed yet. */
export interface AttestationCertificate {
  readonly der: Uint8Array
  readonly sha256: Sha256Hex
  readonly tbs: Uint8Array
  /** Names as encoded: they chain where the bytes are equal. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly subjectText: string
  readonly issuerText: string
  /** The subject's only common name, or null. */
  readonly commonName: string | null
  /** Milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  readonly spki: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  /** Contents of each extension's OCTET STRING, by dotted identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>
  /** Null: the certificate has no basicConstraints. */
  readonly constraints: { readonly ca: boolean; readonly pathLength: number | null } | null
  /** Null: the certificate has no keyUsage. */
  readonly mayCertify: boolean | null
}

export type CertificateFault = Extract<
  AttestationFault,
  'certificate-malformed' | 'duplicate-extension' | 'unknown-critical-extension'
>

/** SHA-1 and older are in no attestation and would let a second certificate be made for a signature. */
const algorithms = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', key: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', key: 'rsa' },
  '1.2.840.113549.1.1.13': { hash: 'sha512', key: 'rsa' },
  '1.2.840.10045.4.3.2': { hash: 'sha256', key: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', key: 'ec' },
} as const
type SignatureAlgorithm = (typeof algorithms)[keyof typeof algorithms]

/** What a critical extension may be: those whose meaning is applied here, and Yubico's own. */
const understood: ReadonlySet<string> = new Set([oid.basicConstraints, oid.keyUsage])
const yubicoArc = '1.3.6.1.4.1.41482.'

const maxDer = 16 * 1024
const maxExtensions = 32

/** Reads one certificate, exactly DER. Everything in it may come from an attacker. */
export function readAttestationCertificate(der: Uint8Array): Result<AttestationCertificate, CertificateFault> {
  if (der.length > maxDer || !checkDer(der).ok) return malformed
  const [tbs, algorithmId, signatureBits, ...more] = childrenOf(readElement(der, derTag.sequence))
  if (tbs?.tag !== derTag.sequence || algorithmId?.tag !== derTag.sequence || more.length > 0) return malformed
  if (signatureBits?.tag !== derTag.bitString || signatureBits.contents[0] !== 0) return malformed
  const [version, serialNumber, innerAlgorithm, issuer, validity, subject, spki, extensionsField, ...rest] = childrenOf(
    readElement(tbs.bytes, derTag.sequence),
  )
  // Version 3, and no unique identifiers (RFC 5280 §4.1.2.8), which would stand where the extensions have to.
  if (version?.tag !== contextTag(0) || !equalBytes(version.contents, versionThree)) return malformed
  if (extensionsField?.tag !== contextTag(3) || rest.length > 0) return malformed
  if (![innerAlgorithm, issuer, validity, subject, spki].every((part) => part?.tag === derTag.sequence))
    return malformed
  if (serialNumber === undefined || innerAlgorithm === undefined || issuer === undefined) return malformed
  if (validity === undefined || subject === undefined || spki === undefined) return malformed
  // RFC 5280 §4.1.2.2: positive, at most 20 octets. §4.1.1.2: both algorithms the same.
  const serial = integerOf(serialNumber)
  if (serial === null || serial <= 0n || serialNumber.contents.length > 20) return malformed
  if (!equalBytes(innerAlgorithm.bytes, algorithmId.bytes)) return malformed
  const algorithm = algorithmOf(algorithmId)
  const [from, until, ...noMore] = childrenOf(readElement(validity.bytes)).map(timeOf)
  if (algorithm === null || from == null || until == null || noMore.length > 0 || from > until) return malformed
  const read = extensionsIn(extensionsField)
  if (!read.ok) return read
  const extensions = read.value
  const constraints = constraintsOf(extensions.get(oid.basicConstraints))
  const mayCertify = mayCertifyOf(extensions.get(oid.keyUsage))
  if (constraints === 'malformed' || mayCertify === 'malformed') return malformed
  return ok({
    der,
    sha256: sha256Hex.parse(hash('sha256', der)),
    tbs: tbs.bytes,
    issuer: issuer.bytes,
    subject: subject.bytes,
    subjectText: nameText(subject.bytes),
    issuerText: nameText(issuer.bytes),
    commonName: commonNameOf(subject),
    notBefore: from,
    notAfter: until,
    spki: spki.bytes,
    algorithm,
    signature: signatureBits.contents.subarray(1),
    extensions,
    constraints,
    mayCertify,
  })
}

/** Whether the issuer's key made the certificate's signature, with an algorithm that fits the key. Names are not looked at. */
export function isSignedBy(certificate: AttestationCertificate, issuer: Pick<AttestationCertificate, 'spki'>): boolean {
  const key = publicKeyIn(issuer.spki)
  if (key === null || key.asymmetricKeyType !== certificate.algorithm.key) return false
  if (!strongEnough(key)) return false
  try {
    return verify(certificate.algorithm.hash, certificate.tbs, key, certificate.signature)
  } catch {
    // A signature that is no DER for a curve; OpenSSL throws for some of them.
    return false
  }
}

/** The same key, however its SubjectPublicKeyInfo is encoded: tokens and tools differ in parameters and point forms. */
export function sameKey(one: Uint8Array, other: Uint8Array): boolean {
  const [first, second] = [publicKeyIn(one), publicKeyIn(other)]
  return first !== null && second !== null && first.equals(second)
}

function publicKeyIn(spki: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return null
  }
}

/** No maker's attestation key is smaller: a smaller one could be factored by now. */
function strongEnough(key: KeyObject): boolean {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
  return key.asymmetricKeyType === 'rsa'
    ? (modulusLength ?? 0) >= 2048 && (modulusLength ?? 0) <= 8192
    : namedCurve === 'prime256v1' || namedCurve === 'secp384r1'
}

const malformed = err('certificate-malformed' as const)
const versionThree = Uint8Array.of(derTag.integer, 1, 2)

/** None where the element is not there, is primitive, or is not filled by elements. */
function childrenOf(element: ReturnType<typeof readElement>): readonly DerElement[] {
  if (!element.ok || (element.value.tag & 0x20) === 0) return []
  const children = readChildren(element.value)
  return children.ok ? children.value : []
}

function algorithmOf(identifier: DerElement): SignatureAlgorithm | null {
  const [type, parameters, ...more] = childrenOf(readElement(identifier.bytes))
  if (type?.tag !== derTag.oid || more.length > 0) return null
  const dotted = dottedOid(type.contents)
  const known = Object.entries(algorithms).find(([name]) => name === dotted)?.[1]
  if (known === undefined) return null
  // RFC 5758 §3.2: absent. RFC 4055 §5: NULL, and absent has to be taken too; Yubico's intermediates of 2025 leave it out.
  if (parameters === undefined) return known
  return known.key === 'rsa' && parameters.tag === derTag.null && parameters.contents.length === 0 ? known : null
}

/** The only attribute of the name, where that is a common name in UTF-8 or PrintableString. */
function commonNameOf(name: DerElement): string | null {
  const [rdn, ...moreRdns] = childrenOf(readElement(name.bytes))
  const [attribute, ...moreAttributes] = rdn === undefined ? [] : childrenOf(readElement(rdn.bytes))
  const [type, value, ...more] = attribute === undefined ? [] : childrenOf(readElement(attribute.bytes))
  if (moreRdns.length + moreAttributes.length + more.length > 0) return null
  if (type?.tag !== derTag.oid || dottedOid(type.contents) !== oid.commonName) return null
  if (value?.tag !== derTag.utf8String && value?.tag !== derTag.printableString) return null
  return utf8(value.contents)
}

/** Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension (RFC 5280 §4.1). */
function extensionsIn(field: DerElement): Result<ReadonlyMap<string, Uint8Array>, CertificateFault> {
  const [list, ...moreLists] = childrenOf(ok(field))
  if (list?.tag !== derTag.sequence || moreLists.length > 0) return malformed
  const members = childrenOf(ok(list))
  if (members.length === 0 || members.length > maxExtensions) return malformed
  const found = new Map<string, Uint8Array>()
  for (const member of members) {
    const [type, second, third, ...more] = childrenOf(ok(member))
    if (member.tag !== derTag.sequence || type?.tag !== derTag.oid || more.length > 0) return malformed
    const name = dottedOid(type.contents)
    const flagged = second?.tag === derTag.boolean
    const value = flagged ? third : second
    if (name === null || value?.tag !== derTag.octetString || (!flagged && third !== undefined)) return malformed
    // DEFAULT FALSE is left out (X.690 §11.5).
    if (flagged && booleanOf(second) !== true) return malformed
    // §4.2: a certificate has no extension twice; of two values a reader would take the one that pleases it.
    if (found.has(name)) return err('duplicate-extension')
    if (flagged && !understood.has(name) && !name.startsWith(yubicoArc)) return err('unknown-critical-extension')
    found.set(name, value.contents)
  }
  return ok(found)
}

/** BasicConstraints (RFC 5280 §4.2.1.9). */
function constraintsOf(value: Uint8Array | undefined): AttestationCertificate['constraints'] | 'malformed' {
  if (value === undefined) return null
  const sequence = readElement(value, derTag.sequence)
  if (!sequence.ok) return 'malformed'
  const members = childrenOf(sequence)
  const [first, second, ...more] = members
  if (first === undefined) return sequence.value.contents.length === 0 ? { ca: false, pathLength: null } : 'malformed'
  if (booleanOf(first) !== true || more.length > 0) return 'malformed'
  if (second === undefined) return { ca: true, pathLength: null }
  const length = integerOf(second)
  return length === null || length < 0n || length > 16n ? 'malformed' : { ca: true, pathLength: Number(length) }
}

/** keyCertSign of KeyUsage (§4.2.1.3), a NamedBitList. */
function mayCertifyOf(value: Uint8Array | undefined): boolean | null | 'malformed' {
  if (value === undefined) return null
  const bits = readElement(value, derTag.bitString)
  const [unused, first] = bits.ok ? bits.value.contents : []
  if (unused === undefined || first === undefined || unused > 7) return 'malformed'
  return (first & 0x04) !== 0
}
