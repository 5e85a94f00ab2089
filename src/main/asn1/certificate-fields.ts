import { err, ok, type Result } from '../../shared/result.ts'
import { contextTag, type DerElement, type DerError, derTag, readChildren, readElement } from './der.ts'

/** The parts of a Certificate (RFC 5280 §4.1) that are copied or compared byte for byte, as views of the input. */
export interface CertificateFields {
  readonly tbs: Uint8Array
  /** The whole INTEGER element. */
  readonly serialNumber: DerElement
  /** Name, as encoded. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** SubjectPublicKeyInfo, as encoded. */
  readonly subjectPublicKeyInfo: Uint8Array
}

/** Splits a certificate without judging it: an issuer that is encoded anew would no longer match its copy in a signature. */
export function readCertificateFields(der: Uint8Array): Result<CertificateFields, DerError> {
  const certificate = readElement(der, derTag.sequence)
  if (!certificate.ok) return certificate
  const outer = readChildren(certificate.value)
  if (!outer.ok) return outer
  const [tbs, signatureAlgorithm, signature] = outer.value
  if (
    tbs?.tag !== derTag.sequence ||
    signatureAlgorithm?.tag !== derTag.sequence ||
    signature?.tag !== derTag.bitString ||
    outer.value.length !== 3
  ) {
    return err({ code: 'unexpected-tag', offset: 0 })
  }
  const members = readChildren(tbs)
  if (!members.ok) return members
  // The version is left out for a certificate of version 1.
  const [serialNumber, algorithm, issuer, validity, subject, spki] =
    members.value[0]?.tag === contextTag(0) ? members.value.slice(1) : members.value
  if (serialNumber?.tag !== derTag.integer || serialNumber.contents.length === 0 || serialNumber.contents.length > 64) {
    return err({ code: 'bad-value', offset: tbs.offset })
  }
  if (
    algorithm?.tag !== derTag.sequence ||
    issuer?.tag !== derTag.sequence ||
    validity?.tag !== derTag.sequence ||
    subject?.tag !== derTag.sequence ||
    spki?.tag !== derTag.sequence
  ) {
    return err({ code: 'unexpected-tag', offset: tbs.offset })
  }
  return ok({
    tbs: tbs.bytes,
    serialNumber,
    issuer: issuer.bytes,
    subject: subject.bytes,
    subjectPublicKeyInfo: spki.bytes,
  })
}
