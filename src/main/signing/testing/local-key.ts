import { constants, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import type { KeyAlgorithm } from '../../../shared/token.ts'
import { sha256DigestInfo, sha512DigestInfo } from '../../asn1/signature-value.ts'
import type { SignatureRequest } from '../../token/token-service.ts'

/** A software key that answers like a token: it sees a digest and gives raw PKCS#1 bytes, or r‖s. For tests and benches only. */
export interface LocalKey {
  readonly algorithm: KeyAlgorithm
  readonly privateKey: KeyObject
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Uint8Array
  readonly sign: (request: SignatureRequest) => Uint8Array
}

export function generateLocalKey(algorithm: Exclude<KeyAlgorithm, 'unsupported'>): LocalKey {
  const { privateKey, publicKey } =
    algorithm === 'ec-p256' || algorithm === 'ec-p384'
      ? generateKeyPairSync('ec', { namedCurve: algorithm === 'ec-p256' ? 'prime256v1' : 'secp384r1' })
      : algorithm === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice(4)) })
  return {
    algorithm,
    privateKey,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    sign: (request) => signRaw(privateKey, algorithm, request),
  }
}

function signRaw(privateKey: KeyObject, algorithm: KeyAlgorithm, request: SignatureRequest): Uint8Array {
  if (request.scheme === 'rsa-pkcs1-sha256' || request.scheme === 'rsa-pkcs1-sha512') {
    const info =
      request.scheme === 'rsa-pkcs1-sha256' ? sha256DigestInfo(request.digest) : sha512DigestInfo(request.digest)
    return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, info)
  }
  if (request.scheme === 'ed25519-sha512') return sign(null, request.digest, privateKey)
  const curve = algorithm === 'ec-p256' ? p256 : p384
  const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  return curve.sign(request.digest, scalar, { prehash: false, lowS: false })
}
