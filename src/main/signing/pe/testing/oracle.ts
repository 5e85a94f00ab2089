import { createHash } from 'node:crypto'

// Two naive readers of a PE image, written after what sbsign and osslsigncode do and sharing nothing with the product's: a fuzz test holds its
// answers against them. They index without care and may throw or lie on malformed images; they only count where the product says "sign".

const u16 = (b: Uint8Array, at: number): number => Buffer.from(b.buffer, b.byteOffset, b.length).readUInt16LE(at)
const u32 = (b: Uint8Array, at: number): number => Buffer.from(b.buffer, b.byteOffset, b.length).readUInt32LE(at)

/** Headers, then each section in the order of the file, then the rest. */
export function walkOracle(image: Uint8Array): string {
  const pe = u32(image, 0x3c)
  const optional = pe + 24
  const directories = optional + (u16(image, optional) === 0x20b ? 112 : 96)
  const table = directories + 32
  const headersSize = u32(image, optional + 60)
  const certificates = u32(image, table)
  const hash = createHash('sha256')
  hash.update(image.subarray(0, optional + 64))
  hash.update(image.subarray(optional + 68, table))
  hash.update(image.subarray(table + 8, headersSize))
  let hashed = headersSize
  const rows: { at: number; size: number }[] = []
  for (let index = 0; index < u16(image, pe + 6); index++) {
    const row = optional + u16(image, pe + 20) + index * 40
    rows.push({ at: u32(image, row + 20), size: u32(image, row + 16) })
  }
  rows.sort((a, b) => a.at - b.at)
  for (const { at, size } of rows) {
    if (size === 0) continue
    hash.update(image.subarray(at, at + size))
    hashed += size
  }
  const end = certificates === 0 ? image.length : certificates
  if (end > hashed) hash.update(image.subarray(hashed, end))
  if (end % 8 !== 0) hash.update(Buffer.alloc(8 - (end % 8)))
  return hash.digest('hex')
}

/** The whole file without its three holes. */
export function flatOracle(image: Uint8Array): string {
  const optional = u32(image, 0x3c) + 24
  const table = optional + (u16(image, optional) === 0x20b ? 144 : 128)
  const certificates = u32(image, table)
  const kept = Buffer.from(certificates === 0 ? image : image.subarray(0, certificates))
  const without = Buffer.concat([
    kept.subarray(0, optional + 64),
    kept.subarray(optional + 68, table),
    kept.subarray(table + 8),
    Buffer.alloc((8 - (kept.length % 8)) % 8),
  ])
  return createHash('sha256').update(without).digest('hex')
}
