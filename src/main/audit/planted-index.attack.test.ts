import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { auditStation } from './testing/audit-station.ts'
import { alter, codeOf } from './testing/planted-database.ts'

// Whoever can write the file, with SQLite in hand and the station not running. What the log is searched by is a table, compared
// line by line (entry-index.test.ts); this is about the indexes of SQLite's own, which it believes.

const at = '2026-06-01T12:00:00.000Z'

async function stationWithRequest(): Promise<string> {
  const path = join(tempFolder(), 'station.db')
  await (await auditStation(path)).close()
  const file = new BetterSqlite3(path)
  file.exec(`INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by,
      requested_at, retry_count, title, stage, outcome, state, file_count, signed_count, received_at, updated_at)
    VALUES ('6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10', 'https://s/api', 1, 'w', '${at}', 'sign', '{}', 1, '${at}', 0, 't',
      'review', NULL, '{"kind":"review"}', 2, 0, '${at}', '${at}')`)
  file.close()
  return path
}

it('a database whose index leads elsewhere than its table is not opened', async () => {
  const path = await stationWithRequest()
  expect(await codeOf(path, 'write')).toBe('opened')
  let sql = ''
  alter(path, (file) => {
    sql = String(file.prepare(`SELECT sql FROM sqlite_schema WHERE name = 'request_in_hand'`).pluck().get())
    const lies = sql.replace('(received_at, id)', `(iif(work_request_id = 1, 'z', received_at), id)`)
    file.prepare(`UPDATE sqlite_schema SET sql = ? WHERE name = 'request_in_hand'`).run(lies)
  })
  // Built with that, and then called what it was: the schema is as it should be.
  alter(path, (file) => {
    file.exec('REINDEX request_in_hand')
    file.prepare(`UPDATE sqlite_schema SET sql = ? WHERE name = 'request_in_hand'`).run(sql)
  })
  expect([await codeOf(path, 'write'), await codeOf(path, 'read')]).toEqual(['database-corrupt', 'database-corrupt'])
})
