import { constants, generateKeyPairSync, type KeyObject, privateEncrypt } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import type { KeyAlgorithm } from '../../../shared/token.ts'
import { sha256DigestInfo } from '../../asn1/signature-value.ts'
import type { SignatureRequest } from '../../token/token-service.ts'

/** A software key that answers like a token: it sees a digest and gives raw PKCS#1 bytes, or r‖s. For tests and benches only. */
export interface LocalKey {
  readonly algorithm: KeyAlgorithm
  readonly privateKey: KeyObject
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Uint8Array
  readonly sign: (request: SignatureRequest) => Uint8Array
}

export function generateLocalKey(algorithm: 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ec-p256' | 'ec-p384'): LocalKey {
  const { privateKey, publicKey } =
    algorithm === 'ec-p256' || algorithm === 'ec-p384'
      ? generateKeyPairSync('ec', { namedCurve: algorithm === 'ec-p256' ? 'prime256v1' : 'secp384r1' })
      : generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice(4)) })
  return {
    algorithm,
    privateKey,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    sign: (request) => signRaw(privateKey, algorithm, request),
  }
}

function signRaw(privateKey: KeyObject, algorithm: KeyAlgorithm, request: SignatureRequest): Uint8Array {
  if (request.scheme === 'rsa-pkcs1-sha256') {
    return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, sha256DigestInfo(request.digest))
  }
  const curve = algorithm === 'ec-p256' ? p256 : p384
  const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  return curve.sign(request.digest, scalar, { prehash: false, lowS: false })
}
