import type { KeyAlgorithm, TokenId, TokenSummary } from '../../../shared/token.ts'
import type { TouchPolicy } from '../protocol.ts'
import { checkModuleTakes, meaningOf } from './key-policies.ts'
import { findPrivateKey, type PrivateKey, readPublicKey } from './keys.ts'
import type { Handle, Pkcs11Module } from './module.ts'
import type { Pin } from './pin.ts'
import { CryptokiFailure, failureOf, HostError } from './pkcs11-error.ts'
import type { PublicKey } from './public-key.ts'
import { type DigestRequest, mechanismFor } from './sign.ts'
import { findToken, type SeenToken, sameToken, seeTokens } from './tokens.ts'

/** A key that is ready to sign, wherever it is. */
export interface KeySession {
  readonly publicKey: PublicKey
  readonly touch: TouchPolicy
  /** Null: there is no token. */
  readonly login: Login | null
  sign(request: DigestRequest): Uint8Array
  rereadPublicKey(): Uint8Array
  /** Frees what it holds. Never fails: the process is killed afterwards. */
  close(): void
}

/** PKCS#11 logs in to a token, not to a session: it lasts while any session with that token is open (v3.1 §5.6). */
export type Login = { readonly token: TokenId; readonly slot: Handle }

export type CheckOptions = {
  readonly token: TokenId
  readonly algorithm: KeyAlgorithm
  readonly pin: { readonly length: number } | null
  readonly useLastTry: boolean
}

export type OpenOptions = CheckOptions & {
  readonly ckaId: string
  readonly spkiSha256: string
  readonly pin: Pin | null
  /** Of the sessions that are open. */
  readonly logins: readonly Login[]
  /** Called before the token is logged in to. */
  readonly onLogin: () => void
}

/** All that decides, before a login, whether the key can be opened. Costs no PIN. */
export function checkToken(module: Pkcs11Module, path: string, options: CheckOptions): SeenToken {
  const found = findToken(module, path, options.token)
  checkModuleTakes(module, found.slot, options.token, options.algorithm)
  checkPin(found.summary, options.pin, options.useLastTry)
  return found
}

/**
 * Opens the registered key on its token: found by identity, logged in to once for all its keys, the identity seen again after login,
 * the public key read back and compared. Takes the PIN over and zeroes it, at the latest in `close`.
 */
export function openTokenSession(module: Pkcs11Module, path: string, options: OpenOptions): KeySession {
  const { pin, token } = options
  let session: Handle | null = null
  try {
    const found = checkToken(module, path, options)
    const before = options.logins.find((login) => sameToken(login.token, token))
    // It was taken out and put in elsewhere: not where the login is, and a second try with the PIN is not for us to make.
    if (before !== undefined && !before.slot.equals(found.slot))
      throw new HostError('token-swapped', `serial ${token.serial} is in another slot than before`)
    session = module.openSession(found.slot)
    if (pin !== null && found.summary.pinRequired && before === undefined) {
      options.onLogin()
      login(module, path, session, pin, token)
    }
    // The slot list is read anew: only that shows that a device was exchanged while the session was made.
    if (
      !seeTokens(module, path).named.some((seen) => seen.slot.equals(found.slot) && sameToken(seen.summary.id, token))
    ) {
      throw new HostError('token-swapped', `serial ${token.serial} is no longer in its slot`)
    }
    const key = findPrivateKey(module, session, options.ckaId, options.spkiSha256)
    if (key.alwaysAuthenticate && pin === null) throw new HostError('pin-wanted', 'CKA_ALWAYS_AUTHENTICATE')
    if (!key.alwaysAuthenticate) pin?.wipe()
    const touch = token.model.startsWith('YubiHSM') ? 'never' : key.policies.touch
    const contextPin = key.alwaysAuthenticate ? pin : null
    return tokenSession(module, session, key, touch, contextPin, options.ckaId, { token, slot: found.slot })
  } catch (error) {
    pin?.wipe()
    if (session !== null) closeQuietly(module, session)
    throw error
  }
}

function tokenSession(
  module: Pkcs11Module,
  session: Handle,
  key: PrivateKey,
  touch: TouchPolicy,
  contextPin: Pin | null,
  ckaId: string,
  login: Login,
): KeySession {
  const output = Buffer.alloc(512)
  return {
    publicKey: key.publicKey,
    touch,
    login,
    sign(request) {
      const { mechanism, data } = mechanismFor(key.publicKey.algorithm, request)
      module.signInit(session, mechanism, key.handle)
      // Wanted between the two for each signature. If it fails, the operation stays active and the session is of no use.
      if (contextPin !== null) module.login(session, 'context', contextPin.reveal())
      try {
        return Buffer.from(module.sign(session, data, output))
      } catch (error) {
        throw meaningOf(error, key.policies, contextPin !== null)
      }
    },
    rereadPublicKey: () => readPublicKey(module, session, ckaId).spki,
    close() {
      contextPin?.wipe()
      output.fill(0)
      closeQuietly(module, session)
    },
  }
}

/** What the token says about its PIN decides before the PIN is sent (invariant I6): the last try is used only when a person said so. */
export function checkPin(token: TokenSummary, pin: CheckOptions['pin'], useLastTry: boolean): void {
  if (token.pinState === 'locked') throw new HostError('pin-locked', 'CKF_USER_PIN_LOCKED')
  if (!token.pinRequired && pin === null) return
  if (pin === null) throw new HostError('pin-wanted', 'CKF_LOGIN_REQUIRED')
  if (token.pinState === 'final-try' && !useLastTry) throw new HostError('pin-last-try', 'CKF_USER_PIN_FINAL_TRY')
  const tooLong = token.maxPinLength > 0 && pin.length > token.maxPinLength
  if (pin.length < token.minPinLength || tooLong) {
    throw new HostError('pin-length', `the token takes ${token.minPinLength} to ${token.maxPinLength} bytes`)
  }
}

/** One try, whatever comes of it. The flags afterwards say what is left. */
export function login(module: Pkcs11Module, path: string, session: Handle, pin: Pin, token: TokenId): void {
  try {
    module.login(session, 'user', pin.reveal())
  } catch (error) {
    if (!(error instanceof CryptokiFailure)) throw error
    const { code, detail } = failureOf(error)
    if (code !== 'pin-incorrect') throw error
    const after =
      seeTokens(module, path).named.find((seen) => sameToken(seen.summary.id, token))?.summary.pinState ??
      'not readable'
    throw new HostError(after === 'locked' ? 'pin-locked' : 'pin-incorrect', `${detail}; the PIN is now: ${after}`)
  }
}

export function closeQuietly(module: Pkcs11Module, session: Handle): void {
  try {
    module.closeSession(session)
  } catch (error) {
    // The device may be gone. Only a defect of ours is worth more than that.
    if (!(error instanceof CryptokiFailure)) throw error
  }
}
