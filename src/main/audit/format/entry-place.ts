/** What a verifier of a whole log needs of each entry, without reading the rest of it. */
export interface PlaceInBytes {
  readonly seq: number
  /** Leaf hash of the entry before, as 64 hex digits. */
  readonly prev: string
  /** 24 characters; they sort as the times do. */
  readonly at: string
  readonly event: string
}

const quote = 0x22

/**
 * Finds `seq`, `prev`, `at` and `event` in the canonical bytes of an entry. In JSON a quote inside text is escaped, so the
 * unescaped `"seq":` can only be the member; no event has a member of these names further inside. Null when one is not there.
 * That the bytes are canonical and an entry is `decodeEntry`'s business; in a log whose root is signed they are what the
 * station wrote.
 */
export function placeInBytes(bytes: Buffer): PlaceInBytes | null {
  const at = textAfter(bytes, '"at":"', 24)
  const event = wordAfter(bytes, '"event":"')
  const prev = textAfter(bytes, '"prev":"', 64)
  const seq = numberAfter(bytes, ',"seq":')
  return at === null || event === null || prev === null || seq === null ? null : { seq, prev, at, event }
}

function textAfter(bytes: Buffer, name: string, length: number): string | null {
  const found = bytes.indexOf(name, 0, 'latin1')
  if (found === -1) return null
  const start = found + name.length
  return bytes[start + length] === quote ? bytes.toString('latin1', start, start + length) : null
}

function wordAfter(bytes: Buffer, name: string): string | null {
  const found = bytes.indexOf(name, 0, 'latin1')
  if (found === -1) return null
  const start = found + name.length
  const end = bytes.indexOf(quote, start)
  return end === -1 || end - start > 64 ? null : bytes.toString('latin1', start, end)
}

function numberAfter(bytes: Buffer, name: string): number | null {
  const found = bytes.indexOf(name, 0, 'latin1')
  if (found === -1) return null
  let value = 0
  let digits = 0
  for (let index = found + name.length; digits < 16; index += 1) {
    const digit = (bytes[index] ?? 0) - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
    digits += 1
  }
  return digits === 0 || !Number.isSafeInteger(value) ? null : value
}
