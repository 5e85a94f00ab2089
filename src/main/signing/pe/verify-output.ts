import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import type { Sha256Hex } from '../../../shared/ids.ts'
import { readCertificateFields } from '../../asn1/certificate-fields.ts'
import { readSignedData } from '../../asn1/cms-signed-data.ts'
import { derTag, equalBytes, readElement } from '../../asn1/der.ts'
import { dottedOid, oid } from '../../asn1/oid.ts'
import { readSpcIndirectData } from '../../asn1/spc.ts'

// The check of our own output. It shares no code with the way there except the DER reader, SHA-256 and the public-key primitive: the image is
// hashed in the whole-file form from offsets read here, the signature is parsed from its bytes, and nothing is taken over from `prepare`.

/**
 * The whole-file form of the Authenticode digest (without CheckSum, directory entry 4 and what it points to), from at least the headers of an
 * image. Null where the headers do not hold what is needed.
 */
export function flatRanges(
  head: Uint8Array,
  size: number,
): { readonly ranges: readonly { start: number; end: number }[]; readonly zeros: number } | null {
  const u16 = (at: number): number => (head[at] ?? 0) + (head[at + 1] ?? 0) * 0x100
  const u32 = (at: number): number => u16(at) + u16(at + 2) * 0x10000
  const optionalHeader = u32(0x3c) + 24
  const checksum = optionalHeader + 64
  const firstDirectory = optionalHeader + (u16(optionalHeader) === 0x20b ? 112 : 96)
  const tableEntry = firstDirectory + 32
  if (tableEntry + 8 > head.length || u32(firstDirectory - 4) <= 4) return null
  const tableStart = u32(tableEntry)
  const end = tableStart === 0 ? size : tableStart
  if (end < tableEntry + 8 || end > size) return null
  return {
    ranges: [
      { start: 0, end: checksum },
      { start: checksum + 4, end: tableEntry },
      { start: tableEntry + 8, end },
    ],
    zeros: end % 8 === 0 ? 0 : 8 - (end % 8),
  }
}

/**
 * Checks a detached Authenticode signature against the registered certificate, the digest of the file as it is now, and the digest that was
 * shown. Null: all is well; otherwise a sentence that says what is wrong.
 */
export function verifyOutput(
  output: Uint8Array,
  certificate: Uint8Array,
  flatDigest: Sha256Hex,
  shownDigest: Sha256Hex,
  publicKey: (spki: Uint8Array) => KeyObject | null = importPublicKey,
): string | null {
  const signed = readSignedData(output)
  if (!signed.ok) return `It is not a readable CMS structure (${signed.error.code} at byte ${signed.error.offset}).`
  const { version, digestAlgorithms, contentType, content, certificates, signers } = signed.value
  const [signer] = signers
  if (version !== 1 || signer === undefined || signers.length !== 1)
    return 'It does not hold exactly one signature of version 1.'
  if (signer.digestAlgorithm !== oid.sha256 || digestAlgorithms.join() !== oid.sha256) return 'It does not use SHA-256.'
  if (contentType !== oid.spcIndirectData || content === null) return 'It does not sign a PE image.'
  const spc = readSpcIndirectData(content)
  if (!spc.ok) return `Its content is not readable (${spc.error.code}).`
  if (spc.value.digestAlgorithm !== oid.sha256) return 'The digest of the image is not SHA-256.'
  const imageDigest = Buffer.from(spc.value.digest).toString('hex')
  if (imageDigest !== flatDigest) return 'It signs another image.'
  if (imageDigest !== shownDigest) return 'It signs another image than the one that was shown.'
  const [embedded] = certificates
  if (embedded === undefined || certificates.length !== 1 || !equalBytes(embedded, certificate)) {
    return 'It does not carry exactly the registered certificate.'
  }
  const fields = readCertificateFields(certificate)
  if (!fields.ok) return 'The registered certificate is not readable.'
  if (
    !equalBytes(signer.issuer, fields.value.issuer) ||
    !equalBytes(signer.serialNumber, fields.value.serialNumber.contents)
  ) {
    return 'It names another certificate than the registered one.'
  }
  const attributes = signer.signedAttributes
  if (attributes === null) return 'It has no signed attributes.'
  const typeValue = onlyValue(attributes.values.get(oid.contentType), derTag.oid)
  if (typeValue === null || dottedOid(typeValue) !== oid.spcIndirectData) return 'Its contentType attribute is wrong.'
  const digestValue = onlyValue(attributes.values.get(oid.messageDigest), derTag.octetString)
  if (digestValue === null || !equalBytes(digestValue, hash('sha256', spc.value.contents, 'buffer')))
    return 'Its messageDigest attribute is wrong.'
  const key = publicKey(fields.value.subjectPublicKeyInfo)
  if (key === null) return 'The public key of the registered certificate is not usable.'
  const expected = key.asymmetricKeyType === 'rsa' ? oid.rsaEncryption : oid.ecdsaWithSha256
  if (signer.signatureAlgorithm !== expected) return 'Its signature algorithm does not fit the key.'
  return verify('sha256', attributes.encoded, key, signer.signature)
    ? null
    : 'The signature value does not verify with the registered certificate.'
}

function onlyValue(values: readonly Uint8Array[] | undefined, tag: number): Uint8Array | null {
  const [value] = values ?? []
  if (value === undefined || values?.length !== 1) return null
  const element = readElement(value, tag)
  return element.ok ? element.value.contents : null
}

/** The public key of a SubjectPublicKeyInfo; null where OpenSSL refuses it (its reasons do not matter: the output is refused). */
export function importPublicKey(spki: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return null
  }
}
