// Runs as a process that the test kills: opens the station of a profile without a window, and approves a request or goes on with it.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { showRequest } from '../../src/main/requests/request-lists.ts'
import { requestId } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { openChildStation } from './testing/child-station.ts'

const input = z
  .strictObject({ profile: z.string(), configuration: z.string(), id: requestId, pin: z.string() })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const { id } = input
const station = await openChildStation(input)
const { desk, database } = station
for (;;) {
  const detail = await showRequest(database.db, id)
  if (detail?.summary.stage === 'done') break
  if (detail?.sheetDigest != null) {
    const typed = { requestId: id, sheetDigest: detail.sheetDigest, pin: Secret.fromText(input.pin), useLastTry: false }
    if (detail.summary.stage === 'review') {
      await desk.show(id, detail.sheetDigest)
      const acknowledged = detail.approvability?.kind === 'approvable' ? detail.approvability.acknowledge : []
      await desk.approve({ ...typed, acknowledged })
    }
    if (detail.summary.stage === 'interrupted') await desk.resume(typed)
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
}
await station.close()
process.stdout.write('done')
process.exit(0)
