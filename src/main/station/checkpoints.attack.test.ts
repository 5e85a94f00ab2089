import { rmSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { startupCheck } from '../audit/startup-check.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries } from '../audit/testing/sample-entries.ts'
import { mediaProcess } from '../media/testing/test-media.ts'
import { type CheckpointsParts, createStationCheckpoints } from './checkpoints.ts'

it('a log whose key, checkpoints and end were taken out is not whole, whatever the index of its events says', async () => {
  const path = join(tempFolder(), 'station.db')
  const station = await checkpointedStation(path)
  const [first, ...more] = sampleEntries()
  if (first === undefined) throw new Error('no entries')
  await station.write(first, { event: 'log-key-created', vkey: station.logKey.vkey, operator: 'Zoë' })
  await station.write(...more)
  await station.checkpoint()

  const file = new BetterSqlite3(path)
  const triggers = file
    .prepare<[], { name: string; sql: string }>(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
    .all()
  for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
  file.exec(`DELETE FROM audit_entry WHERE seq > 12; DELETE FROM audit_checkpoint; DELETE FROM audit_log_key;
    DELETE FROM audit_index; UPDATE audit_index_reach SET seq = 12;
    INSERT INTO audit_index SELECT 1, 'something-else', seq FROM audit_entry WHERE seq <= 12`)
  for (const { sql } of triggers) file.exec(sql)
  file.close()
  rmSync(`${path}.checkpoint`)

  // The check of the entries sees such an index too, where it reads them; in a long log it has not.
  expect(await startupCheck(readerOf(station.db))).toMatchObject({ kind: 'broken' })
  const untouched = () => {
    throw new Error('nothing is asked of this')
  }
  const parts: CheckpointsParts = {
    database: station,
    profile: {
      dir: join(path, '..'),
      database: path,
      logKey: `${path}.no-key`,
    } as CheckpointsParts['profile'],
    tokens: { makeLogKey: untouched, signCheckpoint: untouched },
    settings: untouched,
    media: mediaProcess(),
    now: () => new Date(),
    log: () => {},
    onChange: () => {},
    onContradiction: untouched,
  }
  expect(await createStationCheckpoints(parts).check({ kind: 'whole', entries: 12, head: null })).toMatchObject({
    kind: 'broken',
    firstBadSeq: 2,
  })
  await station.close()
})
