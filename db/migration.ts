import type BetterSqlite3 from 'better-sqlite3'

/** One step of the schema. Never edited after a release; runs inside the one transaction of `migrate`. */
export interface Migration {
  /** Steps of 10, so that a branch can insert. Becomes the file's `user_version`. */
  readonly version: number
  readonly update: (file: BetterSqlite3.Database) => void
}
