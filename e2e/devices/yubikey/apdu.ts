/** A command APDU (ISO/IEC 7816-4 §5.1), short or extended. `le` is the number of bytes wanted; null: none asked for. */
export type CommandApdu = {
  readonly cla: number
  readonly ins: number
  readonly p1: number
  readonly p2: number
  readonly data: Uint8Array
  readonly le: number | null
  readonly extended: boolean
}

/** Status words that the PIV applet of a YubiKey gives (NIST SP 800-73-4 part 2; names of libykpiv and yubikit). */
export const sw = {
  ok: 0x9000,
  wrongLength: 0x6700,
  securityStatus: 0x6982,
  blocked: 0x6983,
  conditionsNotSatisfied: 0x6985,
  incorrectParameters: 0x6a80,
  notFound: 0x6a82,
  noSpace: 0x6a84,
  referenceNotFound: 0x6a88,
  wrongP1P2: 0x6b00,
  unknownInstruction: 0x6d00,
  unknownClass: 0x6e00,
  aborted: 0x6f00,
} as const

/** 63Cn: wrong, `left` tries remain. The nibble ends at 15, whatever the counter says. */
export function triesLeft(left: number): number {
  return 0x63c0 | Math.min(left, 15)
}

/** What an applet answers, before the transport cuts it into pieces. */
export type Reply = { readonly data: Uint8Array; readonly sw: number }

export const none: Uint8Array = new Uint8Array(0)

export function status(word: number): Reply {
  return { data: none, sw: word }
}

export function reply(data: Uint8Array): Reply {
  return { data, sw: sw.ok }
}

/** Null: no APDU. Nothing is guessed: a length that does not fit the bytes is an error. */
export function parseCommand(bytes: Uint8Array): CommandApdu | null {
  const [cla, ins, p1, p2, first] = bytes
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) return null
  const head = { cla, ins, p1, p2 }
  if (first === undefined) return { ...head, data: none, le: null, extended: false }
  if (bytes.length === 5) return { ...head, data: none, le: first === 0 ? 256 : first, extended: false }
  if (first !== 0) {
    const end = 5 + first
    const le = bytes[end]
    if (bytes.length === end) return { ...head, data: bytes.slice(5), le: null, extended: false }
    if (le === undefined || bytes.length !== end + 1) return null
    return { ...head, data: bytes.slice(5, end), le: le === 0 ? 256 : le, extended: false }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 7) return null
  const length = view.getUint16(5)
  if (bytes.length === 7) return { ...head, data: none, le: length === 0 ? 65_536 : length, extended: true }
  const end = 7 + length
  if (length === 0) return null
  if (bytes.length === end) return { ...head, data: bytes.slice(7), le: null, extended: true }
  if (bytes.length !== end + 2) return null
  const le = view.getUint16(end)
  return { ...head, data: bytes.slice(7, end), le: le === 0 ? 65_536 : le, extended: true }
}

/** The bytes of a short command, for tests and for card tools. */
export function shortCommand(ins: number, p1: number, p2: number, data: Uint8Array = none, le?: number): Uint8Array {
  const body = data.length === 0 ? [] : [data.length, ...data]
  return Uint8Array.of(0, ins, p1, p2, ...body, ...(le === undefined ? [] : [le & 0xff]))
}

/** The bytes of an extended command. */
export function extendedCommand(ins: number, p1: number, p2: number, data: Uint8Array): Uint8Array {
  return Uint8Array.of(0, ins, p1, p2, 0, data.length >> 8, data.length & 0xff, ...data, 0, 0)
}
