import { setImmediate } from 'node:timers/promises'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint, UtcTime } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { checkpointLineOf, endLineOf, entryLine, headerLine, omittedLineOf } from './format/export-file.ts'
import { formatVerifierKey, type VerifierKey } from './format/signed-note.ts'
import { checkpointOf, checkpointSizes, lastCheckpoint, rangeHashes } from './tree.repository.ts'

/** Which entries are written out; the rest is shown to be only left out. All null: everything. */
export interface ExportSelection {
  readonly since: UtcTime | null
  readonly until: UtcTime | null
  readonly fingerprint: Fingerprint | null
  readonly requestId: string | null
}

export const everything: ExportSelection = { since: null, until: null, fingerprint: null, requestId: null }

export interface ExportParts {
  readonly db: ReadonlyKysely<Database>
  readonly key: VerifierKey
  readonly selection: ExportSelection
  readonly softwareVersion: string
  readonly now: Date
  /** Takes the file piece by piece, and resolves when it can take more. */
  readonly write: (chunk: Uint8Array) => Promise<void>
  /** Told how far it came; true stops it. */
  readonly onProgress?: (done: number, size: number) => boolean
}

export type ExportFailure = Failure<'checkpoint-absent' | 'export-cancelled'>

export interface ExportedLog {
  /** Entries that the log has. */
  readonly size: number
  /** Those of them that are in the file. */
  readonly entries: number
}

/** A whole export has one checkpoint in so many entries, and the last; the log itself has one after each decision. */
const checkpointStep = 1024
const slice = 500

/**
 * Writes everything up to the last checkpoint (docs/formats/export.md); sign one first. Entries that are added meanwhile are not
 * in it. Memory does not grow with the log.
 */
export async function exportLog(parts: ExportParts): Promise<Result<ExportedLog, ExportFailure>> {
  const { db, key, selection, write } = parts
  const last = await lastCheckpoint(db)
  if (last === null) return err(noCheckpoint)
  const { size } = last
  await text(
    headerLine({
      signingStationExport: 1,
      origin: key.name,
      vkey: formatVerifierKey(key),
      size,
      selection: inWords(selection),
      madeAt: parts.now.toISOString(),
      softwareVersion: parts.softwareVersion,
    }),
  )
  const stops = (
    await checkpointSizes(db, inWords(selection) === null ? checkpointStep : Number.MAX_SAFE_INTEGER)
  ).filter((stop) => stop < size)
  let at = 0
  let entries = 0
  for (const stop of [...stops, size]) {
    const reached = await entriesUpTo(stop)
    if (!reached) return err(cancelled)
    const checkpoint = stop === size ? last : await checkpointOf(db, stop)
    if (checkpoint !== null) await text(checkpointLineOf(checkpoint.note))
  }
  await text(endLineOf(size))
  return ok({ size, entries })

  async function entriesUpTo(stop: number): Promise<boolean> {
    let looked = at
    for (;;) {
      const rows = await db
        .selectFrom('audit_entry')
        .select(['seq', 'entry'])
        .where('seq', '>', looked)
        .where('seq', '<=', stop)
        .orderBy('seq')
        .limit(slice)
        .execute()
      const pieces: Uint8Array[] = []
      for (const row of rows) {
        looked = row.seq
        if (!isSelected(row.entry, selection)) continue
        if (row.seq > at + 1) pieces.push(await omitted(at, row.seq - 1))
        pieces.push(entryLine(row.entry))
        entries += 1
        at = row.seq
      }
      if (pieces.length > 0) await write(Buffer.concat(pieces))
      if (rows.length < slice) break
      if (parts.onProgress?.(looked, size) === true) return false
      await setImmediate()
    }
    if (at < stop) {
      await write(await omitted(at, stop))
      at = stop
    }
    return true
  }

  async function omitted(start: number, end: number): Promise<Uint8Array> {
    return Buffer.from(omittedLineOf(end - start, await rangeHashes(db, { start, end })))
  }

  async function text(line: string): Promise<void> {
    await write(Buffer.from(line))
  }
}

/**
 * By the bytes that are hashed, not by the columns that repeat them: a column that somebody changed would leave its entry out of an
 * export that still verifies. What cannot be read is not left out.
 */
function isSelected(entry: Uint8Array, selection: ExportSelection): boolean {
  if (inWords(selection) === null) return true
  const said = membersOf(entry)
  if (said === null) return true
  const { since, until, fingerprint, requestId } = selection
  return (
    (since === null || typeof said.at !== 'string' || said.at >= since) &&
    (until === null || typeof said.at !== 'string' || said.at <= until) &&
    (fingerprint === null || said.fingerprint === fingerprint) &&
    (requestId === null || said.requestId === requestId)
  )
}

function membersOf(
  entry: Uint8Array,
): { readonly at?: unknown; readonly fingerprint?: unknown; readonly requestId?: unknown } | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(entry).toString())
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

function inWords({ since, until, fingerprint, requestId }: ExportSelection): string | null {
  const words = [
    since === null ? null : `from ${since}`,
    until === null ? null : `up to ${until}`,
    fingerprint === null ? null : `key ${fingerprint}`,
    requestId === null ? null : `request ${requestId}`,
  ].filter((word) => word !== null)
  return words.length === 0 ? null : words.join(', ')
}

const noCheckpoint: ExportFailure = {
  kind: 'unavailable',
  code: 'checkpoint-absent',
  message: 'The log has no checkpoint, so an export would prove nothing. Sign one, then export.',
}
const cancelled: ExportFailure = {
  kind: 'refused',
  code: 'export-cancelled',
  message: 'The export was cancelled. The file is incomplete, and says so to whoever verifies it.',
}
