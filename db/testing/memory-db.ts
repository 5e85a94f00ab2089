import BetterSqlite3 from 'better-sqlite3'
import { migrate, migrations } from '../migrate.ts'
import { type StationDatabase, setPragmas, stationDatabase } from '../open.ts'

/** A database in memory, at the newest version or at `upTo`; the same pragmas but for the journal, which memory has none of. */
export function memoryDatabase(upTo?: number): StationDatabase & { readonly file: BetterSqlite3.Database } {
  const file = new BetterSqlite3(':memory:')
  setPragmas(file, 'memory')
  migrate(file, migrations, upTo)
  return { ...stationDatabase(file, ':memory:', 'write'), file }
}
