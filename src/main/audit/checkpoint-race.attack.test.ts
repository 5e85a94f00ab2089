import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { testMedia } from '../media/testing/test-media.ts'
import { type CheckpointPlace, checkpointFileOf, putCheckpoint } from './checkpoint-file.ts'
import { standingOf } from './checkpoint-history.ts'
import { mediumPlace, ownPlace } from './checkpoint-places.ts'
import { createCheckpointer } from './checkpointer.ts'
import type { SignedCheckpoint } from './format/checkpoint.ts'
import { auditStation } from './testing/audit-station.ts'
import { checkpointedStation, logKeyOf } from './testing/checkpointed-station.ts'
import { sampleIntent } from './testing/sample-entries.ts'
import { sampleCheckpoint, sampleKey, sampleLog } from './testing/sample-log.ts'

const intents = (count: number) => Array.from({ length: count }, (_, index) => sampleIntent(index))
const { key } = sampleKey()

it.each([
  [
    'the profile’s disk',
    async (path: string, work: (place: CheckpointPlace) => Promise<unknown>) => work(ownPlace(path)),
  ],
  [
    'a medium',
    async (path: string, work: (place: CheckpointPlace) => Promise<unknown>) =>
      testMedia().inTurn(dirname(path), (at) => work(mediumPlace(at, dirname(path), basename(path)))),
  ],
])('what a fork of the log puts on %s while we compare is not written over', async (_name, at) => {
  const station = await checkpointedStation(join(tempFolder(), 'station.db'))
  await station.write(...intents(10))
  const older = await station.checkpoint()
  await station.write(sampleIntent())
  const note = await station.checkpoint()
  const medium = tempFolder()
  const path = join(medium, 'copy')
  writeFileSync(path, older)
  const fork = sampleCheckpoint(sampleLog(intents(40)).leaves)
  const ask = (signed: SignedCheckpoint) => standingOf(readerOf(station.db), signed)
  const put = await at(path, (place) =>
    putCheckpoint(place, note, 11, key, async (signed) => {
      const answer = await ask(signed)
      writeFileSync(path, fork)
      return answer
    }),
  )
  expect(put).toMatchObject({ code: 'not-compared' })
  expect(readFileSync(path, 'utf8')).toBe(fork)
  expect(readdirSync(medium)).toEqual(['copy'])
  // And the next one finds what it is.
  expect(await at(path, (place) => putCheckpoint(place, note, 11, key, ask))).toMatchObject({ code: 'contradicts' })
  await station.close()
})

it('a commit that failed and is there all the same is gone on from', async () => {
  const path = join(tempFolder(), 'station.db')
  const station = await auditStation(path)
  let failing = false
  const transaction = station.db.transaction.bind(station.db)
  // What SQLite says of a sync that failed, when the pages are found later nevertheless (sqlite.org/wal.html §2.2).
  station.db.transaction = () => {
    const builder = transaction()
    const execute = builder.execute.bind(builder)
    builder.execute = async (work) => {
      const done = await execute(work)
      if (!failing) return done
      failing = false
      throw new BetterSqlite3.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC')
    }
    return builder
  }
  const checkpointer = createCheckpointer({
    db: station.db,
    key: logKeyOf(sampleKey()),
    file: checkpointFileOf(path),
    media: testMedia(),
    folders: () => [],
    now: () => new Date(0),
  })
  await station.write(...intents(10))
  expect(await checkpointer.write()).toMatchObject({ ok: true, value: { size: 10 } })
  await station.write(...intents(300))
  failing = true
  expect(await checkpointer.write()).toMatchObject({ ok: false, error: { code: 'log-unwritable' } })
  await station.write(sampleIntent())
  expect(await checkpointer.write()).toMatchObject({ ok: true, value: { size: 311 } })
  await station.close()
})
