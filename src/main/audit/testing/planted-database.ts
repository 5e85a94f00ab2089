import BetterSqlite3 from 'better-sqlite3'
import { openStationDatabase } from '../../../../db/open.ts'

/** As whoever can write the file, with SQLite in hand and the station not running. */
export function alter(path: string, change: (file: BetterSqlite3.Database) => void): void {
  const file = new BetterSqlite3(path)
  file.unsafeMode(true)
  file.pragma('writable_schema = ON')
  change(file)
  file.close()
}

/** What the station says when it opens the file. */
export async function codeOf(path: string, mode: 'write' | 'read'): Promise<string> {
  const opened = await openStationDatabase(path, mode)
  if (!opened.ok) return opened.error.code
  await opened.value.close()
  return 'opened'
}
