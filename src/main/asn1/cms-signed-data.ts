import { err, ok, type Result } from '../../shared/result.ts'
import type { CertificateFields } from './certificate-fields.ts'
import {
  contextTag,
  type DerElement,
  type DerError,
  derElement,
  derNull,
  derOctetString,
  derSequence,
  derSetOf,
  derTag,
  derTime,
  derUnsignedInteger,
  equalBytes,
  readChildren,
  readElement,
  readSmallInteger,
} from './der.ts'
import { derOid, dottedOid, oid } from './oid.ts'

// RFC 5652 §5.1:
//   SignedData ::= SEQUENCE { version, digestAlgorithms SET OF, encapContentInfo, certificates [0] IMPLICIT OPTIONAL,
//                             crls [1] IMPLICIT OPTIONAL, signerInfos SET OF SignerInfo }
//   SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0] IMPLICIT OPTIONAL, signatureAlgorithm,
//                             signature OCTET STRING, unsignedAttrs [1] IMPLICIT OPTIONAL }

const versionOne = derUnsignedInteger(Uint8Array.of(1))
const sha256Algorithm = derSequence(derOid(oid.sha256), derNull)
const signedDataOid = derOid(oid.signedData)
const attributeOids = {
  contentType: derOid(oid.contentType),
  signingTime: derOid(oid.signingTime),
  messageDigest: derOid(oid.messageDigest),
}

/** AlgorithmIdentifier of a signature over SHA-256, as SignerInfo carries it. */
export const cmsSignatureAlgorithm = {
  'rsa-pkcs1-sha256': derSequence(derOid(oid.rsaEncryption), derNull),
  'ecdsa-sha256': derSequence(derOid(oid.ecdsaWithSha256)),
} as const

export type SignatureScheme = keyof typeof cmsSignatureAlgorithm

/** The signed attributes as SET OF: these bytes are what the signature covers (RFC 5652 §5.4). */
export function signedAttributes(attributes: {
  readonly contentType: string
  readonly signingTime: Date
  readonly messageDigest: Uint8Array
}): Uint8Array {
  return derSetOf(
    derSequence(attributeOids.contentType, derSetOf(derOid(attributes.contentType))),
    derSequence(attributeOids.signingTime, derSetOf(derTime(attributes.signingTime))),
    derSequence(attributeOids.messageDigest, derSetOf(derOctetString(attributes.messageDigest))),
  )
}

/**
 * ContentInfo with a SignedData of version 1, one signer, SHA-256, and the signer's certificate only. `content` is the encoded value
 * directly under `[0]`, as Authenticode has it (PKCS#7, not an OCTET STRING); `attributes` comes from `signedAttributes`.
 */
export function encodeSignedData(parts: {
  readonly contentType: string
  readonly content: Uint8Array
  readonly certificate: Uint8Array
  readonly certificateFields: CertificateFields
  readonly attributes: Uint8Array
  readonly signatureAlgorithm: SignatureScheme
  readonly signature: Uint8Array
}): Uint8Array {
  const implicitAttributes = parts.attributes.slice()
  implicitAttributes[0] = contextTag(0)
  const signerInfo = derSequence(
    versionOne,
    derSequence(parts.certificateFields.issuer, parts.certificateFields.serialNumber.bytes),
    sha256Algorithm,
    implicitAttributes,
    cmsSignatureAlgorithm[parts.signatureAlgorithm],
    derOctetString(parts.signature),
  )
  const signedData = derSequence(
    versionOne,
    derSetOf(sha256Algorithm),
    derSequence(derOid(parts.contentType), derElement(contextTag(0), parts.content)),
    derElement(contextTag(0), parts.certificate),
    derSetOf(signerInfo),
  )
  return derSequence(signedDataOid, derElement(contextTag(0), signedData))
}

export interface SignerInfo {
  readonly issuer: Uint8Array
  /** Contents of the serial number's INTEGER. */
  readonly serialNumber: Uint8Array
  readonly digestAlgorithm: string
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** Null: the signature covers the content itself. */
  readonly signedAttributes: {
    /** Re-tagged as SET: what the signature covers. */
    readonly encoded: Uint8Array
    /** Dotted type → encoded values. A type that occurs twice is an error. */
    readonly values: ReadonlyMap<string, readonly Uint8Array[]>
  } | null
}

export interface SignedData {
  readonly version: number
  /** Of all signers together, dotted. */
  readonly digestAlgorithms: readonly string[]
  readonly contentType: string
  /** The element under `[0]`, null where the content is detached. */
  readonly content: Uint8Array | null
  readonly certificates: readonly Uint8Array[]
  readonly signers: readonly SignerInfo[]
}

