import { constants, createCipheriv, createDecipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { aeskwp } from '@noble/ciphers/aes.js'
import { type HashName, rsaBits, symmetricKeyBytes, wrapKeyBytes } from './algorithms.ts'
import { origin } from './codes.ts'
import { isObjectType } from './commands/fields.ts'
import { ed25519BodyBytes } from './keys/ed25519.ts'
import { rsaPrivateOperation } from './keys/rsa.ts'
import { oaepBlock, oaepMessage } from './keys/rsa-padding.ts'
import { Fields, refuse, u16, u64 } from './message.ts'
import { isBody } from './object-body.ts'
import { fitsType, type HsmObject, hasDelegated, labelBytes, objectLength } from './objects.ts'

const nonceBytes = 13
const tagBytes = 16
const seedBytes = 32

/** Nonce, ciphertext, tag: AES-CCM as yhwrap/main.c of yubihsm-shell 2.8.0 has it. */
export function sealCcm(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(ccmName(key), key, nonce, { authTagLength: tagBytes })
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()])
}

export function openCcm(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length <= nonceBytes + tagBytes) refuse('wrongLength')
  const cipher = createDecipheriv(ccmName(key), key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  cipher.setAuthTag(sealed.subarray(-tagBytes))
  try {
    return Buffer.concat([cipher.update(sealed.subarray(nonceBytes, -tagBytes)), cipher.final()])
  } catch {
    return refuse('invalidData')
  }
}

function ccmName(key: Uint8Array): 'aes-128-ccm' | 'aes-192-ccm' | 'aes-256-ccm' {
  return key.length === 16 ? 'aes-128-ccm' : key.length === 24 ? 'aes-192-ccm' : 'aes-256-ccm'
}

/**
 * An object as it is under a wrap key: the wrap key's algorithm, the metadata of 58 bytes, what the object holds. `seed` is of an Ed25519
 * key and comes last (*assumed*: the maker's tests show that such an export exists, nothing public shows its bytes).
 */
export function encodeObject(wrapAlgorithm: number, object: HsmObject, withSeed: boolean): Uint8Array {
  if (withSeed && object.seed === null) refuse('invalidData')
  return Buffer.concat([
    Uint8Array.of(wrapAlgorithm),
    u64(object.capabilities),
    u16(object.id),
    u16(objectLength(object)),
    u16(object.domains),
    Uint8Array.of(object.type, object.algorithm, object.sequence, object.origin),
    object.label,
    hasDelegated(object.type) ? u64(object.delegated) : new Uint8Array(),
    object.body,
    withSeed && object.seed !== null ? object.seed : new Uint8Array(),
  ])
}

export function decodeObject(wrapAlgorithm: number, bytes: Uint8Array): HsmObject {
  const fields = new Fields(bytes)
  if (fields.u8() !== wrapAlgorithm) refuse('invalidData')
  const capabilities = fields.u64()
  const id = fields.u16()
  const length = fields.u16()
  const domains = fields.u16()
  const type = fields.u8()
  const code = fields.u8()
  const sequence = fields.u8()
  const from = fields.u8()
  const label = Uint8Array.from(fields.bytes(labelBytes))
  if (!isObjectType(type) || !fitsType(type, code) || id === 0) return refuse('invalidData')
  const delegated = hasDelegated(type) ? fields.u64() : 0n
  const body = Uint8Array.from(fields.bytes(length - (hasDelegated(type) ? 8 : 0)))
  const seeded = body.length === ed25519BodyBytes && fields.left === seedBytes
  const seed = seeded ? Uint8Array.from(fields.bytes(seedBytes)) : null
  fields.end()
  if (!isBody(type, code, body)) refuse('invalidData')
  const came = from | origin.wrapped
  return { capabilities, id, domains, type, algorithm: code, sequence, origin: came, label, delegated, body, seed }
}

export function isAesWrapKey(object: HsmObject): boolean {
  return wrapKeyBytes.has(object.algorithm)
}

/** How RSA wraps: an AES key under OAEP, and what is wrapped under it (CKM_RSA_AES_KEY_WRAP, PKCS#11 v3.1 §6.1.21). */
export interface RsaWrap {
  readonly mgf1: HashName
  readonly labelDigest: Uint8Array
}

export function wrapUnderRsa(wrapKey: HsmObject, aesAlgorithm: number, content: Uint8Array, how: RsaWrap): Uint8Array {
  const width = (rsaBits.get(wrapKey.algorithm) ?? 0) / 8
  const aesKey = randomBytes(symmetricKeyBytes.get(aesAlgorithm) ?? refuse('invalidData'))
  const block = oaepBlock(width, aesKey, how.labelDigest, how.mgf1)
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'RSA', e: 'AQAB', n: Buffer.from(wrapKey.body).toString('base64url') },
  })
  const wrappedKey = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block)
  return Buffer.concat([wrappedKey, aeskwp(aesKey).encrypt(content)])
}

export function unwrapUnderRsa(wrapKey: HsmObject, wrapped: Uint8Array, how: RsaWrap): Uint8Array {
  const width = (rsaBits.get(wrapKey.algorithm) ?? 0) / 8
  if (wrapped.length <= width) refuse('wrongLength')
  const block = rsaPrivateOperation(wrapKey.body, wrapped.subarray(0, width))
  const aesKey = oaepMessage(block, how.labelDigest, how.mgf1)
  try {
    return aeskwp(aesKey).decrypt(wrapped.subarray(width))
  } catch {
    return refuse('invalidData')
  }
}
