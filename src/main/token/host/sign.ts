import { constants, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm } from '../../../shared/token.ts'
import { sha256DigestInfo, sha512DigestInfo } from '../../asn1/signature-value.ts'
import type { HostRequest } from '../protocol.ts'
import { HostError } from './pkcs11-error.ts'

export type DigestRequest = Extract<HostRequest, { op: 'sign' }>['requests'][number]

/**
 * `CKM_RSA_PKCS` always gets the whole DigestInfo: a YubiHSM takes 20, 32, 48 or 64 bytes for a bare hash and wraps it itself, so
 * a bare digest would be signed differently by different tokens.
 */
const digestInfo256 = (digest: Uint8Array) => Buffer.from(sha256DigestInfo(digest))
const digestInfo512 = (digest: Uint8Array) => Buffer.from(sha512DigestInfo(digest))
const asItIs = (digest: Uint8Array) => Buffer.from(digest)
/** The leftmost bits, as many as the curve's order has (FIPS 186-5 §6.4.1); tokens refuse longer input, or cut it each in its way. */
const leftmost = (length: number) => (digest: Uint8Array) => Buffer.from(digest.subarray(0, length))

/** pkcs11js has no name for it (PKCS#11 v3.0). */
const CKM_EDDSA = 0x1057

/** The only ways in which a key is used; whatever is not in this table is refused. */
const mechanisms: Readonly<
  Record<string, { readonly mechanism: number; readonly data: (digest: Uint8Array) => Buffer }>
> = {
  'rsa-2048 rsa-pkcs1-sha256': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo256 },
  'rsa-3072 rsa-pkcs1-sha256': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo256 },
  'rsa-4096 rsa-pkcs1-sha256': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo256 },
  'ec-p256 ecdsa-sha256': { mechanism: pkcs11js.CKM_ECDSA, data: asItIs },
  'ec-p384 ecdsa-sha256': { mechanism: pkcs11js.CKM_ECDSA, data: asItIs },
  'rsa-2048 rsa-pkcs1-sha512': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo512 },
  'rsa-3072 rsa-pkcs1-sha512': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo512 },
  'rsa-4096 rsa-pkcs1-sha512': { mechanism: pkcs11js.CKM_RSA_PKCS, data: digestInfo512 },
  'ec-p256 ecdsa-sha512': { mechanism: pkcs11js.CKM_ECDSA, data: leftmost(32) },
  'ec-p384 ecdsa-sha512': { mechanism: pkcs11js.CKM_ECDSA, data: leftmost(48) },
  'ed25519 ed25519-sha512': { mechanism: CKM_EDDSA, data: asItIs },
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
  if (mechanism === CKM_EDDSA) return sign(null, data, key)
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')
  const options = { prehash: false, lowS: false, extraEntropy: true, format: 'compact' } as const
  try {
    return algorithm === 'ec-p256' ? p256.sign(data, secret, options) : p384.sign(data, secret, options)
  } finally {
    secret.fill(0)
  }
}
