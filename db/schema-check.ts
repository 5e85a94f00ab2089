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

/** What ANALYZE makes (sqlite.org/fileformat2.html §2.6), by whoever ran it: figures for the planner, and nothing that runs. */
const statistics: ReadonlyMap<string, string> = new Map([
  ['table sqlite_stat1', 'CREATE TABLE sqlite_stat1(tbl,idx,stat)'],
  ['table sqlite_stat4', 'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)'],
])

/**
 * A name that begins with `sqlite_` says nothing: with `writable_schema` anything is given one, also a trigger, and SQLite runs it.
 * So only what is known exactly is left out.
 */
function schemaOf(file: BetterSqlite3.Database): ReadonlyMap<string, string> {
  const objects = file
    .prepare<[], SchemaObject>(`SELECT type || ' ' || name AS name, coalesce(sql, '') AS sql FROM sqlite_schema`)
    .all()
  return new Map(objects.filter(({ name, sql }) => statistics.get(name) !== sql).map(({ name, sql }) => [name, sql]))
}
