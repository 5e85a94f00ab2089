import type { ShownTokens } from '../module-checks.ts'

export const ykcs11 = '/usr/lib/x86_64-linux-gnu/libykcs11.so.2'
export const yubihsmModule = '/usr/lib/x86_64-linux-gnu/pkcs11/yubihsm_pkcs11.so'
export const use = (path: string) => [{ path, enabled: true }]

/** What the token processes answer: modules that load, with so many tokens each. */
export function shows(...modules: readonly (readonly [path: string, tokens: number])[]): () => Promise<ShownTokens> {
  const token = (module: string, serial: number) => ({
    token: {
      id: { manufacturer: 'Yubico', model: 'YubiKey YK5', serial: String(serial) },
      label: 'YubiKey PIV',
      module,
      firmware: '5.4',
      hardware: '1.0',
      pinState: 'ok' as const,
      pinRequired: true,
      minPinLength: 6,
      maxPinLength: 8,
    },
    objects: [],
    mechanisms: [],
    problem: null,
  })
  const answer: ShownTokens = {
    tokens: modules.flatMap(([path, tokens]) => Array.from({ length: tokens }, (_, n) => token(path, n))),
    modules: modules.map(([path]) => ({ path, problem: null })),
  }
  return async () => answer
}
