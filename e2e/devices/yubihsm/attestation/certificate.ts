import { hash, randomBytes } from 'node:crypto'
import {
  contextTag,
  derBitString,
  derElement,
  derNull,
  derOctetString,
  derSequence,
  derTag,
  derUnsignedInteger,
} from '../../../../src/main/asn1/der.ts'
import { derOid, oid } from '../../../../src/main/asn1/oid.ts'
import { rsaBits } from '../algorithms.ts'
import { curveOf, signDigest } from '../keys/elliptic.ts'
import { rsaModulus, rsaPrivateOperation } from '../keys/rsa.ts'
import { digestInfo, pkcs1Block } from '../keys/rsa-padding.ts'
import { refuse } from '../message.ts'

/** A key as the device keeps it, with which certificates are signed. */
export interface CertifyingKey {
  readonly algorithm: number
  readonly body: Uint8Array
}

export interface CertificateContent {
  /** DER of a Name. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** DER of a Validity. */
  readonly validity: Uint8Array
  /** DER of a SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  /** DER of each Extension. */
  readonly extensions: readonly Uint8Array[]
}

/** A certificate with a serial number of 16 random bytes; SHA-256 with RSA or ECDSA, as the maker documents of the device. */
export function signCertificate(key: CertifyingKey, content: CertificateContent): Uint8Array {
  const isRsa = rsaBits.has(key.algorithm)
  const signatureAlgorithm = isRsa
    ? derSequence(derOid(oid.sha256WithRsa), derNull)
    : derSequence(derOid(oid.ecdsaWithSha256))
  const tbs = derSequence(
    derElement(contextTag(0), derUnsignedInteger(Uint8Array.of(2))),
    derUnsignedInteger(randomBytes(16)),
    signatureAlgorithm,
    content.issuer,
    content.validity,
    content.subject,
    content.publicKey,
    derElement(contextTag(3), derSequence(...content.extensions)),
  )
  return derSequence(tbs, signatureAlgorithm, derBitString(signatureOver(key, hash('sha256', tbs, 'buffer'))))
}

function signatureOver(key: CertifyingKey, digest: Uint8Array): Uint8Array {
  if (rsaBits.has(key.algorithm)) {
    const block = pkcs1Block(rsaModulus(key.body).length, digestInfo(digest))
    return rsaPrivateOperation(key.body, block)
  }
  const curve = curveOf(key.algorithm)
  // Ed25519 signs no digest; the maker documents RSA and EC keys only.
  return curve === null ? refuse('invalidData') : signDigest(curve, key.body, digest)
}

export function extension(identifier: string, value: Uint8Array, critical = false): Uint8Array {
  const flag = critical ? [Uint8Array.of(derTag.boolean, 1, 0xff)] : []
  return derSequence(derOid(identifier), ...flag, derOctetString(value))
}
