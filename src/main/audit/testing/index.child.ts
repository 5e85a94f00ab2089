// Run as a program by index-kill.test.ts: indexes the log at argv[2] and kills itself in the second slice, where argv[3] says.
import BetterSqlite3 from 'better-sqlite3'
import { Kysely } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import { setPragmas } from '../../../../db/open.ts'
import { StationDialect } from '../../../../db/station-dialect.ts'
import { indexEntries } from '../entry-index.ts'

const [path = '', point = ''] = process.argv.slice(2)
const file = new BetterSqlite3(path, { fileMustExist: true })
setPragmas(file, 'write')
let slices = 0
const killAt = (here: string) => {
  if (here === point && slices === 2) process.kill(process.pid, 'SIGKILL')
}
// Told after each statement.
const db = new Kysely<Database>({
  dialect: new StationDialect(file),
  log: ({ query: { sql } }) => {
    if (sql.startsWith('INSERT OR IGNORE INTO audit_index'))
      killAt(sql.includes('SELECT 1 AS kind') ? 'first-kind' : '')
    if (sql.includes('SELECT 8 AS kind')) killAt('all-kinds')
    if (sql.startsWith('update "audit_index_reach"')) killAt('reach')
    if (sql === 'commit') killAt('commit')
  },
})
await indexEntries(db, () => {
  slices += 1
  killAt('between')
  return false
})
