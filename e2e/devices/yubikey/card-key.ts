import {
  constants,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  sign,
} from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import { concat, type Tlv, tlv, valueOf } from './tlv.ts'

/** PIV algorithm identifiers (NIST SP 800-78-4 table 6-2; 05, 16, E0 and E1 as firmware 5.7 has them). */
export const algorithmIds = {
  'rsa-1024': 0x06,
  'rsa-2048': 0x07,
  'rsa-3072': 0x05,
  'rsa-4096': 0x16,
  'ec-p256': 0x11,
  'ec-p384': 0x14,
  ed25519: 0xe0,
  x25519: 0xe1,
} as const
export type CardAlgorithm = keyof typeof algorithmIds

export const cardAlgorithms = Object.keys(algorithmIds) as readonly CardAlgorithm[]

export function algorithmOf(id: number | undefined): CardAlgorithm | null {
  return cardAlgorithms.find((name) => algorithmIds[name] === id) ?? null
}

export type CardKey = {
  readonly algorithm: CardAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function generateCardKey(algorithm: CardAlgorithm): CardKey {
  const pair = generate(algorithm)
  return { algorithm, ...pair }
}

function generate(algorithm: CardAlgorithm): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  switch (algorithm) {
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return generateKeyPairSync('rsa', { modulusLength: modulusBits(algorithm), publicExponent: 65_537 })
    case 'ec-p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ec-p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
    case 'x25519':
      return generateKeyPairSync('x25519')
  }
}

function modulusBits(algorithm: `rsa-${string}`): number {
  return Number(algorithm.slice(4))
}

const curves = { 'ec-p256': p256, 'ec-p384': p384 } as const
const curveBytes = { 'ec-p256': 32, 'ec-p384': 48 } as const
/** DER of a PrivateKeyInfo up to the 32 bytes of the key (RFC 8410 §7). */
const pkcs8Prefix = {
  ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  x25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
} as const

/** The key in the elements of IMPORT KEY: 01–05 for RSA, 06 for EC, 07 for Ed25519, 08 for X25519. Null: not such a key. */
export function importCardKey(algorithm: CardAlgorithm, elements: readonly Tlv[]): CardKey | null {
  try {
    const privateKey = importPrivateKey(algorithm, elements)
    return privateKey === null ? null : { algorithm, privateKey, publicKey: createPublicKey(privateKey) }
  } catch {
    // OpenSSL refuses numbers that are no key; the card answers as for any other wrong data.
    return null
  }
}

function importPrivateKey(algorithm: CardAlgorithm, elements: readonly Tlv[]): KeyObject | null {
  switch (algorithm) {
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return importRsa(modulusBits(algorithm), elements)
    case 'ec-p256':
    case 'ec-p384': {
      const scalar = valueOf(elements, 0x06)
      if (scalar?.length !== curveBytes[algorithm]) return null
      const point = curves[algorithm].getPublicKey(scalar, false)
      const size = curveBytes[algorithm]
      const jwk = {
        kty: 'EC',
        crv: algorithm === 'ec-p256' ? 'P-256' : 'P-384',
        d: base64url(scalar),
        x: base64url(point.subarray(1, 1 + size)),
        y: base64url(point.subarray(1 + size)),
      }
      return createPrivateKey({ key: jwk, format: 'jwk' })
    }
    case 'ed25519':
    case 'x25519': {
      const secret = valueOf(elements, algorithm === 'ed25519' ? 0x07 : 0x08)
      if (secret?.length !== 32) return null
      const der = Buffer.concat([pkcs8Prefix[algorithm], secret])
      return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    }
  }
}

