// Runs as a process that the test kills: opens the station of a profile without a window, opens files by hand and approves them.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { showRequest } from '../../src/main/requests/request-lists.ts'
import { fingerprint } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { openChildStation } from './testing/child-station.ts'

const input = z
  .strictObject({
    profile: z.string(),
    configuration: z.string(),
    paths: z.array(z.string()),
    fingerprint,
    pin: z.string(),
  })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const station = await openChildStation(input)
const { desk, database } = station
const id = await desk.hand.openByHand({
  paths: input.paths,
  signAs: 'uefi-detached',
  fingerprint: input.fingerprint,
  folder: null,
})
if (!id.ok) throw new Error(id.error.message)
for (;;) {
  const detail = await showRequest(database.db, id.value)
  if (detail?.summary.stage === 'done') break
  if (detail?.summary.stage === 'review' && detail.sheetDigest !== null) {
    await desk.show(id.value, detail.sheetDigest)
    await desk.approve({
      requestId: id.value,
      sheetDigest: detail.sheetDigest,
      acknowledged: detail.approvability?.kind === 'approvable' ? detail.approvability.acknowledge : [],
      pin: Secret.fromText(input.pin),
      useLastTry: false,
    })
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
}
await station.close()
process.stdout.write('done')
process.exit(0)
