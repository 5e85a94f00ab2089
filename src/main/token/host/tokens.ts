import pkcs11js from 'pkcs11js'
import type { PinState, TokenId, TokenSummary } from '../../../shared/token.ts'
import type { Handle, Pkcs11Module } from './module.ts'
import { HostError } from './pkcs11-error.ts'

export type SeenToken = { readonly slot: Handle; readonly summary: TokenSummary }

/**
 * Every token that is present. Asked anew each time: slot numbers and earlier answers do not identify a device
 * (yubihsm_pkcs11 and ykcs11 go on reporting the serial of a device that was exchanged until the slot list is read).
 */
export function seeTokens(
  module: Pkcs11Module,
  path: string,
): { readonly named: readonly SeenToken[]; readonly unnamed: number } {
  const named: SeenToken[] = []
  let unnamed = 0
  for (const slot of module.slotsWithToken()) {
    const info = module.tokenInfo(slot)
    // SoftHSM shows an empty slot for the next token; it is not one.
    if ((info.flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0) continue
    const id: TokenId = {
      manufacturer: text(info.manufacturerID),
      model: text(info.model),
      serial: text(info.serialNumber),
    }
    if (id.serial === '') unnamed += 1
    else named.push({ slot, summary: summaryOf(id, info, path) })
  }
  return { named, unnamed }
}

export function sameToken(a: TokenId, b: TokenId): boolean {
  return a.manufacturer === b.manufacturer && a.model === b.model && a.serial === b.serial
}

/** The one token of that identity. Two that look the same cannot be told apart, so neither is used. */
export function findToken(module: Pkcs11Module, path: string, id: TokenId): SeenToken {
  const found = seeTokens(module, path).named.filter((token) => sameToken(token.summary.id, id))
  const [token] = found
  if (token === undefined) throw new HostError('token-absent', `serial ${id.serial}`)
  if (found.length > 1) throw new HostError('token-ambiguous', `${found.length} tokens with serial ${id.serial}`)
  return token
}

function summaryOf(id: TokenId, info: pkcs11js.TokenInfo, path: string): TokenSummary {
  return {
    id,
    label: text(info.label),
    module: path,
    firmware: version(info.firmwareVersion),
    hardware: version(info.hardwareVersion),
    pinState: pinStateOf(info.flags),
    pinRequired: (info.flags & pkcs11js.CKF_LOGIN_REQUIRED) !== 0,
    minPinLength: length(info.minPinLen),
    maxPinLength: length(info.maxPinLen),
  }
}

/** PKCS#11 has flags, not a counter (v3.1 §3.2). */
function pinStateOf(flags: number): PinState {
  if ((flags & pkcs11js.CKF_USER_PIN_LOCKED) !== 0) return 'locked'
  if ((flags & pkcs11js.CKF_USER_PIN_INITIALIZED) === 0) return 'not-set'
  if ((flags & pkcs11js.CKF_USER_PIN_FINAL_TRY) !== 0) return 'final-try'
  if ((flags & pkcs11js.CKF_USER_PIN_COUNT_LOW) !== 0) return 'count-low'
  return 'ok'
}

/** CK_UNAVAILABLE_INFORMATION and absurd values become 0: not known. */
function length(value: number): number {
  return Number.isSafeInteger(value) && value > 0 && value < 65_536 ? value : 0
}

function version(value: pkcs11js.Version): string {
  return `${value.major}.${value.minor}`
}

/** Blank-padded by the standard, NUL-terminated by some; control characters that a hostile token could send are made visible. */
function text(value: string): string {
  const end = value.indexOf('\0')
  // oxlint-disable-next-line no-control-regex
  return (end < 0 ? value : value.slice(0, end)).trim().replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
}