/** The card gets no modulus and no exponent: the exponent is 65537, the rest follows from the primes. */
function importRsa(bits: number, elements: readonly Tlv[]): KeyObject | null {
  const half = bits / 16
  const parts = [1, 2, 3, 4, 5].map((tag) => valueOf(elements, tag))
  const [p, q, dp, dq, qi] = parts
  if (!p || !q || !dp || !dq || !qi || parts.some((part) => part?.length !== half)) return null
  const [prime1, prime2] = [integer(p), integer(q)]
  const modulus = prime1 * prime2
  if (modulus.toString(2).length !== bits) return null
  const exponent = 65_537n
  const d = inverse(exponent, (prime1 - 1n) * (prime2 - 1n))
  if (d === null || d % (prime1 - 1n) !== integer(dp) || d % (prime2 - 1n) !== integer(dq)) return null
  if ((integer(qi) * prime2) % prime1 !== 1n) return null
  const jwk = {
    kty: 'RSA',
    n: base64url(unsigned(modulus)),
    e: base64url(unsigned(exponent)),
    d: base64url(unsigned(d)),
    p: base64url(p),
    q: base64url(q),
    dp: base64url(dp),
    dq: base64url(dq),
    qi: base64url(qi),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function unsigned(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function inverse(value: bigint, modulus: bigint): bigint | null {
  let [a, b, x, y] = [value, modulus, 1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b] = [b, a - quotient * b]
    ;[x, y] = [y, x - quotient * y]
  }
  return a === 1n ? ((x % modulus) + modulus) % modulus : null
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** SubjectPublicKeyInfo. */
export function spkiOf(key: CardKey): Uint8Array {
  return key.publicKey.export({ type: 'spki', format: 'der' })
}

/** The elements inside 7F49: 81 modulus, 82 exponent, or 86 point. */
export function publicKeyTemplate(key: CardKey): Uint8Array {
  const jwk = key.publicKey.export({ format: 'jwk' })
  const part = (value: unknown) => new Uint8Array(Buffer.from(typeof value === 'string' ? value : '', 'base64url'))
  switch (key.algorithm) {
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return concat(tlv(0x81, part(jwk['n'])), tlv(0x82, part(jwk['e'])))
    case 'ec-p256':
    case 'ec-p384':
      return tlv(0x86, Uint8Array.of(4), part(jwk['x']), part(jwk['y']))
    case 'ed25519':
    case 'x25519':
      return tlv(0x86, part(jwk['x']))
  }
}

/**
 * GENERAL AUTHENTICATE with a challenge (81): RSA on a whole padded block, ECDSA on a hash of at most the curve's length (DER),
 * Ed25519 on the message. Null: the key cannot do that with these bytes.
 */
export function signWith(key: CardKey, challenge: Uint8Array): Uint8Array | null {
  switch (key.algorithm) {
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096': {
      if (challenge.length !== modulusBits(key.algorithm) / 8) return null
      try {
        return privateDecrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, challenge)
      } catch {
        // The block is not smaller than the modulus.
        return null
      }
    }
    case 'ec-p256':
    case 'ec-p384': {
      const size = curveBytes[key.algorithm]
      if (challenge.length === 0 || challenge.length > size) return null
      const hash = new Uint8Array(size)
      hash.set(challenge, size - challenge.length)
      const jwk = key.privateKey.export({ format: 'jwk' })
      const scalar = Buffer.from(typeof jwk.d === 'string' ? jwk.d : '', 'base64url')
      // A random nonce, as tokens have it: two signatures of one hash differ.
      return curves[key.algorithm].sign(hash, scalar, {
        prehash: false,
        lowS: false,
        extraEntropy: true,
        format: 'der',
      })
    }
    case 'ed25519':
      return sign(null, challenge, key.privateKey)
    case 'x25519':
      return null
  }
}

/** GENERAL AUTHENTICATE with a peer's public key (85): the shared secret. */
export function agreeWith(key: CardKey, peer: Uint8Array): Uint8Array | null {
  try {
    switch (key.algorithm) {
      case 'ec-p256':
      case 'ec-p384': {
        const size = curveBytes[key.algorithm]
        if (peer.length !== 1 + 2 * size || peer[0] !== 4) return null
        const crv = key.algorithm === 'ec-p256' ? 'P-256' : 'P-384'
        const jwk = { kty: 'EC', crv, x: base64url(peer.subarray(1, 1 + size)), y: base64url(peer.subarray(1 + size)) }
        return diffieHellman({ privateKey: key.privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) })
      }
      case 'x25519': {
        if (peer.length !== 32) return null
        const jwk = { kty: 'OKP', crv: 'X25519', x: base64url(peer) }
        return diffieHellman({ privateKey: key.privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) })
      }
      default:
        return null
    }
  } catch {
    // Not a point of the curve.
    return null
  }
}
