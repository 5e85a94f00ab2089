import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries } from './testing/sample-entries.ts'

it('entries of an event that this version does not know are found, wherever their names stand among the others', async () => {
  const station = await auditStation(join(tempFolder(), 'station.db'))
  await station.write(...sampleEntries())
  expect(await station.log.list({ event: 'unreadable' }, null, 100)).toMatchObject({ rows: [], total: 0 })
  const file = new BetterSqlite3(station.path)
  file.exec('DROP TRIGGER audit_entry_no_update')
  const names = ['aaa', 'countersigned', 'zzz', '\u202esigned']
  for (const [index, name] of names.entries())
    file
      .prepare(
        `UPDATE audit_entry SET event = ?, entry = CAST('{"event":' || json_quote(?) || '}' AS BLOB) WHERE seq = ?`,
      )
      .run(name, name, 3 + index)
  file.close()
  const found = await station.log.list({ event: 'unreadable' }, null, 100)
  expect(found.total).toBe(4)
  expect(found.rows.map((row) => [row.seq, row.event])).toEqual([6, 5, 4, 3].map((seq) => [seq, 'unreadable']))
  expect(found.rows.map((row) => row.summary).join()).toContain('recorded as “countersigned”')
  const all = await station.log.list({}, null, 100)
  expect(all.rows.filter((row) => row.event === 'unreadable')).toEqual(found.rows)
  await station.close()
})
