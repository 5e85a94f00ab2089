import { createPrivateKey, type KeyObject } from 'node:crypto'
import {
  contextTag,
  derBitString,
  derElement,
  derOctetString,
  derSequence,
  derUnsignedInteger,
  readChildren,
  readElement,
} from '../../../../src/main/asn1/der.ts'
import { derOid } from '../../../../src/main/asn1/oid.ts'
import { algorithm, rsaBits } from '../algorithms.ts'
import { refuse } from '../message.ts'
import { type Ed25519Key, ed25519FromSeed } from './ed25519.ts'
import { type Curve, curveOf, ecBody, ecPublicPoint } from './elliptic.ts'
import { rsaBodyOfKey, rsaKey } from './rsa.ts'

const idEcPublicKey = '1.2.840.10045.2.1'
const idEd25519 = '1.3.101.112'

/** PrivateKeyInfo (RFC 5958 §2): what an asymmetric key is under an RSA wrap, so that other programs can read it. */
export function toPkcs8(
  code: number,
  key: { readonly body: Uint8Array; readonly seed: Uint8Array | null },
): Uint8Array {
  if (rsaBits.has(code)) return rsaKey(key.body).export({ format: 'der', type: 'pkcs8' })
  const curve = curveOf(code)
  if (curve !== null) return ecPkcs8(curve, key.body)
  // RFC 8410 §7 has the seed and nothing else.
  if (key.seed === null) return refuse('invalidData')
  return derSequence(
    derUnsignedInteger(Uint8Array.of(0)),
    derSequence(derOid(idEd25519)),
    derOctetString(derOctetString(key.seed)),
  )
}

/** RFC 5915 §3 inside. */
function ecPkcs8(curve: Curve, body: Uint8Array): Uint8Array {
  const point = Buffer.concat([Uint8Array.of(4), ecPublicPoint(curve, body)])
  const key = derSequence(
    derUnsignedInteger(Uint8Array.of(1)),
    derOctetString(body.subarray(0, curve.bytes)),
    derElement(contextTag(1), derBitString(point)),
  )
  return derSequence(
    derUnsignedInteger(Uint8Array.of(0)),
    derSequence(derOid(idEcPublicKey), derOid(curve.oid)),
    derOctetString(key),
  )
}

/** The key of that algorithm in a PrivateKeyInfo; anything else is refused. */
export function fromPkcs8(
  code: number,
  der: Uint8Array,
): { readonly body: Uint8Array; readonly seed: Uint8Array | null } {
  const key = readKey(der)
  const bits = rsaBits.get(code)
  if (bits !== undefined) {
    if (key.asymmetricKeyType !== 'rsa' || key.asymmetricKeyDetails?.modulusLength !== bits) refuse('invalidData')
    return { body: rsaBodyOfKey(bits, key), seed: null }
  }
  const curve = curveOf(code)
  if (curve !== null) {
    if (key.asymmetricKeyDetails?.namedCurve !== curve.openssl) refuse('invalidData')
    return { body: ecBody(curve, ecSecret(curve, key)), seed: null }
  }
  if (code !== algorithm.ed25519 || key.asymmetricKeyType !== 'ed25519') return refuse('invalidData')
  return ed25519Key(key)
}

function ed25519Key(key: KeyObject): Ed25519Key {
  return ed25519FromSeed(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'))
}

function readKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  } catch {
    return refuse('invalidData')
  }
}

function ecSecret(curve: Curve, key: KeyObject): Uint8Array {
  const sequence = readElement(key.export({ format: 'der', type: 'sec1' }))
  const parts = sequence.ok ? readChildren(sequence.value) : sequence
  const secret = parts.ok ? parts.value[1]?.contents : undefined
  if (secret === undefined || secret.length > curve.bytes) return refuse('invalidData')
  return Buffer.concat([Buffer.alloc(curve.bytes - secret.length), secret])
}
