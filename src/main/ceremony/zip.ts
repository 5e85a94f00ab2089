import { crc32 } from 'node:zlib'

/** A file of an archive, in the order in which they are written. */
export interface ZipEntry {
  readonly name: string
  readonly content: Uint8Array
}

/** PKZIP APPNOTE 6.3.10 §4.3.7, §4.3.12, §4.3.16. */
const signature = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 } as const
const versionNeeded = 20
/** Bit 11: names are UTF-8 (§4.4.4). */
const utf8Names = 0x0800
/** 1980-01-01 00:00, the earliest that a zip can tell: the same evidence is the same bytes. */
const earliest = { date: 0x0021, time: 0 } as const
/** Unix, mode 0100644 (§4.4.15). */
const madeBy = 0x0314
const externalAttributes = 0o100644 * 0x10000

const maxSize = 0xffff_ffff
const maxEntries = 0xffff

/**
 * A zip whose files are stored as they are: nothing to inflate, the same input gives the same bytes, and any tool opens it. Names are ours;
 * one that leads elsewhere, or stands twice, is a defect.
 */
export function zipOf(entries: readonly ZipEntry[]): Uint8Array {
  if (entries.length > maxEntries) throw new Error(`a zip of ${entries.length} files`)
  const names = new Set<string>()
  const local: Uint8Array[] = []
  const central: Uint8Array[] = []
  let offset = 0
  for (const { name, content } of entries) {
    if (
      !/^(?:[a-z0-9][A-Za-z0-9._-]*\/)*[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) ||
      name.includes('..') ||
      names.has(name)
    )
      throw new Error(`a zip has no file ${JSON.stringify(name)}`)
    names.add(name)
    const bytes = Buffer.from(name, 'utf8')
    const common = fields(
      [2, versionNeeded],
      [2, utf8Names],
      [2, 0],
      [2, earliest.time],
      [2, earliest.date],
      [4, crc32(content)],
      [4, content.length],
      [4, content.length],
      [2, bytes.length],
      [2, 0],
    )
    const header = Buffer.concat([fields([4, signature.local]), common, bytes])
    central.push(
      fields([4, signature.central], [2, madeBy]),
      common,
      fields([2, 0], [2, 0], [2, 0], [4, externalAttributes], [4, offset]),
      bytes,
    )
    local.push(header, content)
    offset += header.length + content.length
    if (offset > maxSize) throw new Error('a zip of more than 4 GiB')
  }
  const directory = Buffer.concat(central)
  const end = fields(
    [4, signature.end],
    [2, 0],
    [2, 0],
    [2, entries.length],
    [2, entries.length],
    [4, directory.length],
    [4, offset],
    [2, 0],
  )
  return Buffer.concat([...local, directory, end])
}

/** Little-endian, as the whole format is. */
function fields(...values: readonly (readonly [2 | 4, number])[]): Uint8Array {
  const bytes = Buffer.alloc(values.reduce((sum, [size]) => sum + size, 0))
  let at = 0
  for (const [size, value] of values) {
    bytes.writeUIntLE(value, at, size)
    at += size
  }
  return bytes
}
