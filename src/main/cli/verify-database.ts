import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { maxEntryBytes } from '../audit/format/encode.ts'
import { parseVerifierKey } from '../audit/format/signed-note.ts'
import { type Finding, finding } from '../audit/format/verification.ts'
import { type LogVerifier, verifyLog } from '../audit/format/verify.ts'
import { findSignature } from './find-signature.ts'
import { expectationsFor, type Handed, type Watcher } from './handed.ts'
import { type Outcome, outcomeOf } from './verify-output.ts'

/** "SSDB" in the header of a station's database. */
const applicationId = 0x53534442

/**
 * Reads the log out of a station's database with the SQLite that Node has built in, for reading only and row by row. Triggers and
 * searchable columns are not looked at: the bytes of the entries, the hashes beside them and the checkpoints are what counts.
 */
export function verifyDatabase(handed: Handed, watcher: Watcher = {}): Outcome {
  let file: DatabaseSync | null = null
  try {
    file = openForReading(handed.wanted.target)
    return verifyTables(file, handed, watcher)
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
    file?.close()
  }
}

/** On an open file, so that whoever reads on reads the same state of it. */
export function verifyTables(file: DatabaseSync, handed: Handed, watcher: Watcher = {}): Outcome {
  // One state of the file from here on, even while the station writes.
  // What a planted generated column computes may not take the machine's memory.
  file.exec(
    'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON; PRAGMA hard_heap_limit = 268435456; BEGIN',
  )
  if (file.prepare('PRAGMA application_id').get()?.['application_id'] !== applicationId)
    return { kind: 'usage', sentence: 'This is a database of another program.' }
  const own = file
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name IN ('audit_entry', 'audit_checkpoint', 'audit_log_key', 'audit_cosignature')`,
    )
    .all()
  if (own.length !== 4)
    return { kind: 'usage', sentence: 'The database has no log with checkpoints: it is of an older version.' }
  const vkey = file.prepare('SELECT vkey FROM audit_log_key').get()?.['vkey']
  const key = typeof vkey === 'string' ? parseVerifierKey(vkey) : null
  const started = expectationsFor(handed, key?.ok === true ? key.value : null)
  if (started.kind === 'usage') return started
  if (started.kind === 'fault') return { kind: 'tampered', finding: started.finding, facts: null, file: null }
  const verifier = verifyLog(started.expectations)
  const search = findSignature(handed.signedFile)
  let fault: Finding | null
  try {
    fault = readRows(file, verifier, {
      ...watcher,
      look: (seq, entry) => {
        search.look(seq, entry)
        watcher.entry?.(seq)
      },
    })
  } catch (error) {
    const sqlite = sqliteError(error)
    if (sqlite?.damaged !== true) throw error
    fault = damaged(verifier.size() + 1, sqlite.message)
  }
  return search.conclude(outcomeOf(verifier.end(fault), null))
}

function readRows(
  file: DatabaseSync,
  verifier: LogVerifier,
  { look, checkpoint }: Watcher & { readonly look: (seq: number, entry: Uint8Array) => void },
): Finding | null {
  const checkpoints =
    file.prepare(`SELECT c.size, c.note || coalesce((SELECT group_concat(line, '') FROM audit_cosignature AS o WHERE o.size = c.size), '')
      FROM audit_checkpoint AS c ORDER BY c.size`)
  checkpoints.setReturnArrays(true)
  const notes = checkpoints.iterate() as Iterator<unknown>
  let next = nextCheckpoint(notes)
  // The two hashes as one column: a blob that crosses into JavaScript costs about as much as a hash.
  const rows = file.prepare(
    `SELECT seq, CASE WHEN length(entry) <= ${maxEntryBytes} THEN entry END, CAST(leaf_hash || prev_hash AS BLOB)
      FROM audit_entry ORDER BY seq`,
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
    const fault = verifier.entry(entry, hashes)
    if (fault !== null) return fault
    look(seq, entry)
    if (next !== null && next.size <= seq) {
      const wrong = verifier.checkpoint(next.note)
      if (wrong !== null) return wrong
      checkpoint?.(next.note)
      next = nextCheckpoint(notes)
    }
  }
  if (next === null) return null
  const size = verifier.size()
  return finding(
    'log-shorter',
    [size + 1, next.size],
    `Entries ${size + 1} to ${next.size} are missing at the end: the database has a checkpoint of ${next.size} entries.`,
  )
}

function nextCheckpoint(notes: Iterator<unknown>): { readonly size: number; readonly note: string } | null {
  const next = notes.next()
  if (next.done === true) return null
  const [size, note] = next.value as readonly unknown[]
  // A row of other types is handed on as a note that cannot be read, at the next place there is.
  return { size: typeof size === 'number' ? size : 0, note: typeof note === 'string' ? note : '' }
}

/**
 * Nothing is written beside the file: where there is no write-ahead log, the file is all there is and is opened as one that
 * nobody changes. Where there is one it belongs to the log and must be read with it.
 */
export function openForReading(path: string): DatabaseSync {
  const wal = `${path}-wal`
  if (existsSync(wal) && statSync(wal).size > 0) return new DatabaseSync(path, { readOnly: true })
  const url = pathToFileURL(resolve(path))
  url.search = '?immutable=1'
  return new DatabaseSync(url, { readOnly: true })
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
