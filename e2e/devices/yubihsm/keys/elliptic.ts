import { createECDH } from 'node:crypto'
import { type ECDSA, ecdsa, weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from '@noble/curves/misc.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { algorithm } from '../algorithms.ts'
import { refuse } from '../message.ts'

export interface Curve {
  /** Of a coordinate and of a private key. */
  readonly bytes: number
  readonly openssl: string
  /** Object identifier of the named curve (RFC 5480 §2.1.1.1, RFC 5639 §4.1, SEC 2 §A.2). */
  readonly oid: string
  readonly ecdsa: ECDSA
}

/** NIST SP 800-186 §3.2.1.2; the one curve of the device that the library does not name. */
const p224 = ecdsa(
  weierstrass({
    p: 2n ** 224n - 2n ** 96n + 1n,
    n: 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
    h: 1n,
    a: 2n ** 224n - 2n ** 96n - 2n,
    b: 0xb4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4n,
    Gx: 0xb70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21n,
    Gy: 0xbd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34n,
  }),
  sha256,
)

const curves: ReadonlyMap<number, Curve> = new Map([
  [algorithm.ecP224, { bytes: 28, openssl: 'secp224r1', oid: '1.3.132.0.33', ecdsa: p224 }],
  [algorithm.ecP256, { bytes: 32, openssl: 'prime256v1', oid: '1.2.840.10045.3.1.7', ecdsa: p256 }],
  [algorithm.ecP384, { bytes: 48, openssl: 'secp384r1', oid: '1.3.132.0.34', ecdsa: p384 }],
  [algorithm.ecP521, { bytes: 66, openssl: 'secp521r1', oid: '1.3.132.0.35', ecdsa: p521 }],
  [algorithm.ecK256, { bytes: 32, openssl: 'secp256k1', oid: '1.3.132.0.10', ecdsa: secp256k1 }],
  [
    algorithm.ecBrainpool256,
    { bytes: 32, openssl: 'brainpoolP256r1', oid: '1.3.36.3.3.2.8.1.1.7', ecdsa: brainpoolP256r1 },
  ],
  [
    algorithm.ecBrainpool384,
    { bytes: 48, openssl: 'brainpoolP384r1', oid: '1.3.36.3.3.2.8.1.1.11', ecdsa: brainpoolP384r1 },
  ],
  [
    algorithm.ecBrainpool512,
    { bytes: 64, openssl: 'brainpoolP512r1', oid: '1.3.36.3.3.2.8.1.1.13', ecdsa: brainpoolP512r1 },
  ],
])

export function curveOf(code: number): Curve | null {
  return curves.get(code) ?? null
}

/** Private key, x and y, each as wide as the curve: how a device keeps an EC key (common/util.c of yubihsm-shell 2.8.0). */
export function ecBody(curve: Curve, secret: Uint8Array): Uint8Array {
  if (secret.length !== curve.bytes) refuse('wrongLength')
  if (!curve.ecdsa.utils.isValidSecretKey(secret)) refuse('invalidData')
  return Buffer.concat([secret, curve.ecdsa.getPublicKey(secret, false).subarray(1)])
}

export function generateEcBody(curve: Curve): Uint8Array {
  return ecBody(curve, curve.ecdsa.utils.randomSecretKey())
}

/** x‖y. */
export function ecPublicPoint(curve: Curve, body: Uint8Array): Uint8Array {
  return body.subarray(curve.bytes)
}

/** ECDSA-Sig-Value over a digest as it is, with a random nonce as the device has, and `s` as it falls. */
export function signDigest(curve: Curve, body: Uint8Array, digest: Uint8Array): Uint8Array {
  return curve.ecdsa.sign(withoutFilling(curve, digest), body.subarray(0, curve.bytes), {
    prehash: false,
    lowS: false,
    extraEntropy: true,
    format: 'der',
  })
}

/**
 * The maker's module fills digests for P-521 up to its 66 bytes with zeros in front. Those bytes are a number then, no digest of 528 bits of
 * which only the first 521 would count (FIPS 186-5 §6.4.1).
 */
function withoutFilling(curve: Curve, digest: Uint8Array): Uint8Array {
  const filled = curve.bytes === 66 && digest.length === 66 && digest[0] === 0 && digest[1] === 0
  return filled ? digest.subarray(2) : digest
}

/** The shared x. A point that is not on the curve is refused: OpenSSL checks it (SP 800-56A §5.6.2.3). */
export function sharedSecret(curve: Curve, body: Uint8Array, point: Uint8Array): Uint8Array {
  const own = createECDH(curve.openssl)
  own.setPrivateKey(body.subarray(0, curve.bytes))
  try {
    return own.computeSecret(point)
  } catch {
    return refuse('invalidData')
  }
}
