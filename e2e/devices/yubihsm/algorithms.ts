import type { Firmware } from './firmware.ts'
import { atLeast } from './firmware.ts'

/** Algorithm codes: `yh_algorithm` in lib/yubihsm.h of yubihsm-shell 2.8.0. Keys and operations have them. */
export const algorithm = {
  rsa2048: 9,
  rsa3072: 10,
  rsa4096: 11,
  ecP256: 12,
  ecP384: 13,
  ecP521: 14,
  ecK256: 15,
  ecBrainpool256: 16,
  ecBrainpool384: 17,
  ecBrainpool512: 18,
  hmacSha1: 19,
  hmacSha256: 20,
  hmacSha384: 21,
  hmacSha512: 22,
  ecdh: 24,
  aes128CcmWrap: 29,
  opaqueData: 30,
  opaqueX509: 31,
  templateSsh: 36,
  aes128Otp: 37,
  aes128Authentication: 38,
  aes192Otp: 39,
  aes256Otp: 40,
  aes192CcmWrap: 41,
  aes256CcmWrap: 42,
  ed25519: 46,
  ecP224: 47,
  rsaPkcs1Decrypt: 48,
  ecP256Authentication: 49,
  aes128: 50,
  aes192: 51,
  aes256: 52,
  aesEcb: 53,
  aesCbc: 54,
  aesKwp: 55,
} as const

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Modulus in bits. */
export const rsaBits: ReadonlyMap<number, number> = new Map([
  [algorithm.rsa2048, 2048],
  [algorithm.rsa3072, 3072],
  [algorithm.rsa4096, 4096],
])

export const hmacHash: ReadonlyMap<
  number,
  { readonly hash: HashName; readonly bytes: number; readonly block: number }
> = new Map([
  [algorithm.hmacSha1, { hash: 'sha1', bytes: 20, block: 64 }],
  [algorithm.hmacSha256, { hash: 'sha256', bytes: 32, block: 64 }],
  [algorithm.hmacSha384, { hash: 'sha384', bytes: 48, block: 128 }],
  [algorithm.hmacSha512, { hash: 'sha512', bytes: 64, block: 128 }],
])

/** AES keys in bytes, of all that have one. */
export const wrapKeyBytes: ReadonlyMap<number, number> = new Map([
  [algorithm.aes128CcmWrap, 16],
  [algorithm.aes192CcmWrap, 24],
  [algorithm.aes256CcmWrap, 32],
])
export const otpKeyBytes: ReadonlyMap<number, number> = new Map([
  [algorithm.aes128Otp, 16],
  [algorithm.aes192Otp, 24],
  [algorithm.aes256Otp, 32],
])
export const symmetricKeyBytes: ReadonlyMap<number, number> = new Map([
  [algorithm.aes128, 16],
  [algorithm.aes192, 24],
  [algorithm.aes256, 32],
])

/** Which hash a digest of so many bytes is of, and what signing it is called. Nothing names the hash of what is signed but its length. */
export const digestOf: ReadonlyMap<
  number,
  { readonly hash: HashName; readonly pkcs1: number; readonly pss: number; readonly ecdsa: number }
> = new Map([
  [20, { hash: 'sha1', pkcs1: 1, pss: 5, ecdsa: 23 }],
  [32, { hash: 'sha256', pkcs1: 2, pss: 6, ecdsa: 43 }],
  [48, { hash: 'sha384', pkcs1: 3, pss: 7, ecdsa: 44 }],
  [64, { hash: 'sha512', pkcs1: 4, pss: 8, ecdsa: 45 }],
])

export const oaepHash: ReadonlyMap<number, HashName> = new Map([
  [25, 'sha1'],
  [26, 'sha256'],
  [27, 'sha384'],
  [28, 'sha512'],
])
export const mgf1Hash: ReadonlyMap<number, HashName> = new Map([
  [32, 'sha1'],
  [33, 'sha256'],
  [34, 'sha384'],
  [35, 'sha512'],
])
export const oaepOfHash: Readonly<Record<HashName, number>> = { sha1: 25, sha256: 26, sha384: 27, sha512: 28 }

/** All that a firmware knows, in the order of DEVICE INFO; 2.4 has 1 to 55 (the maker's guide to the algorithm toggle). */
export function algorithmsOf(firmware: Firmware): readonly number[] {
  const last = atLeast(firmware, 2, 4) ? 55 : atLeast(firmware, 2, 3) ? 54 : atLeast(firmware, 2, 2) ? 48 : 47
  return Array.from({ length: last }, (_, index) => index + 1)
}
