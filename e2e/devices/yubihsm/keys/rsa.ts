import { constants, createPrivateKey, generateKeyPair, type KeyObject, privateDecrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { invert } from '@noble/curves/abstract/modular.js'
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import { refuse } from '../message.ts'

const makeKeyPair = promisify(generateKeyPair)
/** The only public exponent that a device has. */
const exponent = 65537n

/**
 * How a device keeps an RSA key (common/util.c of yubihsm-shell 2.8.0): p, q, dp, dq and q⁻¹ mod p, each half as wide as the modulus,
 * and the modulus.
 */
export function rsaBodyFromPrimes(bits: number, primes: Uint8Array): Uint8Array {
  const bytes = bits / 8
  const half = bytes / 2
  if (primes.length !== bytes) refuse('wrongLength')
  const p = bytesToNumberBE(primes.subarray(0, half))
  const q = bytesToNumberBE(primes.subarray(half))
  const modulus = p * q
  if (modulus >> BigInt(bits - 1) !== 1n) refuse('invalidData')
  const number = (value: bigint) => numberToBytesBE(value, half)
  try {
    return Buffer.concat([
      primes,
      number(invert(exponent, p - 1n)),
      number(invert(exponent, q - 1n)),
      number(invert(q, p)),
      numberToBytesBE(modulus, bytes),
    ])
  } catch {
    // No inverse: these are no primes of such a key.
    return refuse('invalidData')
  }
}

/** Finding primes takes seconds for 4096 bits; it is done beside the event loop. */
export async function generateRsaBody(bits: number): Promise<Uint8Array> {
  const { privateKey } = await makeKeyPair('rsa', { modulusLength: bits, publicExponent: Number(exponent) })
  return rsaBodyOfKey(bits, privateKey)
}

export function rsaBodyOfKey(bits: number, key: KeyObject): Uint8Array {
  const jwk = key.export({ format: 'jwk' })
  const half = (text: string | undefined) => {
    const bytes = Buffer.from(text ?? '', 'base64url')
    return Buffer.concat([Buffer.alloc(Math.max(0, bits / 16 - bytes.length)), bytes])
  }
  return rsaBodyFromPrimes(bits, Buffer.concat([half(jwk.p), half(jwk.q)]))
}

export function rsaModulus(body: Uint8Array): Uint8Array {
  return body.subarray((body.length / 7) * 5)
}

const keys = new WeakMap<Uint8Array, KeyObject>()

export function rsaKey(body: Uint8Array): KeyObject {
  const known = keys.get(body)
  if (known !== undefined) return known
  const half = body.length / 7
  const part = (index: number, width = 1) => Buffer.from(body.subarray(index * half, (index + width) * half))
  const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const [p, q] = [number(part(0)), number(part(1))]
  const d = invert(exponent, (p - 1n) * (q - 1n))
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'RSA',
      e: 'AQAB',
      n: part(5, 2).toString('base64url'),
      d: Buffer.from(numberToBytesBE(d, half * 2)).toString('base64url'),
      p: part(0).toString('base64url'),
      q: part(1).toString('base64url'),
      dp: part(2).toString('base64url'),
      dq: part(3).toString('base64url'),
      qi: part(4).toString('base64url'),
    },
  })
  keys.set(body, key)
  return key
}

/** RSASP1 and RSADP of RFC 8017 §5: the bare operation, as wide as the modulus. */
export function rsaPrivateOperation(body: Uint8Array, block: Uint8Array): Uint8Array {
  if (block.length !== rsaModulus(body).length) refuse('wrongLength')
  try {
    return privateDecrypt({ key: rsaKey(body), padding: constants.RSA_NO_PADDING }, block)
  } catch {
    // A number that is not below the modulus.
    return refuse('invalidData')
  }
}
