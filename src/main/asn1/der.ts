import { err, ok, type Result } from '../../shared/result.ts'

/**
 * DER (ITU-T X.690, 2021): a bounded reader and a writer over byte arrays. The reader takes single-byte identifiers (tag
 * numbers 0–30), definite lengths in the shortest form, and nothing behind the value. Everything read here comes from a file
 * that an attacker may have written.
 */

export type DerErrorCode =
  | 'truncated'
  | 'trailing-bytes'
  | 'high-tag-number'
  | 'indefinite-length'
  | 'length-not-minimal'
  | 'length-too-large'
  | 'too-deep'
  | 'unexpected-tag'
  | 'bad-value'

export interface DerError {
  readonly code: DerErrorCode
  /** Byte offset in the outermost array handed in, where the faulty element begins. */
  readonly offset: number
}

/** One element: a view of its bytes, never a copy. */
export interface DerElement {
  /** The identifier octet, class and constructed bit included. */
  readonly tag: number
  /** Identifier, length and contents. */
  readonly bytes: Uint8Array
  readonly contents: Uint8Array
  readonly offset: number
}

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const

/** Identifier of a context-specific constructed element. */
export function contextTag(number: number): number {
  return 0xa0 | number
}

/** Identifier of a context-specific primitive element. */
export function contextPrimitiveTag(number: number): number {
  return 0x80 | number
}

// No structure that the station reads nests deeper than a certificate's name constraints inside a CMS; recursion has to end.
const maxDepth = 32

/** Reads the element at `start` and leaves what follows it alone. */
export function readElementAt(bytes: Uint8Array, start: number, base = 0): Result<DerElement, DerError> {
  const fail = (code: DerErrorCode): Result<DerElement, DerError> => err({ code, offset: base + start })
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined) return fail('truncated')
  if ((tag & 0x1f) === 0x1f) return fail('high-tag-number')
  let length = first
  let header = 2
  if (first === 0x80) return fail('indefinite-length')
  if (first > 0x80) {
    const count = first & 0x7f
    // Four length octets reach 4 GiB; nothing read here comes near.
    if (count > 4) return fail('length-too-large')
    length = 0
    for (let index = 0; index < count; index++) {
      const octet = bytes[start + 2 + index]
      if (octet === undefined) return fail('truncated')
      length = length * 256 + octet
    }
    // X.690 §10.1: the shortest form, or two encodings of one value would both be accepted.
    if (length < 0x80 || (count > 1 && length < 256 ** (count - 1))) return fail('length-not-minimal')
    header += count
  }
  const end = start + header + length
  if (end > bytes.length) return fail('truncated')
  return ok({
    tag,
    bytes: bytes.subarray(start, end),
    contents: bytes.subarray(start + header, end),
    offset: base + start,
  })
}

/** Reads exactly one element: bytes behind it are an error. */
export function readElement(bytes: Uint8Array, expectedTag?: number): Result<DerElement, DerError> {
  const element = readElementAt(bytes, 0)
  if (!element.ok) return element
  if (element.value.bytes.length !== bytes.length)
    return err({ code: 'trailing-bytes', offset: element.value.bytes.length })
  if (expectedTag !== undefined && element.value.tag !== expectedTag) return err({ code: 'unexpected-tag', offset: 0 })
  return element
}

/** The elements inside a constructed one, which must fill it exactly. */
export function readChildren(parent: DerElement): Result<readonly DerElement[], DerError> {
  const children: DerElement[] = []
  const base = parent.offset + parent.bytes.length - parent.contents.length
  let position = 0
  while (position < parent.contents.length) {
    const child = readElementAt(parent.contents, position, base)
    if (!child.ok) return child
    children.push(child.value)
    position += child.value.bytes.length
  }
  return ok(children)
}

/** Walks the whole tree: every constructed element must be filled by elements, no deeper than a fixed bound. */
export function checkDer(bytes: Uint8Array): Result<null, DerError> {
  const root = readElement(bytes)
  return root.ok ? checkTree(root.value, 0) : root
}

function checkTree(element: DerElement, depth: number): Result<null, DerError> {
  if ((element.tag & 0x20) === 0) return ok(null)
  if (depth >= maxDepth) return err({ code: 'too-deep', offset: element.offset })
  const children = readChildren(element)
  if (!children.ok) return children
  for (const child of children.value) {
    const checked = checkTree(child, depth + 1)
    if (!checked.ok) return checked
  }
  return ok(null)
}

/** A small non-negative INTEGER (versions); anything else is a bad value. */
export function readSmallInteger(element: DerElement): Result<number, DerError> {
  const first = element.contents[0]
  if (element.tag !== derTag.integer) return err({ code: 'unexpected-tag', offset: element.offset })
  if (element.contents.length !== 1 || first === undefined || first > 0x7f)
    return err({ code: 'bad-value', offset: element.offset })
  return ok(first)
}

/** One element with the given contents. */
export function derElement(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of contents) length += part.length
  const header = derHeader(tag, length)
  const element = new Uint8Array(header.length + length)
  element.set(header)
  let position = header.length
  for (const part of contents) {
    element.set(part, position)
    position += part.length
  }
  return element
}

function derHeader(tag: number, length: number): readonly number[] {
  if (length < 0x80) return [tag, length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [tag, 0x80 | octets.length, ...octets]
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(derTag.sequence, ...parts)
}

/** SET OF: the encodings in ascending order (X.690 §11.6). */
export function derSetOf(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(derTag.set, ...parts.toSorted(compareBytes))
}

/** INTEGER from an unsigned big-endian magnitude of any length. */
export function derUnsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const digits = magnitude.length === 0 ? Uint8Array.of(0) : magnitude.subarray(start)
  const signed = (digits[0] ?? 0) > 0x7f
  return signed ? derElement(derTag.integer, Uint8Array.of(0), digits) : derElement(derTag.integer, digits)
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return derElement(derTag.octetString, bytes)
}

/** BIT STRING without unused bits. */
export function derBitString(bytes: Uint8Array): Uint8Array {
  return derElement(derTag.bitString, Uint8Array.of(0), bytes)
}

export const derNull: Uint8Array = Uint8Array.of(derTag.null, 0)

/** UTCTime for 1950–2049, GeneralizedTime outside (RFC 5652 §11.3, RFC 5280 §4.1.2.5). Seconds; fractions are cut off. */
export function derTime(time: Date): Uint8Array {
  const digits = time.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)
  const year = time.getUTCFullYear()
  const utc = year >= 1950 && year < 2050
  const text = utc ? `${digits.slice(2)}Z` : `${digits}Z`
  return derElement(utc ? derTag.utcTime : derTag.generalizedTime, new TextEncoder().encode(text))
}

/** Lexicographic order of byte strings, the shorter first where one begins the other. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && compareBytes(left, right) === 0
}
