import { closeSync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { maxEntryBytes } from '../../audit/format/encode.ts'
import { maxExportLine, parseExportLine } from '../../audit/format/export-file.ts'
import { linesOf } from '../../cli/read-lines.ts'
import { sqliteError } from '../../cli/verify-database.ts'
import type { ReadAnswer, ReadJob, ReadOutcome } from '../protocol.ts'
import { buildIndex, type IndexBuilder } from './build-index.ts'
import {
  claimedSize,
  crossing,
  type ExportHead,
  headOfExport,
  kindOfLog,
  noHead,
  openDatabase,
  type Progress,
  stateOf,
  unreadable,
  verifyOpen,
  vkeyOf,
} from './read-log.ts'
import { handedBy, readSafely } from './verify-known.ts'

/**
 * Verifies a foreign log, then makes the index that its entries are listed from. What is damaged is read as far as it can be; the
 * report says what it is worth.
 */
export function openLog(job: Extract<ReadJob, { op: 'open' }>, progress: Progress): ReadAnswer<'open'> {
  return readSafely(job.path, () => {
    const what = kindOfLog(job.path)
    if (what.kind === 'unreadable') return what
    const before = stateOf(job.path)
    const database = what.kind === 'database' ? openDatabase(job.path, job.scratch, progress) : null
    if (database !== null && 'kind' in database) return database
    const file = database?.file ?? null
    try {
      const head: ExportHead = file === null ? headOfExport(job.path) : { ...noHead, size: claimedSize(file) }
      // Read twice: once by the verifier, once for the index.
      const total = head.size === null ? null : 2 * head.size
      const notes: string[] = []
      const outcome = crossing(
        verifyOpen(handedBy(job), file, {
          entry: (seq) => progress(seq, total),
          checkpoint: (note) => {
            notes[0] = note
          },
        }),
      )
      if (outcome.kind === 'unreadable') return outcome
      const verified = outcome.facts?.size ?? 0
      const size = outcome.facts?.lastCheckpoint ?? null
      const index = buildIndex(job.index, { logBytes: before.bytes, rootAt: size })
      const watch = (seq: number) => progress(verified + seq, total)
      const fits = file === null ? indexExport(job.path, index, watch) : indexDatabase(file, index, watch)
      if (!fits)
        return unreadable(
          'The file holds more entries than fit into its size: it was made to fill the disk of whoever opens it. No list can be made of it.',
        )
      // The list must be of the entries that the verdict is about. What the file system says of the file is not enough: a link may
      // lead elsewhere for a moment, and a medium may give other bytes the second time.
      if (outcome.facts !== null && index.root() !== outcome.facts.lastRoot) return otherEntries
      const vkey = job.vkey ?? vkeyOf(job.path, file)
      if (vkey !== null && size !== null && notes[0] !== undefined) index.sign(vkey, size, notes[0])
      const { entries, gaps, openIntents } = index.end()
      // A database with a write-ahead log is read in one state of it, however long that takes and whoever writes meanwhile.
      if (database?.inOneState !== true && stateOf(job.path).state !== before.state) return otherEntries
      return {
        kind: 'opened' as const,
        what: what.kind,
        outcome: withIntents(outcome, gaps ? null : openIntents),
        origin: outcome.facts?.origin ?? head.origin,
        selection: head.selection,
        entries,
        gaps,
        state: before.state,
      }
    } finally {
      database?.close()
    }
  })
}

const otherEntries = unreadable('The file was changed while it was read. Nothing can be said of it; open it again.')

/** Where entries are left out, an intent may have its outcome among them. */
function withIntents(outcome: ReadOutcome, openIntents: readonly number[] | null): ReadOutcome {
  if (outcome.facts === null || openIntents === null) return outcome
  const found = { count: openIntents.length, first: openIntents.slice(0, 100) }
  return { ...outcome, facts: { ...outcome.facts, openIntents: found } }
}

/** Entries by their place: what an entry says of its own number may be a lie. False: they are more than there can be. */
function indexExport(path: string, index: IndexBuilder, progress: (seq: number) => void): boolean {
  const file = openSync(path, 'r')
  try {
    let seq = 0
    let header = true
    for (const piece of linesOf(file, maxExportLine)) {
      if (!('line' in piece)) return true
      if (header) {
        header = false
        continue
      }
      const line = parseExportLine(piece.line)
      if (line.ok && line.value.kind === 'omitted' && Number.isSafeInteger(seq + line.value.count))
        index.skip(seq, line.value.count, line.value.hashes)
      // A line that is none may have been an entry: its number is left free.
      seq +=
        line.ok && line.value.kind === 'omitted' ? line.value.count : !line.ok || line.value.kind === 'entry' ? 1 : 0
      if (!Number.isSafeInteger(seq)) return true
      if (line.ok && line.value.kind === 'entry' && line.value.bytes.length <= maxEntryBytes) {
        if (!index.add(seq, line.value.bytes)) return false
        progress(seq)
      }
    }
    return true
  } finally {
    closeSync(file)
  }
}

function indexDatabase(file: DatabaseSync, index: IndexBuilder, progress: (seq: number) => void): boolean {
  try {
    const rows = file.prepare(
      `SELECT seq, entry FROM audit_entry NOT INDEXED WHERE seq BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER} AND typeof(entry) = 'blob' AND length(entry) <= ${maxEntryBytes} ORDER BY seq`,
    )
    rows.setReturnArrays(true)
    let last = 0
    for (const row of rows.iterate() as Iterable<unknown>) {
      // With return arrays a row is an array, whatever the types in the library say.
      const [seq, entry] = row as readonly unknown[]
      if (typeof seq !== 'number' || seq <= last || !(entry instanceof Uint8Array)) continue
      if (!index.add(seq, entry)) return false
      last = seq
      progress(seq)
    }
  } catch (error) {
    // Torn pages: what came before them is shown.
    if (sqliteError(error) === null) throw error
  }
  return true
}
