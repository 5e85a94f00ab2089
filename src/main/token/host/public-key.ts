import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import type { KeyAlgorithm } from '../../../shared/token.ts'
import type { Attributes } from './module.ts'

/** A public key as the token gives it, in the one form in which keys are compared. */
export type PublicKey = { readonly algorithm: KeyAlgorithm; readonly spki: Buffer; readonly spkiSha256: Sha256Hex }

/** pkcs11js has no name for it (PKCS#11 v3.0). */
export const CKK_EC_EDWARDS = 0x40

/** What `publicKeyOf` needs; the modulus and exponent are readable on a private RSA key, too. */
export const publicKeyAttributes = [
  pkcs11js.CKA_KEY_TYPE,
  pkcs11js.CKA_MODULUS,
  pkcs11js.CKA_PUBLIC_EXPONENT,
  pkcs11js.CKA_EC_PARAMS,
  pkcs11js.CKA_EC_POINT,
] as const

const curves: readonly {
  readonly crv: string
  readonly params: readonly string[]
  readonly size: number
  readonly algorithm: KeyAlgorithm
}[] = [
  { crv: 'P-256', params: ['06082a8648ce3d030107'], size: 32, algorithm: 'ec-p256' },
  { crv: 'P-384', params: ['06052b81040022'], size: 48, algorithm: 'ec-p384' },
]

/** CKA_EC_PARAMS of Ed25519: the OID, or "edwards25519" as a PrintableString (PKCS#11 v3.1 §6.3.5). */
const edwards = ['06032b6570', '130c656477617264733235353139']

/** Null: the attributes do not make a key that is known here, or the point is not on its curve. */
export function publicKeyOf(attributes: Attributes): PublicKey | null {
  const type = attributes.get(pkcs11js.CKA_KEY_TYPE)
  if (type === undefined || type.length < 4) return null
  // CK_ULONG in host order; every platform of this program is little-endian.
  switch (type.readUInt32LE(0)) {
    case pkcs11js.CKK_RSA:
      return rsaKey(attributes)
    case pkcs11js.CKK_EC:
      return ecKey(attributes)
    case CKK_EC_EDWARDS:
      return edwardsKey(attributes)
    default:
      return null
  }
}

export function publicKeyOfSpki(spki: Buffer): PublicKey | null {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    const bits = key.asymmetricKeyDetails?.modulusLength
    const curve = key.asymmetricKeyDetails?.namedCurve
    const algorithm =
      key.asymmetricKeyType === 'rsa' && bits !== undefined
        ? rsaAlgorithm(bits)
        : curve === 'prime256v1'
          ? 'ec-p256'
          : curve === 'secp384r1'
            ? 'ec-p384'
            : key.asymmetricKeyType === 'ed25519'
              ? 'ed25519'
              : 'unsupported'
    return identified(algorithm, spki)
  } catch {
    return null
  }
}

function rsaKey(attributes: Attributes): PublicKey | null {
  const modulus = attributes.get(pkcs11js.CKA_MODULUS)
  const exponent = attributes.get(pkcs11js.CKA_PUBLIC_EXPONENT)
  if (modulus === undefined || exponent === undefined || modulus.length === 0 || modulus.length > 2048) return null
  return fromJwk({ kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') })
}

function ecKey(attributes: Attributes): PublicKey | null {
  const params = attributes.get(pkcs11js.CKA_EC_PARAMS)?.toString('hex') ?? ''
  const curve = curves.find((known) => known.params.includes(params))
  const point = unwrapped(attributes.get(pkcs11js.CKA_EC_POINT), curve === undefined ? 0 : 1 + 2 * curve.size)
  if (curve === undefined || point === null || point[0] !== 4) return null
  return fromJwk({
    kty: 'EC',
    crv: curve.crv,
    x: point.subarray(1, 1 + curve.size).toString('base64url'),
    y: point.subarray(1 + curve.size).toString('base64url'),
  })
}

function edwardsKey(attributes: Attributes): PublicKey | null {
  const point = unwrapped(attributes.get(pkcs11js.CKA_EC_POINT), 32)
  if (point === null || !edwards.includes(attributes.get(pkcs11js.CKA_EC_PARAMS)?.toString('hex') ?? '')) return null
  return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') })
}

/** A point of `size` bytes, bare or in a DER OCTET STRING: the standard says the latter, modules do both. */
function unwrapped(point: Buffer | undefined, size: number): Buffer | null {
  if (point === undefined || size === 0) return null
  if (point.length === size) return point
  return point.length === size + 2 && point[0] === 0x04 && point[1] === size ? point.subarray(2) : null
}

function fromJwk(jwk: JsonWebKey): PublicKey | null {
  try {
    // OpenSSL checks that a point is on its curve.
    return publicKeyOfSpki(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }))
  } catch {
    return null
  }
}

function rsaAlgorithm(bits: number): KeyAlgorithm {
  return bits === 2048 ? 'rsa-2048' : bits === 3072 ? 'rsa-3072' : bits === 4096 ? 'rsa-4096' : 'unsupported'
}

function identified(algorithm: KeyAlgorithm, spki: Buffer): PublicKey {
  return { algorithm, spki, spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')) }
}
