// Runs as a process that the test kills: makes a key on a soft token into the database that standard input names.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { openStationDatabase } from '../../db/open.ts'
import { createAuditLog } from '../../src/main/audit/create-audit-log.ts'
import { generateOnToken } from '../../src/main/keys/generate-key.ts'
import { silentLog } from '../../src/main/log/logger.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { generationPlan } from '../../src/shared/key-generation.ts'
import { Secret } from '../../src/shared/secret.ts'

const input = z
  .strictObject({
    module: z.string(),
    configuration: z.string(),
    database: z.string(),
    plan: generationPlan,
    pin: z.string(),
  })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

const opened = await openStationDatabase(input.database)
if (!opened.ok) throw new Error(opened.error.message)
const { db } = opened.value
const tokens = createTokenService({
  node: process.execPath,
  hostEntry: fileURLToPath(new URL('../../src/main/token/host/index.ts', import.meta.url)),
  modules: [input.module],
  serviceKeysFolder: '/nowhere',
  environment: { SOFTHSM2_CONF: input.configuration },
  log: silentLog,
})
const made = await generateOnToken(
  {
    db,
    audit: createAuditLog(db, () => new Date()),
    tokens,
    shippedRoots: [],
    now: () => new Date(),
    serialNumber: () => Buffer.concat([Buffer.from([0x41]), randomBytes(19)]),
  },
  { plan: input.plan, forRequest: null },
  { pin: Secret.fromText(input.pin), officerPin: null, useLastTry: false, onSignal: () => {} },
  'Custodian',
)
await tokens.reset()
await opened.value.close()
process.stdout.write(JSON.stringify({ ok: made.ok, state: made.ok ? made.value.state : made.error.code }))
