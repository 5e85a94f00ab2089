import { z } from 'zod'
import { utcTime } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { canonicalText, parseCanonical } from '../../canonical/canonical-json.ts'
import { decodeHash, encodeBase64 } from './base64.ts'
import { maxEntryBytes } from './encode.ts'

// docs/formats/export.md: JSON Lines. A reader takes one line at a time and keeps none.

/** No line of an export is longer. */
export const maxExportLine = 2 * maxEntryBytes

/** What the lines that follow are, and who claims so: nothing here is signed. */
export const exportHeader = z.strictObject({
  signingStationExport: z.literal(1),
  origin: z.string().min(1).max(400),
  vkey: z.string().max(1000),
  /** Entries that the log had when it was exported. */
  size: z.int().nonnegative(),
  /** What the operator asked for, in words for people; null: everything. */
  selection: z.string().max(1000).nullable(),
  madeAt: utcTime,
  softwareVersion: z.string().max(100),
})
export type ExportHeader = z.infer<typeof exportHeader>

const omittedLine = z.strictObject({
  omitted: z.strictObject({ count: z.int().positive(), hashes: z.array(z.string().length(44)).max(120) }),
})
const checkpointLine = z.strictObject({ checkpoint: z.string().max(maxEntryBytes) })
const endLine = z.strictObject({ end: z.strictObject({ size: z.int().nonnegative() }) })
const line = z.union([omittedLine, checkpointLine, endLine])

export type ExportLine =
  | { readonly kind: 'entry'; readonly bytes: Buffer }
  | { readonly kind: 'omitted'; readonly count: number; readonly hashes: readonly Uint8Array[] }
  | { readonly kind: 'checkpoint'; readonly note: string }
  | { readonly kind: 'end'; readonly size: number }

export function headerLine(header: ExportHeader): string {
  return `${canonicalText(exportHeader.parse(header))}\n`
}

const entryStart = Buffer.from('{"entry":')
const entryEnd = Buffer.from('}\n')

export function entryLine(entry: Uint8Array): Uint8Array {
  return Buffer.concat([entryStart, entry, entryEnd])
}

export function omittedLineOf(count: number, hashes: readonly Uint8Array[]): string {
  return `${canonicalText({ omitted: { count, hashes: hashes.map(encodeBase64) } })}\n`
}

export function checkpointLineOf(note: string): string {
  return `${canonicalText({ checkpoint: note })}\n`
}

export function endLineOf(size: number): string {
  return `${canonicalText({ end: { size } })}\n`
}

export function parseHeaderLine(bytes: Uint8Array): Result<ExportHeader, string> {
  const parsed = parseCanonical(bytes)
  if (parsed === null) return err('its first line is not canonical JSON')
  const header = exportHeader.safeParse(parsed.value)
  return header.success ? ok(header.data) : err('its first line is not the header of an export of this version')
}

/** One line after the first, without its line end. An entry's bytes are a view of the line and are not looked into. */
export function parseExportLine(bytes: Buffer): Result<ExportLine, string> {
  if (bytes.length > entryStart.length && bytes.compare(entryStart, 0, entryStart.length, 0, entryStart.length) === 0) {
    if (bytes[bytes.length - 1] !== 0x7d) return err('the line of an entry does not end with it')
    return ok({ kind: 'entry', bytes: bytes.subarray(entryStart.length, -1) })
  }
  const parsed = parseCanonical(bytes)
  const known = parsed === null ? null : line.safeParse(parsed.value)
  if (known?.success !== true) return err('a line is none that an export has')
  if ('checkpoint' in known.data) return ok({ kind: 'checkpoint', note: known.data.checkpoint })
  if ('end' in known.data) return ok({ kind: 'end', size: known.data.end.size })
  const { count, hashes: texts } = known.data.omitted
  const hashes = texts.map(decodeHash).filter((hash) => hash !== null)
  return hashes.length === texts.length ? ok({ kind: 'omitted', count, hashes }) : err('a line has a hash that is none')
}
