// Runs as a process that the test kills: answers a question of the server that standard input names.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { openStationDatabase } from '../../../db/open.ts'
import { createAuditLog } from '../../../src/main/audit/create-audit-log.ts'
import { silentLog } from '../../../src/main/log/logger.ts'
import { answerConfirm } from '../../../src/main/requests/waiting/confirm-task.ts'
import { defaultSettings } from '../../../src/main/settings/settings-store.ts'
import { workRequestId } from '../../../src/shared/ids.ts'
import { confirmWords } from '../../../src/shared/waiting.ts'

const input = z
  .strictObject({
    database: z.string(),
    apiUrl: z.string(),
    caPem: z.string(),
    userTokenFile: z.string(),
    workRequestId,
    words: confirmWords,
  })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const opened = await openStationDatabase(input.database)
if (!opened.ok) throw new Error(opened.error.message)
const { db } = opened.value
const now = () => new Date()
const answered = await answerConfirm(
  {
    db,
    audit: createAuditLog(db, now),
    settings: () => ({
      ...defaultSettings('desk.example.org', 'Zoë'),
      server: { apiUrl: input.apiUrl, caPem: input.caPem, scope: null },
    }),
    userTokenFile: input.userTokenFile,
    now,
    log: silentLog,
  },
  { workRequestId: input.workRequestId, confirm: true, comment: null, words: input.words },
)
await opened.value.close()
process.stdout.write(JSON.stringify(answered))
