import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'

/** What somebody does who has the file while the station runs, and leaves the schema as it was. */
function behindItsBack(path: string, statement: string): void {
  const file = new BetterSqlite3(path)
  const triggers = file
    .prepare<[], { name: string; sql: string }>(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
    .all()
  for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
  file.exec(statement)
  for (const { sql } of triggers) file.exec(sql)
  file.close()
}

it.each([1, 2])('the last %i entries, taken out while the station runs, end it before the next one', async (many) => {
  const path = join(tempFolder(), 'station.db')
  const station = await auditStation(path)
  await station.write(...sampleEntries())
  for (let made = 0; made < many; made += 1) await station.write(sampleIntent(made))
  const size = sampleEntries().length
  behindItsBack(path, `DELETE FROM audit_entry WHERE seq > ${size}`)
  const written = await writeTransaction(station.db, (trx) => station.log.append(trx, [sampleIntent()]))
  expect(written).toMatchObject({ ok: false, error: { code: 'log-unwritable' } })
  await station.close()
})

it('a transaction that is rolled back takes its entries with it, and the next one goes on', async () => {
  const path = join(tempFolder(), 'station.db')
  const station = await auditStation(path)
  await station.write(...sampleEntries())
  const failing = station.db.transaction().execute(async (trx) => {
    await station.log.append(trx, [sampleIntent(0)])
    await station.log.append(trx, [sampleIntent(1)])
    throw new Error('changed its mind')
  })
  await expect(failing).rejects.toThrow('changed its mind')
  const size = sampleEntries().length
  expect(await station.write(sampleIntent())).toEqual([size + 1])
  // And one that somebody else writes beside it does not count as a rollback.
  behindItsBack(path, 'UPDATE audit_index_reach SET seq = 3')
  expect(await station.write(sampleIntent(1))).toEqual([size + 2])
  await station.close()
})

it.each([
  ['replaced by an older copy', (path: string) => renameSync(`${path}.backup`, path)],
  ['removed with the files beside it', (path: string) => ['', '-wal', '-shm'].map((end) => rmSync(`${path}${end}`))],
  ['moved away', (path: string) => renameSync(path, `${path}.elsewhere`)],
])('a database that is %s while the station runs takes no entry any more', async (_name, change) => {
  const path = join(tempFolder(), 'station.db')
  const before = await auditStation(path)
  await before.write(...sampleEntries().slice(0, 5))
  await before.close()
  copyFileSync(path, `${path}.backup`)
  const station = await auditStation(path)
  await station.write(...sampleEntries().slice(5))
  change(path)
  const written = await writeTransaction(station.db, (trx) => station.log.append(trx, [sampleIntent()]))
  expect(written).toMatchObject({
    ok: false,
    error: { code: 'log-unwritable', detail: expect.stringContaining('database-moved') },
  })
  await station.close()
})
