import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { Kysely } from 'kysely'
import { err, ok, type Result } from '../src/shared/result.ts'
import type { Database } from './database.ts'
import { type DatabaseFailure, databaseFailure, databaseFailureOf } from './database-failure.ts'
import { fileVersion, migrate, newestVersion } from './migrate.ts'
import { schemaDifference } from './schema-check.ts'
import { StationDialect } from './station-dialect.ts'

/** "SSDB", in the header's `application_id` (sqlite.org/fileformat2.html §1.3.17): a file of another program is not touched. */
export const applicationId = 0x53534442

/** SQLite waits inside the call, hence the whole main process does: long enough for a backup's page, too short to be noticed. */
const busyTimeoutMs = 200

/** `read`: an auditor's copy, or a station whose log is not trusted; nothing is written, not even an upgrade. */
export type OpenMode = 'write' | 'read'

export interface StationDatabase {
  /**
   * One connection: inside a transaction use the transaction. A query on `db` waits for the running transaction to end, and
   * waits for ever when that transaction waits for it.
   */
  readonly db: Kysely<Database>
  readonly path: string
  readonly mode: OpenMode
  /** Waits for the running query; the write-ahead log is merged into the file. */
  readonly close: () => Promise<void>
}

/** Opens an existing station database and upgrades it if it is older. Never creates one. `path` is absolute. */
export async function openStationDatabase(
  path: string,
  mode: OpenMode = 'write',
): Promise<Result<StationDatabase, DatabaseFailure>> {
  assertPath(path)
  let file: BetterSqlite3.Database | null = null
  try {
    if (!statSync(path).isFile()) return err(databaseFailure('database-unreadable', 'not a regular file'))
    accessSync(path, constants.R_OK)
    file =
      mode === 'read' && isOnReadOnlyMedium(path)
        ? readIntoMemory(path)
        : new BetterSqlite3(path, { fileMustExist: true, readonly: mode === 'read', timeout: busyTimeoutMs })
    const refusal = prepareFile(file, mode)
    if (refusal !== null) {
      file.close()
      return err(refusal)
    }
    return ok(stationDatabase(file, path, mode))
  } catch (error) {
    file?.close()
    const failure = databaseFailureOf(error)
    if (failure === null) throw error
    return err(failure)
  }
}

/**
 * Even to read a database in WAL mode SQLite makes two files beside it. Where it cannot (a disc, a folder of somebody else) and
 * there is no write-ahead log that would have to be read too, the file is all there is.
 */
function isOnReadOnlyMedium(path: string): boolean {
  if (existsSync(`${path}-wal`)) return false
  try {
    accessSync(dirname(path), constants.W_OK)
    return false
  } catch {
    return true
  }
}

function readIntoMemory(path: string): BetterSqlite3.Database {
  const bytes = readFileSync(path)
  // Read and write version 1 (sqlite.org/fileformat2.html §1.3.3): memory has no write-ahead log. Only our copy is changed.
  if (bytes.length >= 100) bytes.fill(1, 18, 20)
  return new BetterSqlite3(bytes, { readonly: true })
}

/** Better-sqlite3 trims its path and takes `file:` for a URI: only what names exactly one file gets through. */
export function assertPath(path: string): void {
  if (!isAbsolute(path) || path.trim() !== path || path.includes('\0'))
    throw new Error('the path of a database is absolute and not padded')
}

export function stationDatabase(file: BetterSqlite3.Database, path: string, mode: OpenMode): StationDatabase {
  const db = new Kysely<Database>({ dialect: new StationDialect(file) })
  return {
    db,
    path,
    mode,
    close: async () => {
      await db.destroy()
      // Kysely closes the file only if a query was made.
      file.close()
    },
  }
}

/** Pragmas of a connection. The file is not trusted: it may come from a medium, or have been edited by hand. */
export function setPragmas(file: BetterSqlite3.Database, mode: OpenMode | 'memory'): void {
  // No function with side effects can be called from a view or trigger that somebody planted in the file.
  file.pragma('trusted_schema = OFF')
  file.pragma('cell_size_check = ON')
  file.pragma('foreign_keys = ON')
  // REPLACE fires delete triggers too: a second lock on the audit table's door.
  file.pragma('recursive_triggers = ON')
  if (mode === 'read') {
    file.pragma('query_only = ON')
    return
  }
  if (mode === 'memory') return
  const journal = file.pragma('journal_mode = WAL', { simple: true })
  if (journal !== 'wal') throw new BetterSqlite3.SqliteError(`journal mode is ${String(journal)}`, 'SQLITE_IOERR')
  // Each commit is synced before it returns: an intent is on disk before the token is asked.
  file.pragma('synchronous = FULL')
}

/**
 * `integrity_check` reads the whole file and compares each index with its table, which `quick_check` does not: an index can be made
 * that hides a row from whoever looks by it. It takes twice as long, and the operator waits for the window meanwhile: a file of usual
 * size is compared, a larger one only read through, and one above that not even that. The check of the log is not bound by it.
 */
const integrityCheckBytes = 4 * 1024 * 1024
const quickCheckBytes = 32 * 1024 * 1024

function prepareFile(file: BetterSqlite3.Database, mode: OpenMode): DatabaseFailure | null {
  file.pragma('trusted_schema = OFF')
  // The first read: a file that is no database fails here.
  const version = fileVersion(file)
  if (Number(file.pragma('application_id', { simple: true })) !== applicationId || version === 0)
    return databaseFailure('database-foreign')
  if (version > newestVersion()) {
    return databaseFailure('database-newer', `version ${version}, this program knows ${newestVersion()}`)
  }
  const bytes = Number(file.pragma('page_size', { simple: true })) * Number(file.pragma('page_count', { simple: true }))
  if (bytes <= quickCheckBytes) {
    const check = bytes <= integrityCheckBytes ? 'integrity_check(1)' : 'quick_check(1)'
    const found = file.pragma(check, { simple: true })
    if (found !== 'ok') return databaseFailure('database-corrupt', String(found))
  }
  const difference = schemaDifference(file, version)
  if (difference !== null) return databaseFailure('database-altered', difference)
  if (mode === 'write') {
    // SQLite opens a file that it may not write for reading, without a word; the write lock tells.
    file.exec('BEGIN IMMEDIATE; ROLLBACK;')
  }
  setPragmas(file, mode)
  if (version < newestVersion()) {
    if (mode === 'read') return databaseFailure('database-older', `version ${version}`)
    migrate(file)
  }
  return null
}
