import { type DerElement, derTag, readElement } from '../../asn1/der.ts'

// Primitive DER values that attestation certificates hold. Null: not that type, or not its one DER encoding.

/** INTEGER in its shortest form (X.690 §8.3.2), of either sign. */
export function integerOf(element: DerElement): bigint | null {
  const { contents } = element
  const [first, second] = contents
  if (element.tag !== derTag.integer || first === undefined || contents.length > 64) return null
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second > 0x7f))) return null
  return BigInt.asIntN(contents.length * 8, BigInt(`0x${Buffer.from(contents).toString('hex')}`))
}

/** INTEGER from 0 to `max` that fills `der`. */
export function smallIntegerIn(der: Uint8Array, max: number): number | null {
  const element = readElement(der, derTag.integer)
  const value = element.ok ? integerOf(element.value) : null
  return value === null || value < 0n || value > BigInt(max) ? null : Number(value)
}

/** BOOLEAN: FF or 00 (X.690 §11.1). */
export function booleanOf(element: DerElement): boolean | null {
  const [octet] = element.contents
  if (element.tag !== derTag.boolean || element.contents.length !== 1) return null
  return octet === 0xff ? true : octet === 0 ? false : null
}

/** BIT STRING without unused bits that fills `der`, with exactly this many octets. */
export function octetsInBitString(der: Uint8Array, octets: number): Uint8Array | null {
  const element = readElement(der, derTag.bitString)
  if (!element.ok) return null
  const { contents } = element.value
  return contents[0] === 0 && contents.length === octets + 1 ? contents.subarray(1) : null
}

/** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 wants them: seconds, `Z`, the first up to 2049 and only so. Milliseconds. */
export function timeOf(element: DerElement): number | null {
  const text = Buffer.from(element.contents).toString('latin1')
  const utc = element.tag === derTag.utcTime
  if (!utc && element.tag !== derTag.generalizedTime) return null
  if (!(utc ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) return null
  const digits = utc ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const year = digits.slice(0, 4)
  if (!utc && Number(year) < 2050) return null
  const iso = `${year}-${digits.slice(4, 6)}-${digits.slice(6, 8)}T${digits.slice(8, 10)}:${digits.slice(10, 12)}:${digits.slice(12, 14)}.000Z`
  const time = Date.parse(iso)
  // 31 February parses to a day in March.
  return Number.isNaN(time) || new Date(time).toISOString() !== iso ? null : time
}

/** UTF-8 text without faults. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
