import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { type SealedKey, sealPrivateKey, unsealPrivateKey } from '../../keys/software/sealed-record.ts'
import { HostError } from './pkcs11-error.ts'
import { withServiceKeys } from './software-session.ts'

// The key of the log. It is opened for one signature and zeroed; only the bytes of one checkpoint and its signature cross to main.

/** Makes the key; its seed is in clear in this function alone. `publicKey`: the 32 bytes of RFC 8032. */
export function makeLogKey(folder: string): { readonly publicKey: Uint8Array; readonly sealed: SealedKey } {
  return withServiceKeys(folder, (keys) => {
    const [first] = keys
    if (first === undefined) throw new HostError('service-key-absent', 'there is no service key')
    const seed = randomBytes(32)
    try {
      return { publicKey: publicHalf(privateKeyOf(seed)), sealed: sealPrivateKey(seed, first.publicKey) }
    } finally {
      seed.fill(0)
    }
  })
}

/** Ed25519 over the lines of a checkpoint, by the key that is the other half of `publicKey` and no other. */
export function signCheckpoint(folder: string, sealed: SealedKey, publicKey: Uint8Array, text: string): Uint8Array {
  return withServiceKeys(folder, (keys) => {
    const seed = unsealPrivateKey(sealed, keys)
    if (seed === null)
      throw new HostError('service-key-absent', 'no service key of this station opens the key of the log')
    try {
      const key = logKeyOf(seed, publicKey)
      return sign(null, Buffer.from(text), key)
    } finally {
      seed.fill(0)
    }
  })
}

/** The key whose seed was sealed, if it is the other half of `publicKey`. */
export function logKeyOf(seed: Uint8Array, publicKey: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new HostError('key-mismatch', 'the sealed record does not hold the key of a log')
  const key = privateKeyOf(seed)
  if (Buffer.compare(publicHalf(key), publicKey) !== 0)
    throw new HostError('key-mismatch', 'the sealed half belongs to another public key')
  return key
}

/** DER of a PrivateKeyInfo for Ed25519 up to the seed (RFC 8410 §7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([pkcs8Prefix, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

function publicHalf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}
