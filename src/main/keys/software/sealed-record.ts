import { seal, unseal } from './sealed-box.ts'
import type { ServiceKey } from './service-keys.ts'

/** debusine's `nacl` record without its `storage` word: base64 of the service key's public half and of the sealed box. */
export type SealedKey = { readonly publicKey: string; readonly encrypted: string }

/** As debusine stores it: {"storage": "nacl", "public_key": …, "encrypted": …}. */
export type NaclRecord = { readonly storage: 'nacl'; readonly public_key: string; readonly encrypted: string }

export function toNaclRecord(sealed: SealedKey): NaclRecord {
  return { storage: 'nacl', public_key: sealed.publicKey, encrypted: sealed.encrypted }
}

export function fromNaclRecord(record: NaclRecord): SealedKey {
  return { publicKey: record.public_key, encrypted: record.encrypted }
}

export function sealPrivateKey(privateKey: Uint8Array, servicePublicKey: Uint8Array): SealedKey {
  return {
    publicKey: Buffer.from(servicePublicKey).toString('base64'),
    encrypted: Buffer.from(seal(privateKey, servicePublicKey)).toString('base64'),
  }
}

/** The private key in clear, for the caller to zero; null if none of the service keys is the one it was sealed to, or it was changed. */
export function unsealPrivateKey(sealed: SealedKey, serviceKeys: readonly ServiceKey[]): Uint8Array | null {
  const box = Buffer.from(sealed.encrypted, 'base64')
  const recipient = Buffer.from(sealed.publicKey, 'base64')
  const key = serviceKeys.find((candidate) => recipient.equals(candidate.publicKey))
  return key === undefined ? null : unseal(box, key.secretKey)
}
