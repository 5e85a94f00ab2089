// Runs as a process that the test kills: has two keys of soft tokens make a certificate into the database that standard input names.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { openStationDatabase } from '../../db/open.ts'
import { createAuditLog } from '../../src/main/audit/create-audit-log.ts'
import { certifyTokenKey } from '../../src/main/keys/openpgp/certify-token-key.ts'
import { silentLog } from '../../src/main/log/logger.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { sha256Hex } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { tokenId } from '../../src/shared/token.ts'

const key = z.strictObject({ token: tokenId, ckaId: z.string(), spkiSha256: sha256Hex, pin: z.string() })
const input = z
  .strictObject({ module: z.string(), configuration: z.string(), database: z.string(), primary: key, subkey: key })
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
const typed = ({ pin, ...place }: z.infer<typeof key>) => ({ ...place, pin: Secret.fromText(pin), useLastTry: false })
const now = () => new Date()
const made = await certifyTokenKey(
  { db, audit: createAuditLog(db, now), tokens, shippedRoots: [], now },
  {
    purpose: 'openpgp',
    description: 'Archive',
    production: true,
    plan: { userId: 'Archive <archive@example.org>', days: null },
    ...typed(input.primary),
    subkey: { ...typed(input.subkey), primarySigns: false },
  },
  'Custodian',
)
await tokens.reset()
await opened.value.close()
process.stdout.write(JSON.stringify(made.ok ? made.value : made.error.code))
