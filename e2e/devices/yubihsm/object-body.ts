import { hash, randomBytes } from 'node:crypto'
import { algorithm, hmacHash, otpKeyBytes, rsaBits, symmetricKeyBytes, wrapKeyBytes } from './algorithms.ts'
import { type ObjectType, objectType } from './codes.ts'
import { ed25519BodyBytes, ed25519FromSeed, generateEd25519 } from './keys/ed25519.ts'
import { curveOf, ecBody, generateEcBody } from './keys/elliptic.ts'
import { generateRsaBody, rsaBodyFromPrimes } from './keys/rsa.ts'
import { refuse } from './message.ts'

export interface Secret {
  readonly body: Uint8Array
  readonly seed: Uint8Array | null
}

const plain = (body: Uint8Array): Secret => ({ body, seed: null })

/** What is stored of the bytes that a PUT command carries. */
export function importedSecret(type: ObjectType, code: number, bytes: Uint8Array): Secret {
  const bits = rsaBits.get(code)
  switch (type) {
    case objectType.opaque:
    case objectType.template:
      return bytes.length === 0 ? refuse('wrongLength') : plain(Uint8Array.from(bytes))
    case objectType.authenticationKey:
      return plain(exactly(bytes, code === algorithm.ecP256Authentication ? 64 : 32))
    case objectType.asymmetricKey: {
      if (bits !== undefined) return plain(rsaBodyFromPrimes(bits, bytes))
      const curve = curveOf(code)
      return curve === null ? ed25519FromSeed(bytes) : plain(ecBody(curve, bytes))
    }
    case objectType.wrapKey:
      return plain(bits === undefined ? exactly(bytes, wrapKeyBytes.get(code)) : rsaBodyFromPrimes(bits, bytes))
    case objectType.hmacKey:
      return plain(hmacPads(code, bytes))
    case objectType.otpAeadKey:
      return plain(exactly(bytes, nonceIdBytes + (otpKeyBytes.get(code) ?? 0)))
    case objectType.symmetricKey:
      return plain(exactly(bytes, symmetricKeyBytes.get(code)))
    case objectType.publicWrapKey:
      return plain(exactly(bytes, (bits ?? 0) / 8))
  }
}

export const nonceIdBytes = 4

/** A secret made in the device. `nonceId` is of OTP AEAD keys only. */
export async function generatedSecret(
  type: ObjectType,
  code: number,
  nonceId: Uint8Array = new Uint8Array(),
): Promise<Secret> {
  const bits = rsaBits.get(code)
  if (bits !== undefined) return plain(await generateRsaBody(bits))
  if (type === objectType.asymmetricKey) {
    const curve = curveOf(code)
    return curve === null ? generateEd25519() : plain(generateEcBody(curve))
  }
  if (type === objectType.hmacKey) return plain(hmacPads(code, randomBytes(hmacHash.get(code)?.bytes ?? 0)))
  if (type === objectType.otpAeadKey) return plain(Buffer.concat([nonceId, randomBytes(otpKeyBytes.get(code) ?? 0)]))
  return plain(randomBytes(wrapKeyBytes.get(code) ?? symmetricKeyBytes.get(code) ?? 0))
}

/** The sizes that a body may have that comes out of a wrapped export. */
export function isBody(type: ObjectType, code: number, body: Uint8Array): boolean {
  const bits = rsaBits.get(code)
  const sizes: Readonly<Record<ObjectType, number | undefined>> = {
    [objectType.opaque]: body.length,
    [objectType.template]: body.length,
    [objectType.authenticationKey]: code === algorithm.ecP256Authentication ? 64 : 32,
    [objectType.asymmetricKey]:
      bits === undefined ? (curveOf(code)?.bytes ?? ed25519BodyBytes / 3) * 3 : (bits / 16) * 7,
    [objectType.wrapKey]: bits === undefined ? wrapKeyBytes.get(code) : (bits / 16) * 7,
    [objectType.hmacKey]: (hmacHash.get(code)?.block ?? 0) * 2,
    [objectType.otpAeadKey]: nonceIdBytes + (otpKeyBytes.get(code) ?? 0),
    [objectType.symmetricKey]: symmetricKeyBytes.get(code),
    [objectType.publicWrapKey]: (bits ?? 0) / 8,
  }
  return body.length > 0 && sizes[type] === body.length
}

/** HMAC keys are kept as the two padded blocks of RFC 2104 §2 (`split_hmac_key` in common/util.c of yubihsm-shell 2.8.0). */
function hmacPads(code: number, key: Uint8Array): Uint8Array {
  const known = hmacHash.get(code)
  if (known === undefined || key.length === 0) return refuse('wrongLength')
  const short = key.length > known.block ? hash(known.hash, key, 'buffer') : key
  const block = Buffer.alloc(known.block)
  block.set(short)
  return Buffer.concat([block.map((byte) => byte ^ 0x36), block.map((byte) => byte ^ 0x5c)])
}

/** The key, with the zeros that fill its block. */
export function hmacKeyOf(body: Uint8Array): Uint8Array {
  return body.subarray(0, body.length / 2).map((byte) => byte ^ 0x36)
}

function exactly(bytes: Uint8Array, length: number | undefined): Uint8Array {
  if (bytes.length !== length) refuse('wrongLength')
  return Uint8Array.from(bytes)
}
