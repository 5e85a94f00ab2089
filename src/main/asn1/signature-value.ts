import { err, ok, type Result } from '../../shared/result.ts'
import {
  type DerError,
  derNull,
  derOctetString,
  derSequence,
  derTag,
  derUnsignedInteger,
  readChildren,
  readElement,
} from './der.ts'
import { derOid, oid } from './oid.ts'

/** PKCS#11 gives ECDSA signatures as r‖s of equal length (v3.1 §6.3.1), CMS and X.509 want ECDSA-Sig-Value (RFC 3279 §2.2.3). */
export function ecdsaSigValue(rAndS: Uint8Array): Uint8Array {
  // An odd length cannot come from a token session that verifies its answers; assembling it would be a defect.
  if (rAndS.length === 0 || rAndS.length % 2 !== 0)
    throw new Error(`an ECDSA signature of ${rAndS.length} bytes has no two halves`)
  const half = rAndS.length / 2
  return derSequence(derUnsignedInteger(rAndS.subarray(0, half)), derUnsignedInteger(rAndS.subarray(half)))
}

/** r‖s, each `width` bytes, from ECDSA-Sig-Value. */
export function readEcdsaSigValue(der: Uint8Array, width: number): Result<Uint8Array, DerError> {
  const sequence = readElement(der, derTag.sequence)
  if (!sequence.ok) return sequence
  const numbers = readChildren(sequence.value)
  if (!numbers.ok) return numbers
  if (numbers.value.length !== 2) return err({ code: 'bad-value', offset: 0 })
  const joined = new Uint8Array(2 * width)
  for (const [index, number] of numbers.value.entries()) {
    const [first, second] = number.contents
    if (number.tag !== derTag.integer) return err({ code: 'unexpected-tag', offset: number.offset })
    // Empty, negative, or padded beyond need (X.690 §8.3.2).
    if (first === undefined || first > 0x7f || (first === 0 && second !== undefined && second < 0x80))
      return err({ code: 'bad-value', offset: number.offset })
    const magnitude = first === 0 ? number.contents.subarray(1) : number.contents
    if (magnitude.length > width) return err({ code: 'bad-value', offset: number.offset })
    joined.set(magnitude, (index + 1) * width - magnitude.length)
  }
  return ok(joined)
}

/** DigestInfo (RFC 8017 §9.2): what `CKM_RSA_PKCS` signs. */
export function sha256DigestInfo(digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new Error(`a SHA-256 digest has 32 bytes, not ${digest.length}`)
  return derSequence(derSequence(derOid(oid.sha256), derNull), derOctetString(digest))
}

export function sha512DigestInfo(digest: Uint8Array): Uint8Array {
  if (digest.length !== 64) throw new Error(`a SHA-512 digest has 64 bytes, not ${digest.length}`)
  return derSequence(derSequence(derOid(oid.sha512), derNull), derOctetString(digest))
}
