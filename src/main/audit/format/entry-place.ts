/** Where a verifier of a whole log finds what it needs of each entry, without reading the rest of it. */
export interface PlaceInBytes {
  readonly seq: number
  /** Where the 64 hex digits of the leaf hash of the entry before begin. */
  readonly prev: number
  /** Where the 24 characters of the time begin; they sort as the times do. */
  readonly at: number
}

export const timeLength = 24
const quote = 0x22
const atName = Buffer.from('"at":"')
const prevName = Buffer.from(',"prev":"')
const seqName = Buffer.from(',"seq":')
const clockMovedBack = Buffer.from(',"event":"clock-moved-back",')

/**
 * Finds `at`, `prev` and `seq` in the canonical bytes of an entry, where they stand in this order. In JSON a quote inside text is
 * escaped, so the unescaped name can only be the member's; no event has a member of these names further inside. Null when one
 * is not there. That the bytes are canonical and an entry is `decodeEntry`'s business; in a log whose root is signed they are
 * what the station wrote.
 */
export function placeInBytes(bytes: Uint8Array): PlaceInBytes | null {
  const atFound = find(bytes, atName, 0)
  if (atFound === -1) return null
  const at = atFound + atName.length
  const prevFound = find(bytes, prevName, at)
  if (prevFound === -1) return null
  const prev = prevFound + prevName.length
  const seqFound = find(bytes, seqName, prev)
  if (seqFound === -1 || bytes[at + timeLength] !== quote || bytes[prev + 64] !== quote) return null
  const seq = numberAt(bytes, seqFound + seqName.length)
  return seq === null ? null : { seq, prev, at }
}

/** Whether the entry is the one that says that the clock went back. */
export function saysClockMovedBack(bytes: Uint8Array): boolean {
  return find(bytes, clockMovedBack, 0) !== -1
}

/** Buffer's search on any bytes: making a Buffer of them first costs more than the search. */
function find(bytes: Uint8Array, wanted: Buffer, start: number): number {
  return Buffer.prototype.indexOf.call(bytes, wanted, start)
}

function numberAt(bytes: Uint8Array, start: number): number | null {
  let value = 0
  let index = start
  for (; index < start + 16; index += 1) {
    const digit = (bytes[index] ?? 0) - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  return index === start || !Number.isSafeInteger(value) ? null : value
}

const digits = Buffer.from('0123456789abcdef')

/** Writes a hash as 64 hex digits into `into`. A call into Node for each entry would cost more than the digits do. */
export function writeHex(hash: Uint8Array, into: Uint8Array): void {
  for (let index = 0; index < 32; index += 1) {
    const byte = hash[index] ?? 0
    into[index * 2] = digits[byte >>> 4] ?? 0
    into[index * 2 + 1] = digits[byte & 15] ?? 0
  }
}

export function sameAt(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index += 1) if (bytes[start + index] !== expected[index]) return false
  return true
}

/** Below zero: the bytes at `start` sort before `other`. */
export function compareAt(bytes: Uint8Array, start: number, other: Uint8Array): number {
  for (let index = 0; index < other.length; index += 1) {
    const difference = (bytes[start + index] ?? 0) - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
