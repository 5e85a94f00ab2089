import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStationDatabase } from '../../../db/open.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import { createAuditLog } from './create-audit-log.ts'
import { auditStation } from './testing/audit-station.ts'
import { alter, codeOf } from './testing/planted-database.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'

// Whoever can write the file, with SQLite in hand and the station not running.

async function station(): Promise<string> {
  const path = join(tempFolder(), 'station.db')
  const made = await auditStation(path)
  await made.write(...sampleEntries())
  await made.close()
  return path
}

const swallowIntents = `CREATE TRIGGER planted BEFORE INSERT ON audit_entry WHEN NEW.event = 'intent'
  BEGIN SELECT RAISE(IGNORE); END`

describe('a database with', () => {
  it('a trigger under a name that only SQLite may give is not opened', async () => {
    const path = await station()
    alter(path, (file) => {
      file.exec(swallowIntents)
      file.exec(`UPDATE sqlite_schema SET name = 'sqlite_planted', sql = replace(sql, 'planted', 'sqlite_planted')
        WHERE name = 'planted'`)
    })
    expect([await codeOf(path, 'write'), await codeOf(path, 'read')]).toEqual(['database-altered', 'database-altered'])
  })

  it('the figures of an ANALYZE is opened, and with anything else in their place it is not', async () => {
    const path = await station()
    alter(path, (file) => file.exec('ANALYZE'))
    expect(await codeOf(path, 'write')).toBe('opened')
    alter(path, (file) =>
      file.exec(`UPDATE sqlite_schema SET sql = 'CREATE VIEW sqlite_stat1 AS SELECT 1' WHERE name = 'sqlite_stat1'`),
    )
    expect(await codeOf(path, 'write')).not.toBe('opened')
  })
})

it('an entry that the database does not take without saying so is a log that cannot be written', async () => {
  const path = await station()
  const opened = await openStationDatabase(path)
  if (!opened.ok) throw new Error(opened.error.message)
  const { db, close } = opened.value
  // Behind the back of the station that runs.
  alter(path, (file) => file.exec(swallowIntents))
  const log = createAuditLog(db, () => new Date())
  expect(await writeTransaction(db, (trx) => log.append(trx, [sampleIntent()]))).toMatchObject({
    ok: false,
    error: { code: 'log-unwritable' },
  })
  await close()
})
