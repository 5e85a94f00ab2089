/** One element of BER-TLV (ISO/IEC 7816-4 §5.2.2) with a tag of one or two octets, as a number: 0x5c, 0x7f49. */
export type Tlv = { readonly tag: number; readonly value: Uint8Array }

export function tlv(tag: number, ...values: readonly Uint8Array[]): Uint8Array {
  const tags = tag > 0xff ? [tag >> 8, tag & 0xff] : [tag]
  const length = values.reduce((sum, value) => sum + value.length, 0)
  const lengths = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return concat(Uint8Array.of(...tags, ...lengths), ...values)
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** The elements that fill `bytes` exactly, or null; null in, null out. Lengths need not be the shortest: hosts send 81 and 82 for small ones. */
export function readTlvs(bytes: Uint8Array | null): readonly Tlv[] | null {
  if (bytes === null) return null
  const found: Tlv[] = []
  let at = 0
  const next = () => bytes[at++]
  while (at < bytes.length) {
    let tag = next() ?? 0
    if ((tag & 0x1f) === 0x1f) {
      const second = next()
      if (second === undefined || second > 0x7f) return null
      tag = (tag << 8) | second
    }
    let length = next()
    if (length === undefined || length > 0x82 || length === 0x80) return null
    if (length > 0x80) {
      const count = length & 0x7f
      length = 0
      for (let index = 0; index < count; index++) {
        const octet = next()
        if (octet === undefined) return null
        length = length * 256 + octet
      }
    }
    if (at + length > bytes.length) return null
    found.push({ tag, value: bytes.slice(at, at + length) })
    at += length
  }
  return found
}

/** The one element of that tag, or null. */
export function valueOf(list: readonly Tlv[] | null, tag: number): Uint8Array | null {
  return list?.find((element) => element.tag === tag)?.value ?? null
}

/** The value at the end of a path of tags, each inside the one before; null where there is none. */
export function valueAt(bytes: Uint8Array, ...path: readonly number[]): Uint8Array | null {
  return path.reduce<Uint8Array | null>((value, tag) => valueOf(readTlvs(value), tag), bytes)
}
