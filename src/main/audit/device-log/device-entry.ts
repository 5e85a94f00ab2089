import { hash } from 'node:crypto'
import { sameBytes } from '../bytes.ts'

export const entryBytes = 32
/** What the digest is computed from, next to the digest before. */
const dataBytes = 16

/** One entry of the log of a YubiHSM 2 (`yh_log_entry` in lib/yubihsm.h of yubihsm-shell); docs/formats/device-log.md §1. */
export interface DeviceEntry {
  /** The 32 bytes as the device gave them; everything else is read from them. */
  readonly raw: Uint8Array
  readonly number: number
  readonly command: number
  /** Of the command's data, in bytes. */
  readonly length: number
  /** Id of the authentication key of the session; 0xffff: none. */
  readonly sessionKey: number
  readonly targetKey: number
  readonly secondKey: number
  readonly result: number
  /** The device's own clock, in a unit that is not documented; begins anew when it gets power. */
  readonly systick: number
  /** SHA-256 of the first 16 bytes and the digest before, its first 16 bytes. */
  readonly digest: Uint8Array
}

/** Null: not 32 bytes. Any 32 bytes are an entry; whether a device wrote them is for the chain to say. */
export function parseDeviceEntry(bytes: Uint8Array): DeviceEntry | null {
  if (bytes.length !== entryBytes) return null
  // A copy: what was read must stay what is stored.
  const raw = Uint8Array.from(bytes)
  const view = new DataView(raw.buffer)
  return {
    raw,
    number: view.getUint16(0),
    command: view.getUint8(2),
    length: view.getUint16(3),
    sessionKey: view.getUint16(5),
    targetKey: view.getUint16(7),
    secondKey: view.getUint16(9),
    result: view.getUint8(11),
    systick: view.getUint32(12),
    digest: raw.subarray(dataBytes),
  }
}

/** The digest that an entry has to have after `previous`. */
export function digestAfter(previous: Uint8Array, entry: Pick<DeviceEntry, 'raw'>): Uint8Array {
  return hash('sha256', Buffer.concat([entry.raw.subarray(0, dataBytes), previous]), 'buffer').subarray(0, 16)
}

/** After a factory reset: number 1, all else `ff`, and a digest that follows from nothing. */
export function isReset(entry: DeviceEntry): boolean {
  return entry.number === 1 && entry.raw.subarray(2, dataBytes).every((byte) => byte === 0xff)
}

const bootData = Buffer.from('000000ffff000000000000000000', 'hex')

/** The device got power, or started anew. */
export function isBoot(entry: DeviceEntry): boolean {
  return sameBytes(entry.raw.subarray(2, dataBytes), bootData)
}

/** How an entry stands to the one before it in the order in which they came. */
export type Link =
  | { readonly kind: 'chained' }
  | { readonly kind: 'reset' }
  /** `missing`: at least so many; the number alone cannot tell 65,536 more. */
  | { readonly kind: 'gap'; readonly missing: number }
  | { readonly kind: 'broken' }
  | { readonly kind: 'misnumbered' }
  | { readonly kind: 'went-back' }

/** Half of the numbers: what is further ahead than this is behind. */
const furthest = 0x8000

export function linkOf(before: DeviceEntry, entry: DeviceEntry): Link {
  const step = (entry.number - before.number) & 0xffff
  // The maker does not say whether 0 is left out when the number begins anew. The digest covers the number, so it decides.
  const follows = step === 1 || (before.number === 0xffff && entry.number === 1)
  if (sameBytes(digestAfter(before.digest, entry), entry.digest))
    return follows ? { kind: 'chained' } : { kind: 'misnumbered' }
  if (isReset(entry)) return { kind: 'reset' }
  if (follows) return { kind: 'broken' }
  return step > 1 && step < furthest ? { kind: 'gap', missing: step - 1 } : { kind: 'went-back' }
}
