import type { GeneratedAlgorithm, KeyPolicies } from './key-generation.ts'
import type { Purpose } from './purpose.ts'
import type { TokenId } from './token.ts'

// Where a key can be made, for every process. No schema is in this file: the window has none, because a schema compiles itself as
// code, which its policy does not allow.

/** A YubiHSM's label has 40 bytes; the others take more. */
export const maxKeyLabel = 40

export const defaultPolicies: KeyPolicies = { pin: 'default', touch: 'default' }

/**
 * How a token takes a new key. `piv`: a YubiKey, whose slots are fixed and whose management key (as hex) is the security
 * officer's PIN of PKCS#11. `yubihsm`: object ids of two bytes. `generic`: any id.
 */
export type TokenKind = 'piv' | 'yubihsm' | 'generic'

/** By the model that the token gives: ykcs11 says `YubiKey YK5`, yubihsm_pkcs11 `YubiHSM`. */
export function tokenKind(token: TokenId): TokenKind {
  if (token.model.startsWith('YubiHSM')) return 'yubihsm'
  return token.model.startsWith('YubiKey') ? 'piv' : 'generic'
}

/** A PIV slot that a signing key can be in, and its CKA_ID in ykcs11. F9 is the attestation key's and is never offered. */
export const pivSlots: readonly { readonly slot: string; readonly ckaId: string; readonly name: string }[] = [
  { slot: '9C', ckaId: '02', name: 'Digital signature' },
  { slot: '9A', ckaId: '01', name: 'Authentication' },
  { slot: '9D', ckaId: '03', name: 'Key management' },
  { slot: '9E', ckaId: '04', name: 'Card authentication' },
  ...Array.from({ length: 20 }, (_, index) => ({
    slot: (0x82 + index).toString(16).toUpperCase(),
    ckaId: (0x05 + index).toString(16).padStart(2, '0'),
    name: `Retired ${index + 1}`,
  })),
]

/** Why an id cannot be a new key's on this token; null: it can. Whether it is free, only the token says. */
export function idProblem(kind: TokenKind, ckaId: string): string | null {
  switch (kind) {
    case 'piv':
      return pivSlots.some((slot) => slot.ckaId === ckaId) ? null : 'Choose one of the token’s slots.'
    case 'yubihsm':
      return /^[0-9a-f]{4}$/.test(ckaId) && ckaId !== '0000' && ckaId !== 'ffff'
        ? null
        : 'A YubiHSM’s object id has four hex digits, 0001 to fffe.'
    case 'generic':
      return /^(?:[0-9a-f]{2}){1,32}$/.test(ckaId)
        ? null
        : 'The id is 1 to 32 bytes, as pairs of hex digits, such as 0a or 2026.'
  }
}

const openPgpAlgorithms: readonly GeneratedAlgorithm[] = [
  'ed25519',
  'rsa-4096',
  'rsa-3072',
  'rsa-2048',
  'ec-p256',
  'ec-p384',
]

/** Algorithms that sign for a purpose. UEFI firmware and kernels verify RSA; ECDSA where the verifier is known to take it. */
export const algorithmsOf: Readonly<Record<Purpose, readonly GeneratedAlgorithm[]>> = {
  uefi: ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'],
  openpgp: openPgpAlgorithms,
  'openpgp-repository': openPgpAlgorithms,
}
