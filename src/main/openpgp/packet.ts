/** Octets of OpenPGP packets (RFC 9580 §3, §4). Builds only: what others wrote is parsed by openpgp.js. */

export const packetTag = {
  signature: 2,
  publicKey: 6,
  userId: 13,
  publicSubkey: 14,
} as const

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff)
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let position = 0
  for (const part of parts) {
    joined.set(part, position)
    position += part.length
  }
  return joined
}

/** Multiprecision integer (§3.2) of an unsigned big-endian number: leading zeros are no part of it. */
export function mpi(number: Uint8Array): Uint8Array {
  const first = number.findIndex((octet) => octet !== 0)
  if (first === -1) return uint16(0)
  const magnitude = number.subarray(first)
  const bits = 8 * magnitude.length - Math.clz32(magnitude[0] ?? 0) + 24
  return concatBytes(uint16(bits), magnitude)
}

/** A packet in the current format, with its shortest length (§4.2.1). */
export function packet(tag: number, body: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0xc0 | tag), bodyLength(body.length), body)
}

/** One, two or five octets; subpackets have the same (§5.2.3.7). */
export function bodyLength(length: number): Uint8Array {
  if (length < 192) return Uint8Array.of(length)
  if (length < 8384) return Uint8Array.of(192 + ((length - 192) >>> 8), (length - 192) & 0xff)
  return concatBytes(Uint8Array.of(255), uint32(length))
}

export interface FramedPacket {
  readonly tag: number
  readonly body: Uint8Array
  /** With its header, as it was found. */
  readonly whole: Uint8Array
}

/**
 * The packets of a certificate that openpgp.js has read: their frames alone (§4.2, both formats), so that what others wrote in them is kept
 * to the byte. Null: lengths that lead out of it, or that a certificate never has.
 */
export function framedPackets(bytes: Uint8Array): readonly FramedPacket[] | null {
  const packets: FramedPacket[] = []
  for (let start = 0; start < bytes.length; ) {
    const frame = frameAt(bytes, start)
    if (frame === null || frame.end > bytes.length) return null
    const { tag, body, end } = frame
    packets.push({ tag, body: bytes.subarray(body, end), whole: bytes.subarray(start, end) })
    start = end
  }
  return packets
}

function frameAt(
  bytes: Uint8Array,
  start: number,
): { readonly tag: number; readonly body: number; readonly end: number } | null {
  const first = bytes[start] ?? 0
  const octet = (at: number) => bytes[start + at] ?? 0
  const number = (at: number, length: number) => {
    let value = 0
    for (let index = 0; index < length; index++) value = value * 256 + octet(at + index)
    return value
  }
  const of = (tag: number, header: number, length: number) => ({
    tag,
    body: start + header,
    end: start + header + length,
  })
  if ((first & 0x80) === 0) return null
  if ((first & 0x40) === 0) {
    // The old format; its type 3 is a length that nobody says.
    const size = [1, 2, 4][first & 0x03]
    return size === undefined ? null : of((first >>> 2) & 0x0f, 1 + size, number(1, size))
  }
  const tag = first & 0x3f
  const length = octet(1)
  if (length < 192) return of(tag, 2, length)
  if (length < 224) return of(tag, 3, ((length - 192) << 8) + octet(2) + 192)
  return length === 255 ? of(tag, 6, number(2, 4)) : null
}
