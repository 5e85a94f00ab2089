import { constants, createPublicKey, type KeyObject, publicDecrypt, verify } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import type { SignatureRequest, SignatureScheme } from './token-service.ts'

/** Checks one signature over one digest. */
export type SignatureCheck = (request: SignatureRequest, signature: Uint8Array) => boolean

/**
 * Makes the check for a public key (SPKI DER), or null if the key is of a kind that does not sign here. It shares nothing with
 * the PKCS#11 module, which runs in another process and may be broken, swapped or hostile. RSA: the block is built and compared
 * whole (RFC 8017 §8.2.2), nothing of it is parsed, so there is no lenient padding to exploit. ECDSA over a ready digest has no
 * primitive in node:crypto.
 */
export function signatureCheck(spki: Uint8Array): SignatureCheck | null {
  const key = publicKeyOf(spki)
  if (key === null) return null
  if (key.asymmetricKeyType === 'rsa') return rsaCheck(key)
  if (key.asymmetricKeyType === 'ed25519') return edwardsCheck(key)
  if (key.asymmetricKeyType !== 'ec') return null
  const { crv, x, y } = key.export({ format: 'jwk' })
  if (x === undefined || y === undefined) return null
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  if (crv === 'P-256') return ecdsaCheck((signature, digest) => p256.verify(signature, digest, point, rawEcdsa), 64)
  if (crv === 'P-384') return ecdsaCheck((signature, digest) => p384.verify(signature, digest, point, rawEcdsa), 96)
  return null
}

const rawEcdsa = { prehash: false, lowS: false, format: 'compact' } as const

function rsaCheck(key: KeyObject): SignatureCheck {
  const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  // Shorter keys are refused everywhere; 2048 bits leave room for the padding.
  if (length < 256) return () => false
  return (request, signature) => {
    const prefix = digestPrefixes[request.scheme]
    if (prefix === undefined || signature.length !== length || request.digest.length !== digestLength(request))
      return false
    try {
      const block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)
      return block.equals(pkcs1Block(Buffer.concat([prefix, request.digest]), length))
    } catch {
      // A number that is not below the modulus: OpenSSL refuses it, and it is no signature.
      return false
    }
  }
}

function ecdsaCheck(verify: (signature: Uint8Array, digest: Uint8Array) => boolean, length: number): SignatureCheck {
  return (request, signature) => {
    if (request.scheme !== 'ecdsa-sha256' && request.scheme !== 'ecdsa-sha512') return false
    if (signature.length !== length || request.digest.length !== digestLength(request)) return false
    try {
      // A digest that is longer than the curve's order is cut inside (FIPS 186-5 §6.4.2).
      return verify(signature, request.digest)
    } catch {
      // r or s out of range.
      return false
    }
  }
}

/** OpenPGP's Ed25519: the digest is the message. */
function edwardsCheck(key: KeyObject): SignatureCheck {
  return (request, signature) =>
    request.scheme === 'ed25519-sha512' &&
    signature.length === 64 &&
    request.digest.length === digestLength(request) &&
    verify(null, request.digest, key, signature)
}

function digestLength({ scheme }: SignatureRequest): number {
  return scheme.endsWith('-sha512') ? 64 : 32
}

function publicKeyOf(spki: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return null
  }
}

/** DER of `DigestInfo { hash, NULL }` up to the digest (RFC 8017 §9.2, note 1); the token process builds its own another way. */
const digestPrefixes: Readonly<Partial<Record<SignatureScheme, Buffer>>> = {
  'rsa-pkcs1-sha256': Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  'rsa-pkcs1-sha512': Buffer.from('3051300d060960864801650304020305000440', 'hex'),
}

/** EMSA-PKCS1-v1_5 (RFC 8017 §9.2): the block that a right signature opens to. `length` is the modulus' length in bytes. */
function pkcs1Block(digestInfo: Uint8Array, length: number): Buffer {
  const padding = Buffer.alloc(length - 3 - digestInfo.length, 0xff)
  return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digestInfo])
}
