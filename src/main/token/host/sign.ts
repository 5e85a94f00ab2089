import { constants, type KeyObject, privateEncrypt } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm } from '../../../shared/token.ts'
import { sha256DigestInfo } from '../../asn1/signature-value.ts'
import type { HostRequest } from '../protocol.ts'
import { HostError } from './pkcs11-error.ts'

export type DigestRequest = Extract<HostRequest, { op: 'sign' }>['requests'][number]

/**
 * `CKM_RSA_PKCS` always gets the whole DigestInfo: a YubiHSM takes 20, 32, 48 or 64 bytes for a bare hash and wraps it itself, so
 * a bare digest would be signed differently by different tokens.
 */
const digestInfo = (digest: Uint8Array) => Buffer.from(sha256DigestInfo(digest))

/** The only ways in which a key is used; whatever is not in this table is refused. */
const mechanisms: Readonly<
  Record<string, { readonly mechanism: number; readonly data: (digest: Uint8Array) => Buffer }>
> = {
  'rsa-2048 rsa-pkcs1-sha256': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo },
  'rsa-3072 rsa-pkcs1-sha256': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo },
  'rsa-4096 rsa-pkcs1-sha256': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo },
  'ec-p256 ecdsa-sha256': { mechanism: pkcs11js.CKM_ECDSA, data: (digest) => Buffer.from(digest) },
  'ec-p384 ecdsa-sha256': { mechanism: pkcs11js.CKM_ECDSA, data: (digest) => Buffer.from(digest) },
}

/** Mechanism and data for `C_SignInit` and `C_Sign`. SoftHSM takes CKM_ECDSA on an RSA key, so the pair is checked here. */
export function mechanismFor(
  algorithm: KeyAlgorithm,
  request: DigestRequest,
): { readonly mechanism: number; readonly data: Buffer } {
  const known = mechanisms[`${algorithm} ${request.scheme}`]
  if (known === undefined) throw new HostError('mechanism-unsupported', `${request.scheme} with a key ${algorithm}`)
  return { mechanism: known.mechanism, data: known.data(request.digest) }
}

/** The same table for a software key. ECDSA with a random nonce, as tokens do it; no primitive of node:crypto takes a ready digest. */
export function signWithSoftwareKey(key: KeyObject, algorithm: KeyAlgorithm, request: DigestRequest): Uint8Array {
  const { mechanism, data } = mechanismFor(algorithm, request)
  if (mechanism === pkcs11js.CKM_RSA_PKCS) return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data)
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')
  const options = { prehash: false, lowS: false, extraEntropy: true, format: 'compact' } as const
  try {
    return algorithm === 'ec-p256' ? p256.sign(data, secret, options) : p384.sign(data, secret, options)
  } finally {
    secret.fill(0)
  }
}
