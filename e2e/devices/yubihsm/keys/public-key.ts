import { createPublicKey } from 'node:crypto'
import { derBitString, derSequence } from '../../../../src/main/asn1/der.ts'
import { derOid } from '../../../../src/main/asn1/oid.ts'
import { rsaBits } from '../algorithms.ts'
import { objectType } from '../codes.ts'
import { refuse } from '../message.ts'
import type { HsmObject } from '../objects.ts'
import { ed25519PublicKey } from './ed25519.ts'
import { curveOf, ecPublicPoint } from './elliptic.ts'
import { rsaModulus } from './rsa.ts'

/** As GET PUBLIC KEY gives it: modulus, x‖y, or the 32 bytes of Ed25519. */
export function publicKeyBytes(object: Pick<HsmObject, 'type' | 'algorithm' | 'body'>): Uint8Array {
  if (object.type === objectType.publicWrapKey) return object.body
  if (rsaBits.has(object.algorithm)) return rsaModulus(object.body)
  if (object.type !== objectType.asymmetricKey) return refuse('invalidData')
  const curve = curveOf(object.algorithm)
  return curve === null ? ed25519PublicKey(object.body) : ecPublicPoint(curve, object.body)
}

/** SubjectPublicKeyInfo, DER. */
export function publicKeyInfo(object: Pick<HsmObject, 'type' | 'algorithm' | 'body'>): Uint8Array {
  const bytes = publicKeyBytes(object)
  if (rsaBits.has(object.algorithm)) {
    const key = { kty: 'RSA', e: 'AQAB', n: Buffer.from(bytes).toString('base64url') }
    return createPublicKey({ format: 'jwk', key }).export({ format: 'der', type: 'spki' })
  }
  const curve = curveOf(object.algorithm)
  if (curve === null) return derSequence(derSequence(derOid('1.3.101.112')), derBitString(bytes))
  const point = Buffer.concat([Uint8Array.of(4), bytes])
  return derSequence(derSequence(derOid('1.2.840.10045.2.1'), derOid(curve.oid)), derBitString(point))
}
