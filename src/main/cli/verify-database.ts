import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { maxEntryBytes } from '../audit/format/encode.ts'
import { parseVerifierKey } from '../audit/format/signed-note.ts'
import { type Finding, finding } from '../audit/format/verification.ts'
import { type LogVerifier, verifyLog } from '../audit/format/verify.ts'
import { expectationsFor, type Handed, type Watcher } from './handed.ts'
import { searchFor, type Told, tellBoth } from './log-search.ts'
import { tablesFault } from './log-tables.ts'
import { hasWriteAheadLog, type OpenedDatabase, openForeign } from './open-database.ts'
import { type Outcome, outcomeOf } from './verify-output.ts'

/** "SSDB" in the header of a station's database. */
const applicationId = 0x53534442

/**
 * Reads the log out of a station's database with the SQLite that Node has built in, for reading only and row by row. Triggers and
 * searchable columns are not looked at: the bytes of the entries, the hashes beside them and the checkpoints are what counts. No
 * query may take an index for its table: a planted one can hold other bytes than the table does.
 */
export function verifyDatabase(handed: Handed, watcher: Watcher = {}): Outcome {
  const temporary = process.env['TMPDIR'] || '/tmp'
  let folder: string | null = null
  let database: OpenedDatabase | null = null
  try {
    // Only one with a write-ahead log is copied: for all else the right to read files is enough.
    if (hasWriteAheadLog(realpathSync(handed.wanted.target)))
      folder = mkdtempSync(join(temporary, 'signing-station-verify-'))
    const opened = openForeign(handed.wanted.target, { scratch: join(folder ?? temporary, 'log.db') })
    if (!opened.ok) return { kind: 'usage', sentence: opened.error }
    database = opened.value
    return verifyTables(database.file, handed, watcher)
  } catch (error) {
    const sqlite = sqliteError(error)
    if (sqlite === null) throw error
    if (!sqlite.damaged)
      return {
        kind: 'usage',
        sentence: `The database cannot be read: ${sqlite.message}. Copy it, with the files beside it, to a folder that you may write.`,
      }
    return { kind: 'tampered', finding: damaged(null, sqlite.message), facts: null, file: null }
  } finally {
    database?.close()
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

/** On an open file, so that whoever reads on reads the same state of it. */
export function verifyTables(file: DatabaseSync, handed: Handed, watcher: Watcher = {}): Outcome {
  // One state of the file from here on, even while the station writes.
  // What a planted schema computes or sorts may take neither the machine's memory nor its disk.
  file.exec(
    'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA hard_heap_limit = 268435456; BEGIN',
  )
  if (file.prepare('PRAGMA application_id').get()?.['application_id'] !== applicationId)
    return { kind: 'usage', sentence: 'This is a database of another program.' }
  const notRead = tablesFault(file)
  if (notRead !== null) return { kind: 'usage', sentence: notRead }
  const vkey = file.prepare('SELECT vkey FROM audit_log_key NOT INDEXED').get()?.['vkey']
  const key = typeof vkey === 'string' ? parseVerifierKey(vkey) : null
  const started = expectationsFor(handed, key?.ok === true ? key.value : null)
  if (started.kind === 'usage') return started
  if (started.kind === 'fault') return { kind: 'tampered', finding: started.finding, facts: null, file: null }
  const verifier = verifyLog(started.expectations)
  const search = searchFor(handed, started.expectations.key)
  let fault: Finding | null
  try {
    fault = readRows(file, verifier, tellBoth(search, verifier.size, watcher))
  } catch (error) {
    const sqlite = sqliteError(error)
    if (sqlite?.damaged !== true) throw error
    fault = damaged(verifier.size() + 1, sqlite.message)
  }
  return search.conclude(outcomeOf(verifier.end(fault), null))
}

function readRows(file: DatabaseSync, verifier: LogVerifier, { look, checkpoint }: Told): Finding | null {
  const checkpoints = file.prepare(`SELECT ${safe('c.size')}, c.note || coalesce(o.lines, '')
      FROM audit_checkpoint AS c NOT INDEXED LEFT JOIN (
        SELECT size, group_concat(line, '') AS lines FROM audit_cosignature NOT INDEXED GROUP BY size
      ) AS o ON o.size = c.size ORDER BY c.size`)
  checkpoints.setReturnArrays(true)
  const notes = checkpoints.iterate() as Iterator<unknown>
  let next = nextCheckpoint(notes)
  function take(seq: number, entry: Uint8Array, hashes: Uint8Array): Finding | null {
    const fault = verifier.entry(entry, hashes)
    if (fault !== null) return fault
    look(seq, entry)
    if (next === null || next.size > seq) return null
    const wrong = verifier.checkpoint(next.note)
    if (wrong !== null) return wrong
    checkpoint?.(next.note)
    next = nextCheckpoint(notes)
    return null
  }
  for (const chunk of chunksOf(file)) {
    const fault = takeChunk(chunk, verifier.size() + 1, take)
    if (fault !== null) return fault
  }
  // What is left after the last whole chunk: the end of the log, or the place where it is not one.
  const fault = takeRows(file, verifier, take)
  if (fault !== null) return fault
  if (next === null) return null
  const size = verifier.size()
  return finding(
    'log-shorter',
    [size + 1, next.size],
    `Entries ${size + 1} to ${next.size} are missing at the end: the database has a checkpoint of ${next.size} entries.`,
  )
}

/** Nothing in place of a number that JavaScript does not have: reading one would end the reader and not the log. */
function safe(value: string): string {
  return `CASE WHEN ${value} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER} THEN ${value} END`
}

type Take = (seq: number, entry: Uint8Array, hashes: Uint8Array) => Finding | null

/** Rows of one query. */
const chunkRows = 128

interface Chunk {
  readonly lengths: readonly number[]
  /** The entries, one behind the other, and 64 bytes of hashes for each. */
  readonly entries: Uint8Array
  readonly hashes: Uint8Array
}

/**
 * The log in chunks, each as one row: a value that crosses into JavaScript costs about as much as a hash. Ends at the first chunk that is
 * not full, has a gap, or holds anything that is not of a log; nothing of that one is given.
 */
function* chunksOf(file: DatabaseSync): Generator<Chunk, void> {
  // A table of somebody else's making could have rows before the first, or no key by which a chunk is found without reading it all.
  const lowest = file.prepare(`SELECT ${safe('min(seq)')} AS lowest FROM audit_entry NOT INDEXED`).get()?.['lowest']
  const plan = file.prepare('EXPLAIN QUERY PLAN SELECT 1 FROM audit_entry NOT INDEXED WHERE seq BETWEEN 1 AND 2').get()
  if (lowest !== 1 || !String(plan?.['detail']).includes('INTEGER PRIMARY KEY')) return
  const query = file.prepare(
    `SELECT count(*), group_concat(length(entry), ','),
        CAST(group_concat(CAST(entry AS TEXT), '') AS BLOB), CAST(group_concat(CAST(leaf_hash || prev_hash AS TEXT), '') AS BLOB)
      FROM (SELECT seq, entry, leaf_hash, prev_hash FROM audit_entry NOT INDEXED
        WHERE seq BETWEEN ? AND ? AND typeof(entry) = 'blob' AND length(entry) <= ${maxEntryBytes}
          AND typeof(leaf_hash) = 'blob' AND typeof(prev_hash) = 'blob' ORDER BY seq)`,
  )
  query.setReturnArrays(true)
  for (let from = 1; ; from += chunkRows) {
    const [count, lengthsText, entries, hashes] = rowOrNothing(() => query.get(from, from + chunkRows - 1))
    if (count !== chunkRows || typeof lengthsText !== 'string') return
    if (!(entries instanceof Uint8Array) || !(hashes instanceof Uint8Array)) return
    const lengths = lengthsText.split(',').map(Number)
    const total = lengths.reduce((sum, length) => sum + length, 0)
    if (lengths.length !== chunkRows || total !== entries.length || hashes.length !== chunkRows * 64) return
    yield { lengths, entries, hashes }
  }
}

/** Nothing where the file is damaged: reading row by row comes to the same place, and can name it. */
function rowOrNothing(get: () => unknown): readonly unknown[] {
  try {
    return get() as readonly unknown[]
  } catch (error) {
    if (sqliteError(error)?.damaged !== true) throw error
    return []
  }
}

function takeChunk({ lengths, entries, hashes }: Chunk, first: number, take: Take): Finding | null {
  let start = 0
  for (const [index, length] of lengths.entries()) {
    const fault = take(
      first + index,
      entries.subarray(start, start + length),
      hashes.subarray(index * 64, index * 64 + 64),
    )
    if (fault !== null) return fault
    start += length
  }
  return null
}

function takeRows(file: DatabaseSync, verifier: LogVerifier, take: Take): Finding | null {
  const done = verifier.size()
  const rows = file.prepare(
    `SELECT ${safe('seq')}, CASE WHEN length(entry) <= ${maxEntryBytes} THEN entry END, CAST(leaf_hash || prev_hash AS BLOB)
      FROM audit_entry NOT INDEXED ${done === 0 ? '' : `WHERE seq > ${done}`} ORDER BY seq`,
  )
  rows.setReturnArrays(true)
  for (const row of rows.iterate() as Iterable<unknown>) {
    // With return arrays a row is an array, whatever the types in the library say.
    const [seq, entry, hashes] = row as readonly unknown[]
    const expected = verifier.size() + 1
    if (
      typeof seq !== 'number' ||
      seq < 1 ||
      !(entry instanceof Uint8Array) ||
      !(hashes instanceof Uint8Array) ||
      hashes.length !== 64
    )
      return finding(
        'entry-malformed',
        [expected, expected],
        `The row of entry ${expected} is not one of an audit log.`,
      )
    if (seq > expected)
      return finding(
        'entry-missing',
        [expected, seq - 1],
        `${seq - 1 === expected ? `Entry ${expected} is` : `Entries ${expected} to ${seq - 1} are`} missing: the next one is ${seq}.`,
      )
    const fault = take(seq, entry, hashes)
    if (fault !== null) return fault
  }
  return null
}

function nextCheckpoint(notes: Iterator<unknown>): { readonly size: number; readonly note: string } | null {
  const next = notes.next()
  if (next.done === true) return null
  const [size, note] = next.value as readonly unknown[]
  // A row of other types is handed on as a note that cannot be read, at the next place there is.
  return { size: typeof size === 'number' ? size : 0, note: typeof note === 'string' ? note : '' }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB (sqlite.org/rescode.html) are findings; the others say that we could not read. */
export function sqliteError(error: unknown): { readonly damaged: boolean; readonly message: string } | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  const primary = error.errcode % 256
  return { damaged: primary === 11 || primary === 26, message: error.message }
}

function damaged(seq: number | null, message: string): Finding {
  return finding(
    'database-damaged',
    seq === null ? null : [seq, seq],
    `The database is damaged${seq === null ? '' : ` at or after entry ${seq}`}: ${message}.`,
  )
}
