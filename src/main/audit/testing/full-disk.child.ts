// Run as a program by checkpoint-disk.test.ts on a small disk: argv[2] is the database, argv[3] a file that takes 500 kB of the disk. Tells
// what becomes of a checkpoint when there is no room, and when there is again.
import { existsSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import { checkpointFileOf } from '../checkpoint-file.ts'
import { checkpointedStation } from './checkpointed-station.ts'
import { sampleIntent } from './sample-entries.ts'

const [path = '', filler = ''] = process.argv.slice(2)
const tell = (line: string) => writeSync(1, `${line}\n`)

writeFileSync(filler, Buffer.alloc(500_000))
const station = await checkpointedStation(path)
const checkpoint = async (name: string) => {
  const written = await station.checkpointer.write()
  tell(`${name} ${written.ok ? written.value.size : `${written.error.code} ${written.error.kind}`}`)
}
const append = () => writeTransaction(station.db, (trx) => station.log.append(trx, [sampleIntent()]))
await append()
await checkpoint('first')
let entries = 1
while ((await append()).ok) entries += 1
// Down to the last page that a small transaction would find.
const note = (value: string) =>
  writeTransaction(station.db, (trx) =>
    trx
      .insertInto('setting')
      .values({ name: 'x', value, updated_at: '2026-01-01T00:00:00.000Z' })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute(),
  )
for (let round = 0; (await note(String(round))).ok; round += 1);
await checkpoint('full')
tell(`file ${existsSync(checkpointFileOf(path))}`)
rmSync(filler)
await checkpoint('again')
const state = await station.log.check()
tell(`whole ${state.kind === 'whole' && state.entries === entries}`)
tell(`entries ${entries}`)
await station.close()
