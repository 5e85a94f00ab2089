import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { openStationDatabase } from '../../../db/open.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { startupCheck } from './startup-check.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries } from './testing/sample-entries.ts'

// Whoever can write the file, with SQLite in hand and the station not running.

async function station(): Promise<string> {
  const path = join(tempFolder(), 'station.db')
  const made = await auditStation(path)
  await made.write(...sampleEntries())
  await made.close()
  return path
}

function alter(path: string, change: (file: BetterSqlite3.Database) => void): void {
  const file = new BetterSqlite3(path)
  file.unsafeMode(true)
  file.pragma('writable_schema = ON')
  change(file)
  file.close()
}

async function codeOf(path: string, mode: 'write' | 'read'): Promise<string> {
  const opened = await openStationDatabase(path, mode)
  if (!opened.ok) return opened.error.code
  await opened.value.close()
  return 'opened'
}

it.each([
  ['audit_entry_event', '(event)'],
  ['audit_entry_request', '(request_id)'],
  ['audit_entry_fingerprint', '(fingerprint)'],
])('a database whose index %s says something else than its table is not opened', async (index, columns) => {
  const path = await station()
  let sql = ''
  alter(path, (file) => {
    sql = String(file.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(index))
    const lies = sql.replace(columns, `(iif(seq = 19, 'x', ${columns}))`)
    file.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(lies, index)
  })
  alter(path, (file) => {
    file.exec(`REINDEX ${index}`)
    file.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(sql, index)
  })
  expect([await codeOf(path, 'write'), await codeOf(path, 'read')]).toEqual(['database-corrupt', 'database-corrupt'])
})

it.each([
  ['audit_entry_at', '(at)'],
  ['audit_entry_event', '(event)'],
  ['audit_entry_operator', '(operator)'],
  ['audit_entry_request', '(request_id)'],
  ['audit_entry_work_request', '(work_request_id)'],
  ['audit_entry_fingerprint', '(fingerprint)'],
  ['audit_entry_purpose', '(purpose)'],
  ['audit_entry_sheet', '(sheet_digest)'],
])('a file too large for a comparison, whose index %s hides an entry, is not found whole', async (index, columns) => {
  const path = await station()
  let sql = ''
  alter(path, (file) => {
    // Pages that nothing is in make it large.
    file.exec('CREATE TABLE room (b BLOB); INSERT INTO room VALUES (zeroblob(40000000)); DROP TABLE room')
    sql = String(file.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(index))
    const lies = sql.replace(columns, `(iif(seq = 19, 7, ${columns}))`)
    file.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(lies, index)
  })
  alter(path, (file) => {
    file.exec(`REINDEX ${index}`)
    file.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?').run(sql, index)
  })
  const opened = await openStationDatabase(path)
  if (!opened.ok) throw new Error(opened.error.message)
  expect(await startupCheck(readerOf(opened.value.db))).toMatchObject({
    kind: 'broken',
    firstBadSeq: 19,
    reason: expect.stringContaining('the index of that column was changed'),
  })
  await opened.value.close()
})
