// Run as a program by durability.test.ts: appends batches to the log at argv[2] and tells after each commit how far it came.
// argv[3]: entries in a batch; argv[4]: a file that takes 500 kB of the disk and is removed after the
// first failure to make room again, or nothing.
import { rmSync, writeFileSync, writeSync } from 'node:fs'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import { auditStation } from './audit-station.ts'
import { sampleIntent } from './sample-entries.ts'

const [path = '', batch = '1', filler = ''] = process.argv.slice(2)
// Synchronously: a line that was written is in the pipe even if the process is killed at once.
const tell = (line: string) => writeSync(1, `${line}\n`)

const station = await auditStation(path, () => new Date())
const bodies = Array.from({ length: Number(batch) }, (_, index) => sampleIntent(index))
const append = () => writeTransaction(station.db, (trx) => station.log.append(trx, bodies))
if (filler !== '') writeFileSync(filler, Buffer.alloc(500_000))
let written = await append()
while (written.ok) {
  tell(`committed ${written.value.at(-1)}`)
  written = await append()
}
tell(`failed ${written.error.code} ${written.error.detail}`)
const { entries } = await station.log.check().then((state) => (state.kind === 'whole' ? state : { entries: -1 }))
tell(`whole ${entries}`)
if (filler !== '') {
  rmSync(filler)
  const again = await append()
  tell(again.ok ? `again ${again.value.at(-1)}` : `again ${again.error.code} ${again.error.detail}`)
}
await station.close()
