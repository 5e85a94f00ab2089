// Run as a program by checkpoint-kill.test.ts: writes entries and checkpoints to the log at argv[2] and tells each when it is
// done. argv[3]: where it kills itself, or nothing; argv[4]: a folder for copies.
import { writeSync } from 'node:fs'
import { testMedia } from '../../media/testing/test-media.ts'
import { checkpointFileOf } from '../checkpoint-file.ts'
import { createCheckpointer } from '../checkpointer.ts'
import { auditStation } from './audit-station.ts'
import { logKeyOf } from './checkpointed-station.ts'
import { sampleIntent } from './sample-entries.ts'
import { sampleKey } from './sample-log.ts'

const [path = '', point = '', copies = ''] = process.argv.slice(2)
// Synchronously: a line that was written is in the pipe even if the process is killed at once.
const tell = (line: string) => writeSync(1, `${line}\n`)

const station = await auditStation(path, () => new Date())
const key = logKeyOf(sampleKey())
let rounds = 0
const killAt = (here: string) => {
  if (point === here && rounds === 2) process.kill(process.pid, 'SIGKILL')
}
/** A list that kills its reader: between the file beside the database and the copies. */
const folders = new Proxy([copies], {
  get: (list, name) => {
    if (name === 'map') killAt('after-file')
    return Reflect.get(list, name) as unknown
  },
})
const checkpointer = createCheckpointer({
  media: testMedia(),
  db: station.db,
  key: {
    ...key,
    sign: async (text) => {
      killAt('before-signature')
      return key.sign(text)
    },
  },
  file: checkpointFileOf(path),
  folders: () => {
    killAt('after-commit')
    return folders
  },
  now: () => {
    // Asked for the time of the row: signed, and not in the database yet.
    killAt('before-commit')
    return new Date()
  },
})

for (;;) {
  rounds += 1
  killAt('before-entry')
  const seqs = await station.write(sampleIntent(rounds), sampleIntent(rounds + 1))
  tell(`entries ${seqs.at(-1)}`)
  const written = await checkpointer.write()
  if (!written.ok) throw new Error(written.error.message)
  tell(`checkpoint ${written.value.size} ${JSON.stringify(written.value.note)}`)
}
