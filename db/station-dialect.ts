import { statSync } from 'node:fs'
import BetterSqlite3 from 'better-sqlite3'
import {
  CompiledQuery,
  type DatabaseConnection,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'

/**
 * Kysely's SQLite dialect, with three differences: a transaction takes the write lock at once (`BEGIN` is deferred: two
 * writers would both read the head of the log and one would fail at its first write), DDL is transactional, as it is in
 * SQLite, and statements are prepared once.
 */
export class StationDialect extends SqliteDialect {
  readonly #file: BetterSqlite3.Database

  constructor(file: BetterSqlite3.Database) {
    super({ database: file })
    this.#file = file
  }

  override createAdapter(): SqliteAdapter {
    return new StationAdapter()
  }

  override createDriver(): SqliteDriver {
    return new StationDriver(this.#file)
  }
}

class StationAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class StationDriver extends SqliteDriver {
  readonly #file: BetterSqlite3.Database
  readonly #place: string | null

  constructor(file: BetterSqlite3.Database) {
    super({ database: preparedOnce(file) })
    this.#file = file
    this.#place = placeOf(file)
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // With a write-ahead log SQLite goes on in a file that has lost its name, and whatever it commits there is gone with the process.
    if (!this.#file.readonly && placeOf(this.#file) !== this.#place)
      throw new BetterSqlite3.SqliteError(
        'the file has another place than when it was opened',
        'SQLITE_READONLY_DBMOVED',
      )
    await connection.executeQuery(CompiledQuery.raw(this.#file.readonly ? 'begin' : 'begin immediate'))
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // After a full disk or an I/O error SQLite may have rolled back by itself; a second ROLLBACK would fail and hide the cause.
    if (this.#file.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'))
  }
}

/** Which file bears the name of the database now; null: none does, or it is in memory. */
function placeOf(file: BetterSqlite3.Database): string | null {
  const stat = file.memory ? undefined : statSync(file.name, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? null : `${stat.dev}:${stat.ino}`
}

const maxPrepared = 200

/**
 * SQLite compiles a statement anew by itself when the schema has changed, so a kept statement never goes stale. Kysely gives the
 * connection to one query at a time, so none is busy when it is asked for.
 */
function preparedOnce(file: BetterSqlite3.Database): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()
  return {
    close: () => {
      kept.clear()
      file.close()
    },
    prepare: (sql) => {
      const known = kept.get(sql)
      if (known !== undefined) return known
      const statement = file.prepare(sql)
      if (kept.size >= maxPrepared) kept.clear()
      kept.set(sql, statement)
      return statement
    },
  }
}
