import { err, ok, type Result } from '../../shared/result.ts'
import {
  contextPrimitiveTag,
  contextTag,
  type DerError,
  derBitString,
  derElement,
  derNull,
  derOctetString,
  derSequence,
  derTag,
  readChildren,
  readElement,
} from './der.ts'
import { derOid, dottedOid, oid } from './oid.ts'

// Windows Authenticode Portable Executable Signature Format (2008), "SpcIndirectDataContent":
//   SpcIndirectDataContent ::= SEQUENCE { data SpcAttributeTypeAndOptionalValue, messageDigest DigestInfo }
//   SpcAttributeTypeAndOptionalValue ::= SEQUENCE { type OBJECT IDENTIFIER, value [0] EXPLICIT ANY OPTIONAL }
//   SpcPeImageData ::= SEQUENCE { flags SpcPeImageFlags DEFAULT { includeResources }, file SpcLink }
//   SpcLink ::= CHOICE { url [0], moniker [1], file [2] EXPLICIT SpcString }   SpcString ::= CHOICE { unicode [0], ascii [1] }
// The specification writes [0] EXPLICIT around SpcLink in a comment only; every signer in use emits it.

/** SpcPeImageData with no flags and an empty file name, as Microsoft's own signatures carry it. */
const spcPeImageData = derSequence(
  derBitString(new Uint8Array(0)),
  derElement(contextTag(0), derElement(contextTag(2), derElement(contextPrimitiveTag(0)))),
)
const spcAttribute = derSequence(derOid(oid.spcPeImageData), spcPeImageData)
const sha256Algorithm = derSequence(derOid(oid.sha256), derNull)

/** SpcIndirectDataContent for an image digest. The messageDigest attribute covers the contents of this SEQUENCE, not its tag and length. */
export function spcIndirectData(imageSha256: Uint8Array): Uint8Array {
  return derSequence(spcAttribute, derSequence(sha256Algorithm, derOctetString(imageSha256)))
}

export interface SpcIndirectData {
  /** Dotted OID of the digest algorithm. */
  readonly digestAlgorithm: string
  readonly digest: Uint8Array
  /** What messageDigest covers. */
  readonly contents: Uint8Array
}

/**
 * Reads the digest out of a SpcIndirectDataContent. The first member is not looked into: signers differ there, and the digest alone says
 * which file is meant.
 */
export function readSpcIndirectData(der: Uint8Array): Result<SpcIndirectData, DerError> {
  const sequence = readElement(der, derTag.sequence)
  if (!sequence.ok) return sequence
  const members = readChildren(sequence.value)
  if (!members.ok) return members
  const [data, digestInfo] = members.value
  if (data === undefined || digestInfo === undefined || members.value.length !== 2)
    return err({ code: 'bad-value', offset: 0 })
  const parts =
    digestInfo.tag === derTag.sequence
      ? readChildren(digestInfo)
      : err<DerError>({ code: 'unexpected-tag', offset: digestInfo.offset })
  if (!parts.ok) return parts
  const [algorithm, digest] = parts.value
  if (algorithm?.tag !== derTag.sequence || digest?.tag !== derTag.octetString || parts.value.length !== 2) {
    return err({ code: 'unexpected-tag', offset: digestInfo.offset })
  }
  const identifier = readChildren(algorithm)
  if (!identifier.ok) return identifier
  const dotted = identifier.value[0]?.tag === derTag.oid ? dottedOid(identifier.value[0].contents) : null
  if (dotted === null) return err({ code: 'bad-value', offset: algorithm.offset })
  return ok({ digestAlgorithm: dotted, digest: digest.contents, contents: sequence.value.contents })
}
