import pkcs11js from 'pkcs11js'
import type { Handle, Pkcs11Module } from './module.ts'

/** Names of PKCS#11 v3.1 by number, as pkcs11js has them, and those that it lacks. */
const names: ReadonlyMap<number, string> = new Map([
  ...Object.entries(pkcs11js).flatMap(([name, value]): [number, string][] =>
    name.startsWith('CKM_') && typeof value === 'number' ? [[value, name]] : [],
  ),
  [0x1055, 'CKM_EC_EDWARDS_KEY_PAIR_GEN'],
  [0x1056, 'CKM_EC_MONTGOMERY_KEY_PAIR_GEN'],
  [0x1057, 'CKM_EDDSA'],
])

/** More than any token has; a module can say anything. */
const most = 512

/** What the token says it can do, by name, in the order of the names; a vendor's own by its number. */
export function mechanismNames(module: Pkcs11Module, slot: Handle): string[] {
  const numbers = new Set(module.mechanisms(slot).slice(0, most))
  return [...numbers].map((number) => names.get(number) ?? `0x${number.toString(16).padStart(8, '0')}`).sort()
}
