import BetterSqlite3 from 'better-sqlite3'
import { migrate, migrations } from './migrate.ts'

interface SchemaObject {
  readonly name: string
  readonly sql: string
}

/**
 * Compares tables, indexes, triggers and views with those that the migrations up to `version` make. Whoever can write the file can drop the
 * triggers that keep the log append-only, or plant one that changes rows; both show here. Null: no difference.
 */
export function schemaDifference(file: BetterSqlite3.Database, version: number): string | null {
  const fresh = new BetterSqlite3(':memory:')
  try {
    migrate(fresh, migrations, version)
    const expected = schemaOf(fresh)
    const found = schemaOf(file)
    const altered = [
      ...[...expected]
        .filter(([key, sql]) => found.get(key) !== sql)
        .map(([key]) => (found.has(key) ? `changed: ${key}` : `missing: ${key}`)),
      ...[...found.keys()].filter((key) => !expected.has(key)).map((key) => `added: ${key}`),
    ]
    return altered.length === 0 ? null : altered.join(', ')
  } finally {
    fresh.close()
  }
}

/** Names that begin with `sqlite_` are SQLite's own (sqlite.org/fileformat2.html §2.6): automatic indexes, statistics. */
function schemaOf(file: BetterSqlite3.Database): ReadonlyMap<string, string> {
  const objects = file
    .prepare<[], SchemaObject>(
      `SELECT type || ' ' || name AS name, coalesce(sql, '') AS sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .all()
  return new Map(objects.map(({ name, sql }) => [name, sql]))
}
