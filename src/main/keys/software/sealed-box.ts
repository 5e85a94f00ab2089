import { randomBytes } from 'node:crypto'
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'

/**
 * NaCl sealed boxes, byte for byte libsodium's `crypto_box_seal`: an ephemeral X25519 public key, then an XSalsa20-Poly1305 box
 * (tag first) under the key that both halves agree on. Anyone can seal to a public key; only its secret key opens.
 */

export const sealedBoxOverhead = 32 + 16

export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secretKey)
}

/** `ephemeralSecretKey` is an argument for vectors only. */
export function seal(
  plaintext: Uint8Array,
  recipient: Uint8Array,
  ephemeralSecretKey: Uint8Array = randomBytes(32),
): Uint8Array {
  const ephemeral = publicKeyOf(ephemeralSecretKey)
  const key = boxKey(ephemeralSecretKey, recipient)
  try {
    return Buffer.concat([ephemeral, xsalsa20poly1305(key, nonceOf(ephemeral, recipient)).encrypt(plaintext)])
  } finally {
    key.fill(0)
    ephemeralSecretKey.fill(0)
  }
}

/** Null: changed, cut short, or sealed to another key. */
export function unseal(box: Uint8Array, secretKey: Uint8Array): Uint8Array | null {
  if (box.length < sealedBoxOverhead) return null
  const ephemeral = box.subarray(0, 32)
  let key: Uint8Array | null = null
  try {
    key = boxKey(secretKey, ephemeral)
    return xsalsa20poly1305(key, nonceOf(ephemeral, publicKeyOf(secretKey))).decrypt(box.subarray(32))
  } catch {
    // A wrong tag, or a point of small order as the ephemeral key: both mean that nobody sealed this to us.
    return null
  } finally {
    key?.fill(0)
  }
}

/** `crypto_box_beforenm`: HSalsa20 of the shared point with a zero nonce. */
function boxKey(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const shared = x25519.getSharedSecret(secretKey, publicKey)
  const output = new Uint32Array(8)
  hsalsa(words(sigma), words(shared), new Uint32Array(4), output)
  shared.fill(0)
  return new Uint8Array(output.buffer)
}

const sigma = new TextEncoder().encode('expand 32-byte k')

/** Little-endian words, as Salsa20 reads its input. */
function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true))
}

function nonceOf(ephemeral: Uint8Array, recipient: Uint8Array): Uint8Array {
  return blake2b(Buffer.concat([ephemeral, recipient]), { dkLen: 24 })
}
