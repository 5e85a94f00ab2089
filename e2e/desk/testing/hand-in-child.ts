// Runs as a process that the test kills: hands in the signature of the request that standard input names.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { openStationDatabase } from '../../../db/open.ts'
import { createAuditLog } from '../../../src/main/audit/create-audit-log.ts'
import { silentLog } from '../../../src/main/log/logger.ts'
import { findRequest } from '../../../src/main/requests/request.repository.ts'
import { spoolAt } from '../../../src/main/requests/spool.ts'
import { parseState } from '../../../src/main/requests/transition.ts'
import { returnSignature } from '../../../src/main/requests/waiting/return-signature.ts'
import { defaultSettings } from '../../../src/main/settings/settings-store.ts'
import { requestId } from '../../../src/shared/ids.ts'

const input = z
  .strictObject({
    database: z.string(),
    spool: z.string(),
    userTokenFile: z.string(),
    apiUrl: z.string(),
    caPem: z.string(),
    id: requestId,
  })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const opened = await openStationDatabase(input.database)
if (!opened.ok) throw new Error(opened.error.message)
const { db } = opened.value
const now = () => new Date()
const row = await findRequest(db, input.id)
const state = row === null ? null : parseState(row.state)
if (row === null || state?.kind !== 'returning') throw new Error(`the request is ${state?.kind ?? 'not there'}`)
const settings = {
  ...defaultSettings('desk.example.org', 'Release Manager'),
  server: { apiUrl: input.apiUrl, caPem: input.caPem, scope: null },
}
const returned = await returnSignature(
  {
    db,
    audit: createAuditLog(db, now),
    spool: spoolAt(input.spool),
    checkpoint: async () => {},
    userSession: { settings: () => settings, userTokenFile: input.userTokenFile, log: silentLog },
    now,
  },
  row,
  state,
  new AbortController().signal,
)
await opened.value.close()
process.stdout.write(JSON.stringify(returned))
