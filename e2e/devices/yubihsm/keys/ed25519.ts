import { randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { refuse } from '../message.ts'

/**
 * How a device keeps an Ed25519 key (common/util.c of yubihsm-shell 2.8.0): the scalar that RFC 8032 §5.1.5 makes of the seed, big-endian;
 * the other half of that hash; the public key. The seed is not in it, so a key that was backed up has none.
 */
const scalarBytes = 32
const prefixEnd = 64
export const ed25519BodyBytes = 96

export interface Ed25519Key {
  readonly body: Uint8Array
  /** Null where it is not known any more. */
  readonly seed: Uint8Array | null
}

export function ed25519FromSeed(seed: Uint8Array): Ed25519Key {
  if (seed.length !== 32) refuse('wrongLength')
  const expanded = ed25519.utils.getExtendedPublicKey(seed)
  const body = Buffer.concat([Buffer.from(expanded.head).reverse(), expanded.prefix, expanded.pointBytes])
  return { body, seed: Uint8Array.from(seed) }
}

export function generateEd25519(): Ed25519Key {
  return ed25519FromSeed(randomBytes(32))
}

export function ed25519PublicKey(body: Uint8Array): Uint8Array {
  return body.subarray(prefixEnd, ed25519BodyBytes)
}

/** RFC 8032 §5.1.6 from its second step on: the key is there as scalar and prefix. */
export function signEd25519(body: Uint8Array, message: Uint8Array): Uint8Array {
  const { Point } = ed25519
  const publicKey = ed25519PublicKey(body)
  const scalar = Point.Fn.create(BigInt(`0x${Buffer.from(body.subarray(0, scalarBytes)).toString('hex')}`))
  const hashed = (...parts: readonly Uint8Array[]) => {
    const digest = Buffer.from(sha512(Buffer.concat(parts))).reverse()
    return Point.Fn.create(BigInt(`0x${digest.toString('hex')}`))
  }
  const nonce = hashed(body.subarray(scalarBytes, prefixEnd), message)
  const commitment = Point.BASE.multiply(nonce).toBytes()
  const s = Point.Fn.add(nonce, Point.Fn.mul(hashed(commitment, publicKey, message), scalar))
  return Buffer.concat([commitment, Point.Fn.toBytes(s)])
}
