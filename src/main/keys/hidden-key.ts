import type { TokenId } from '../../shared/token.ts'

/**
 * Whether "there is no such key" only means that nobody is logged in: a YubiHSM shows nothing before that. Its key is then known
 * to be the right one when the session is opened, which reads the public key and compares it; until then the token's presence is
 * all that can be known.
 */
export function hiddenUntilLogin(token: TokenId, code: string): boolean {
  return code === 'key-absent' && token.model.startsWith('YubiHSM')
}
