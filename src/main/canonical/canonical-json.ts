const maxDepth = 64

/**
 * JSON Canonicalization Scheme (RFC 8785), restricted to objects, arrays, strings, booleans, null and integers of at most
 * 2^53 − 1. Everything else is a defect of the caller and throws: a value that is left out or rounded without a word would
 * have the digest of another value.
 */
export function canonicalText(value: unknown): string {
  return write(value, 0)
}

/** The canonical text as UTF-8: what is hashed. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalText(value))
}

/** Reads canonical bytes. Null when they are not UTF-8, not JSON, or not exactly what `canonicalBytes` would write. */
export function parseCanonical(bytes: Uint8Array): { readonly value: unknown } | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    // Also refuses duplicate member names, of which JSON.parse keeps the last.
    return canonicalText(value) === text ? { value } : null
  } catch {
    // Whatever is wrong with the bytes, they are not canonical; there is nothing else to tell apart here.
    return null
  }
}

function write(value: unknown, depth: number): string {
  if (depth > maxDepth) throw new TypeError('canonical JSON: nested too deeply')
  switch (typeof value) {
    case 'string':
      return writeString(value)
    case 'number':
      if (!Number.isSafeInteger(value)) throw new TypeError(`canonical JSON: ${value} is not a safe integer`)
      return value === 0 ? '0' : String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth)
    default:
      throw new TypeError(`canonical JSON: a ${typeof value} has no form`)
  }
}

/** RFC 8785 §3.2.2.2: the escapes of ECMAScript's JSON.stringify; a lone surrogate must be an error, not U+FFFD. */
function writeString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('canonical JSON: text is not valid Unicode')
  return JSON.stringify(text)
}

function writeArray(list: readonly unknown[], depth: number): string {
  // By index, so that a hole is seen.
  return `[${Array.from(list, (item) => write(item, depth + 1)).join(',')}]`
}

function writeObject(object: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('canonical JSON: not a plain object')
  if (Object.getOwnPropertySymbols(object).length > 0) throw new TypeError('canonical JSON: a symbol is no member name')
  // §3.2.3: sorted by UTF-16 code units, which is what comparing strings does here.
  const members = Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, item]) => `${writeString(name)}:${write(item, depth + 1)}`).join(',')}}`
}
