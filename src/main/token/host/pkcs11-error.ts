import pkcs11js from 'pkcs11js'
import { type HostFailure, type HostFailureCode } from '../host-failure.ts'

/** A failure that the host reports as data; thrown inside the host only, caught once in `serve.ts`. */
export class HostError extends Error {
  readonly failure: HostFailure

  constructor(code: HostFailureCode, detail: string) {
    super(`${code}: ${detail}`)
    this.failure = { code, detail: detail.slice(0, 1000) }
  }
}

/** What a module answered: the number is PKCS#11's, the method the function that was called. */
export type Cryptoki = { readonly number: number; readonly name: string; readonly method: string }

/**
 * pkcs11js throws a `Pkcs11Error` with `code` for most functions, but a plain `Error` "CKR_X:nnn" for C_FindObjects and
 * C_CreateObject. Null: not an answer of the module at all.
 */
export function cryptokiError(error: unknown, method: string): Cryptoki | null {
  if (error instanceof pkcs11js.Pkcs11Error && error.code !== 0)
    return { number: error.code, name: nameOf(error.message), method }
  if (!(error instanceof Error)) return null
  const match = /^(CKR_[A-Z0-9_]+|Unknown error):(\d+)/.exec(error.message)
  return match === null ? null : { number: Number(match[2]), name: nameOf(match[1] ?? ''), method }
}

/** Only a name that PKCS#11 has: the text of an exception goes no further. */
function nameOf(text: string): string {
  return /^CKR_[A-Z0-9_]{1,60}$/.test(text) ? text : 'CKR_VENDOR_DEFINED'
}

export class CryptokiFailure extends Error {
  readonly cryptoki: Cryptoki

  constructor(cryptoki: Cryptoki) {
    super(`${cryptoki.name} at ${cryptoki.method}`)
    this.cryptoki = cryptoki
  }
}

/** PKCS#11 v3.1 §5.1.6. The rows that depend on the function are decided in `codeOf`. */
const codes: Readonly<Record<number, HostFailureCode>> = {
  [pkcs11js.CKR_DEVICE_ERROR]: 'token-removed',
  [pkcs11js.CKR_DEVICE_REMOVED]: 'token-removed',
  [pkcs11js.CKR_TOKEN_NOT_PRESENT]: 'token-removed',
  [pkcs11js.CKR_TOKEN_NOT_RECOGNIZED]: 'token-removed',
  [pkcs11js.CKR_SESSION_HANDLE_INVALID]: 'token-removed',
  [pkcs11js.CKR_SESSION_CLOSED]: 'token-removed',
  [pkcs11js.CKR_SLOT_ID_INVALID]: 'token-removed',
  [pkcs11js.CKR_OBJECT_HANDLE_INVALID]: 'token-removed',
  [pkcs11js.CKR_KEY_HANDLE_INVALID]: 'token-removed',
  [pkcs11js.CKR_PIN_INCORRECT]: 'pin-incorrect',
  [pkcs11js.CKR_PIN_INVALID]: 'pin-incorrect',
  [pkcs11js.CKR_PIN_EXPIRED]: 'pin-locked',
  [pkcs11js.CKR_PIN_LOCKED]: 'pin-locked',
  [pkcs11js.CKR_PIN_LEN_RANGE]: 'pin-length',
  // After a login: a touch that did not come, or a PIN policy "always" that the module does not declare.
  [pkcs11js.CKR_USER_NOT_LOGGED_IN]: 'pin-wanted',
  [pkcs11js.CKR_MECHANISM_INVALID]: 'mechanism-unsupported',
  [pkcs11js.CKR_MECHANISM_PARAM_INVALID]: 'mechanism-unsupported',
  [pkcs11js.CKR_KEY_TYPE_INCONSISTENT]: 'mechanism-unsupported',
  [pkcs11js.CKR_KEY_FUNCTION_NOT_PERMITTED]: 'mechanism-unsupported',
  [pkcs11js.CKR_FUNCTION_CANCELED]: 'cancelled',
}

/** CKR_VENDOR_DEFINED and above: a meaning that PKCS#11 does not know. */
const vendorDefined = 0x8000_0000

/**
 * Words that say nothing about what happened. ykcs11 2.7 answers CKR_FUNCTION_FAILED when a YubiKey is pulled out in a signature: it
 * may have signed, so this must not be taken for a no.
 */
const unclear: ReadonlySet<number> = new Set([pkcs11js.CKR_GENERAL_ERROR, pkcs11js.CKR_FUNCTION_FAILED])

function codeOf(cryptoki: Cryptoki): HostFailureCode {
  const isUnclear = unclear.has(cryptoki.number) || cryptoki.number >= vendorDefined
  if (cryptoki.method === 'C_Sign' && isUnclear) return 'token-removed'
  // yubihsm_pkcs11: unknown authentication key, and a PIN that is not `0001password`.
  const unreadablePin =
    cryptoki.number === pkcs11js.CKR_OBJECT_HANDLE_INVALID || cryptoki.number === pkcs11js.CKR_ARGUMENTS_BAD
  if (cryptoki.method === 'C_Login' && unreadablePin) return 'pin-incorrect'
  // No token was named yet: ykcs11 answers CKR_DEVICE_ERROR where pcscd does not run.
  if (cryptoki.method === 'C_GetSlotList') return 'token-error'
  return codes[cryptoki.number] ?? 'token-error'
}

/** The failure for anything that was thrown while a module was used. What is not the module's answer is thrown on: a defect. */
export function failureOf(error: unknown): HostFailure {
  if (error instanceof HostError) return error.failure
  if (error instanceof CryptokiFailure) {
    const { name, number, method } = error.cryptoki
    return { code: codeOf(error.cryptoki), detail: `${name} (0x${number.toString(16)}) at ${method}` }
  }
  throw error
}
