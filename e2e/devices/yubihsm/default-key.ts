import { pbkdf2Sync } from 'node:crypto'
import { algorithm } from './algorithms.ts'
import { everyCapability } from './capabilities.ts'
import { objectType, origin } from './codes.ts'
import { type HsmObject, labelBytes } from './objects.ts'

/** The two AES keys of a password (`YH_DEFAULT_SALT`, `YH_DEFAULT_ITERS` in lib/yubihsm.h of yubihsm-shell 2.8.0). */
export function keysOfPassword(password: string): Uint8Array {
  return pbkdf2Sync(password, 'Yubico', 10_000, 32, 'sha256')
}

export function paddedLabel(text: string): Uint8Array {
  const label = Buffer.alloc(labelBytes)
  label.write(text)
  return label
}

/** What a device has after a factory reset (the maker's test_reset.py). */
export function defaultAuthenticationKey(): Omit<HsmObject, 'sequence'> {
  return {
    type: objectType.authenticationKey,
    id: 1,
    algorithm: algorithm.aes128Authentication,
    label: paddedLabel('DEFAULT AUTHKEY CHANGE THIS ASAP'),
    domains: 0xffff,
    capabilities: everyCapability,
    delegated: everyCapability,
    origin: origin.imported,
    body: keysOfPassword('password'),
    seed: null,
  }
}
