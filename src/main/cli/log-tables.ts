import type { DatabaseSync } from 'node:sqlite'

/** The tables that the log is read from. */
const logTables = ['audit_entry', 'audit_checkpoint', 'audit_log_key', 'audit_cosignature'] as const

/**
 * Why this database holds no log that can be read, for people; null: it does. A view, a virtual table or a column that is computed
 * may answer one query so and the next one otherwise, and a few bytes of it may come to any number: only what is stored is read.
 */
export function tablesFault(file: DatabaseSync): string | null {
  const stored = file
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name IN (${logTables.map(() => '?').join()})`,
    )
    .all(...logTables)
  if (stored.length !== logTables.length) return 'The database has no log with checkpoints: it is of an older version.'
  // What the schema says of itself can be written by hand; these two say what SQLite makes of it. As statements: a planted table of
  // that name would take the place of the function pragma_table_list().
  const tables = file.prepare('PRAGMA main.table_list').all()
  for (const wanted of logTables) {
    const found = tables.filter(({ name }) => String(name).toLowerCase() === wanted)
    if (found.length !== 1 || found[0]?.['type'] !== 'table') return notOurs
    const columns = file.prepare(`PRAGMA main.table_xinfo(${wanted})`).all()
    // 1: hidden, 2 and 3: generated (sqlite.org/pragma.html#pragma_table_xinfo).
    if (columns.length === 0 || columns.some(({ hidden }) => hidden !== 0)) return notOurs
  }
  return null
}

const notOurs =
  'These are not the tables of a station’s log: one of them is no stored table, or has a column that is computed.'
