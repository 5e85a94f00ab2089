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
