import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type SealedKey, sealPrivateKey, unsealPrivateKey } from '../../keys/software/sealed-record.ts'
import {
  readServiceKeys,
  type ServiceKey,
  type ServiceKeyFailure,
  wipeServiceKeys,
} from '../../keys/software/service-keys.ts'
import { HostError } from './pkcs11-error.ts'
import { publicKeyOfSpki } from './public-key.ts'
import { makeServiceKey } from './service-key-folder.ts'
import type { KeySession } from './session.ts'
import { signWithSoftwareKey } from './sign.ts'

/** Opens a sealed key. The private key exists in clear in this process only, and dies with it at the end of the session. */
export function openSoftwareSession(folder: string, sealed: SealedKey, spkiSha256: string): KeySession {
  const key = withServiceKeys(folder, (keys) => {
    if (!keys.some((each) => Buffer.from(sealed.publicKey, 'base64').equals(each.publicKey)))
      throw new HostError('service-key-absent', 'no service key of this station opens the sealed key')
    const opened = unsealPrivateKey(sealed, keys)
    if (opened === null) throw new HostError('sealed-damaged', 'its service key is here, and the record does not open')
    try {
      return privateKeyOf(opened)
    } finally {
      opened.fill(0)
    }
  })
  const publicKey = publicKeyOfSpki(createPublicKey(key).export({ type: 'spki', format: 'der' }))
  if (publicKey?.spkiSha256 !== spkiSha256)
    throw new HostError('key-mismatch', 'the sealed key is not the registered key')
  return {
    publicKey,
    touch: 'never',
    login: null,
    sign: (request) => signWithSoftwareKey(key, publicKey.algorithm, request),
    rereadPublicKey: () => publicKey.spki,
    close: () => {},
  }
}

/** Makes an RSA key and seals it with the first service key; the clear form never leaves this function. */
export function generateSoftwareKey(
  folder: string,
  bits: number,
): { readonly spki: Buffer; readonly sealed: SealedKey } {
  return withServiceKeys(folder, (keys) => {
    const [first] = keys
    if (first === undefined) throw new HostError('service-key-absent', 'there is no service key')
    const pair = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: 65537 })
    // debusine keeps PKCS#8 PEM in its records; the same here, so that keys can be moved both ways.
    const pem = Buffer.from(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    try {
      return {
        spki: pair.publicKey.export({ type: 'spki', format: 'der' }),
        sealed: sealPrivateKey(pem, first.publicKey),
      }
    } finally {
      pem.fill(0)
    }
  })
}

/** The public half alone: telling whether a key could be used is no reason to have it in clear. */
export function hasServiceKey(folder: string, publicKey: string): boolean {
  const wanted = Buffer.from(publicKey, 'base64')
  return withServiceKeys(folder, (keys) => keys.some((key) => wanted.equals(key.publicKey)))
}

/** Makes a service key where there is none. */
export function ensureServiceKey(folder: string): 'made' | 'there' {
  const keys = readServiceKeys(folder)
  if (keys.ok) {
    wipeServiceKeys(keys.value)
    return 'there'
  }
  // One that is not safe is not passed over: whoever can read it can read what would be sealed with it.
  if (keys.error.code !== 'service-keys-absent') throw refusedFolder(keys.error)
  makeServiceKey(folder)
  return 'made'
}

/** All service keys of the folder, wiped when `use` returns. */
export function withServiceKeys<T>(folder: string, use: (keys: readonly ServiceKey[]) => T): T {
  const keys = readServiceKeys(folder)
  if (!keys.ok) throw refusedFolder(keys.error)
  try {
    return use(keys.value)
  } finally {
    wipeServiceKeys(keys.value)
  }
}

export function refusedFolder({ code, detail }: ServiceKeyFailure): HostError {
  return new HostError(code === 'service-key-unsafe' ? 'service-key-unsafe' : 'service-key-absent', detail ?? code)
}

/** The key of an opened record, which the caller zeroes. */
export function privateKeyOf(pem: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(pem.buffer, pem.byteOffset, pem.length), format: 'pem' })
  } catch {
    // Never the exception's text: it could quote the input.
    throw new HostError('key-mismatch', 'the sealed record does not hold a private key in PEM')
  }
}