/** Reads a ContentInfo that holds SignedData. Signers named by key identifier (version 3) are an error: none is in use here. */
export function readSignedData(der: Uint8Array): Result<SignedData, DerError> {
  const contentInfo = membersOf(readElement(der, derTag.sequence))
  if (!contentInfo.ok) return contentInfo
  const [type, wrapped] = contentInfo.value
  if (contentInfo.value.length !== 2 || oidOf(type) !== oid.signedData || wrapped?.tag !== contextTag(0))
    return err({ code: 'bad-value', offset: 0 })
  const members = membersOf(readElement(wrapped.contents, derTag.sequence))
  if (!members.ok) return members
  const [versionElement, digestAlgorithms, encapsulated, ...rest] = members.value
  if (versionElement === undefined || digestAlgorithms?.tag !== derTag.set || encapsulated?.tag !== derTag.sequence) {
    return err({ code: 'unexpected-tag', offset: wrapped.offset })
  }
  const version = readSmallInteger(versionElement)
  if (!version.ok) return version
  const signerInfos = rest.at(-1)
  const between = rest.slice(0, -1)
  if (
    signerInfos?.tag !== derTag.set ||
    between.some((element) => element.tag !== contextTag(0) && element.tag !== contextTag(1))
  ) {
    return err({ code: 'unexpected-tag', offset: wrapped.offset })
  }
  const algorithms = readChildren(digestAlgorithms)
  if (!algorithms.ok) return algorithms
  const dotted = algorithms.value.map(digestAlgorithmOf).filter((algorithm) => algorithm !== null)
  if (dotted.length !== algorithms.value.length) return err({ code: 'bad-value', offset: digestAlgorithms.offset })
  const content = readEncapsulated(encapsulated)
  if (!content.ok) return content
  const certificateSet = between.find((element) => element.tag === contextTag(0))
  const certificates = certificateSet === undefined ? ok<readonly DerElement[]>([]) : readChildren(certificateSet)
  if (!certificates.ok) return certificates
  const infos = readChildren(signerInfos)
  if (!infos.ok) return infos
  const signers: SignerInfo[] = []
  for (const info of infos.value) {
    const signer = readSignerInfo(info)
    if (!signer.ok) return signer
    signers.push(signer.value)
  }
  return ok({
    version: version.value,
    digestAlgorithms: dotted,
    ...content.value,
    certificates: certificates.value.map((element) => element.bytes),
    signers,
  })
}

function readEncapsulated(element: DerElement): Result<{ contentType: string; content: Uint8Array | null }, DerError> {
  const members = readChildren(element)
  if (!members.ok) return members
  const [type, explicit] = members.value
  const contentType = oidOf(type)
  if (contentType === null || members.value.length > 2) return err({ code: 'bad-value', offset: element.offset })
  if (explicit === undefined) return ok({ contentType, content: null })
  const inner =
    explicit.tag === contextTag(0)
      ? readElement(explicit.contents)
      : err<DerError>({ code: 'unexpected-tag', offset: explicit.offset })
  return inner.ok ? ok({ contentType, content: inner.value.bytes }) : inner
}

function readSignerInfo(element: DerElement): Result<SignerInfo, DerError> {
  const fail = err<DerError>({ code: 'bad-value', offset: element.offset })
  if (element.tag !== derTag.sequence) return fail
  const members = readChildren(element)
  if (!members.ok) return members
  const [version, sid, digest, ...rest] = members.value
  if (version === undefined || sid?.tag !== derTag.sequence || digest?.tag !== derTag.sequence) return fail
  const number = readSmallInteger(version)
  if (!number.ok) return number
  const identifier = readChildren(sid)
  if (!identifier.ok) return identifier
  const [issuer, serial] = identifier.value
  if (
    number.value !== 1 ||
    issuer?.tag !== derTag.sequence ||
    serial?.tag !== derTag.integer ||
    identifier.value.length !== 2
  )
    return fail
  const attributes = rest[0]?.tag === contextTag(0) ? rest[0] : null
  const [algorithm, signature, unsigned, ...more] = attributes === null ? rest : rest.slice(1)
  if (algorithm?.tag !== derTag.sequence || signature?.tag !== derTag.octetString) return fail
  if (more.length > 0 || (unsigned !== undefined && unsigned.tag !== contextTag(1))) return fail
  const digestAlgorithm = digestAlgorithmOf(digest)
  const signatureAlgorithm = algorithmOf(algorithm)
  if (digestAlgorithm === null || signatureAlgorithm === null) return fail
  const signed = attributes === null ? ok(null) : readAttributes(attributes)
  if (!signed.ok) return signed
  return ok({
    issuer: issuer.bytes,
    serialNumber: serial.contents,
    digestAlgorithm,
    signatureAlgorithm,
    signature: signature.contents,
    signedAttributes: signed.value,
  })
}

function readAttributes(element: DerElement): Result<NonNullable<SignerInfo['signedAttributes']>, DerError> {
  const list = readChildren(element)
  if (!list.ok) return list
  const values = new Map<string, readonly Uint8Array[]>()
  for (const attribute of list.value) {
    const members =
      attribute.tag === derTag.sequence
        ? readChildren(attribute)
        : err<DerError>({ code: 'unexpected-tag', offset: attribute.offset })
    if (!members.ok) return members
    const [type, set] = members.value
    const dotted = oidOf(type)
    // RFC 5652 §5.3: signed attributes are a set; a second messageDigest would leave open which one counts.
    if (dotted === null || set?.tag !== derTag.set || members.value.length !== 2 || values.has(dotted))
      return err({ code: 'bad-value', offset: attribute.offset })
    const entries = readChildren(set)
    if (!entries.ok) return entries
    values.set(
      dotted,
      entries.value.map((entry) => entry.bytes),
    )
  }
  const encoded = element.bytes.slice()
  encoded[0] = derTag.set
  return ok({ encoded, values })
}

function membersOf(element: Result<DerElement, DerError>): Result<readonly DerElement[], DerError> {
  return element.ok ? readChildren(element.value) : element
}

function oidOf(element: DerElement | undefined): string | null {
  return element?.tag === derTag.oid ? dottedOid(element.contents) : null
}

function algorithmOf(element: DerElement): string | null {
  const members = readChildren(element)
  return members.ok ? oidOf(members.value[0]) : null
}

/** A digest has no parameters: absent or NULL (RFC 5754 §2). */
function digestAlgorithmOf(element: DerElement): string | null {
  const members = element.tag === derTag.sequence ? readChildren(element) : null
  if (members?.ok !== true) return null
  const [identifier, parameters, ...more] = members.value
  const plain = parameters === undefined || equalBytes(parameters.bytes, derNull)
  return plain && more.length === 0 ? oidOf(identifier) : null
}
