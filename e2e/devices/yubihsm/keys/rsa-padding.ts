import { hash, randomBytes } from 'node:crypto'
import { derNull, derOctetString, derSequence } from '../../../../src/main/asn1/der.ts'
import { derOid } from '../../../../src/main/asn1/oid.ts'
import { digestOf, type HashName } from '../algorithms.ts'
import { refuse } from '../message.ts'

/**
 * The encodings of RFC 8017 around the bare operation: a device takes digests and label digests where OpenSSL wants messages and labels, and
 * has a hash for MGF1 of its own, so OpenSSL's own padding cannot be used.
 */

const hashOids: Readonly<Record<HashName, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}

/** DigestInfo of a bare digest; what has another length is taken to have one already. */
export function digestInfo(data: Uint8Array): Uint8Array {
  const known = digestOf.get(data.length)
  if (known === undefined) return data
  return derSequence(derSequence(derOid(hashOids[known.hash]), derNull), derOctetString(data))
}

/** EMSA-PKCS1-v1_5 (§9.2), from step 3 on. */
export function pkcs1Block(width: number, info: Uint8Array): Uint8Array {
  if (info.length > width - 11) refuse('wrongLength')
  const padding = Buffer.alloc(width - info.length - 3, 0xff)
  return Buffer.concat([Uint8Array.of(0, 1), padding, Uint8Array.of(0), info])
}

/** EMSA-PSS-ENCODE (§9.1.1) of a digest. The modulus has a whole number of bytes, so emBits is 8·width − 1. */
export function pssBlock(width: number, digest: Uint8Array, mgfHash: HashName, saltBytes: number): Uint8Array {
  const own = digestOf.get(digest.length)
  if (own === undefined) return refuse('wrongLength')
  if (width < digest.length + saltBytes + 2) refuse('invalidData')
  const salt = randomBytes(saltBytes)
  const inner = hash(own.hash, Buffer.concat([Buffer.alloc(8), digest, salt]), 'buffer')
  const data = Buffer.alloc(width - digest.length - 1)
  data[data.length - saltBytes - 1] = 1
  salt.copy(data, data.length - saltBytes)
  const masked = xor(data, mgf1(mgfHash, inner, data.length))
  masked[0] = (masked[0] ?? 0) & 0x7f
  return Buffer.concat([masked, inner, Uint8Array.of(0xbc)])
}

/** RSAES-PKCS1-v1_5 (§7.2.2), step 3: the message in a decrypted block. */
export function pkcs1Message(block: Uint8Array): Uint8Array {
  const separator = block.indexOf(0, 2)
  if (block[0] !== 0 || block[1] !== 2 || separator < 10) refuse('invalidData')
  return block.subarray(separator + 1)
}

/** EME-OAEP decoding (§7.1.2, step 3), with the digest of the label in place of the label. */
export function oaepMessage(block: Uint8Array, labelDigest: Uint8Array, mgfHash: HashName): Uint8Array {
  const width = labelDigest.length
  if (block.length < 2 * width + 2) refuse('invalidData')
  const seedMask = mgf1(mgfHash, block.subarray(1 + width), width)
  const seed = xor(block.subarray(1, 1 + width), seedMask)
  const data = xor(block.subarray(1 + width), mgf1(mgfHash, seed, block.length - width - 1))
  const start = data.indexOf(1, width)
  const padding = data.subarray(width, Math.max(start, width))
  const fits = block[0] === 0 && start >= 0 && data.subarray(0, width).equals(labelDigest)
  if (!fits || padding.some((byte) => byte !== 0)) refuse('invalidData')
  return data.subarray(start + 1)
}

/** EME-OAEP encoding (§7.1.1, step 2). */
export function oaepBlock(width: number, message: Uint8Array, labelDigest: Uint8Array, mgfHash: HashName): Uint8Array {
  const digestBytes = labelDigest.length
  if (message.length > width - 2 * digestBytes - 2) refuse('invalidData')
  const padding = Buffer.alloc(width - message.length - 2 * digestBytes - 2)
  const data = Buffer.concat([labelDigest, padding, Uint8Array.of(1), message])
  const seed = randomBytes(digestBytes)
  const maskedData = xor(data, mgf1(mgfHash, seed, data.length))
  const maskedSeed = xor(seed, mgf1(mgfHash, maskedData, digestBytes))
  return Buffer.concat([Uint8Array.of(0), maskedSeed, maskedData])
}

/** MGF1 (§B.2.1). */
function mgf1(hashName: HashName, seed: Uint8Array, length: number): Uint8Array {
  const parts: Buffer[] = []
  const counter = Buffer.alloc(4)
  for (let made = 0, index = 0; made < length; index++) {
    counter.writeUInt32BE(index)
    const part = hash(hashName, Buffer.concat([seed, counter]), 'buffer')
    parts.push(part)
    made += part.length
  }
  return Buffer.concat(parts).subarray(0, length)
}

function xor(left: Uint8Array, right: Uint8Array): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)))
}
