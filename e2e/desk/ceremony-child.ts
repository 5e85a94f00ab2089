// Runs as a process that the test kills: holds a ceremony on a soft token, or goes on with the one that is open.
import { subscribe } from 'node:diagnostics_channel'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { readerOf } from '../../db/database.ts'
import { openStationDatabase } from '../../db/open.ts'
import { createAuditLog } from '../../src/main/audit/create-audit-log.ts'
import { openCeremony } from '../../src/main/ceremony/ceremony.repository.ts'
import { createCeremonyEngine } from '../../src/main/ceremony/engine.ts'
import { planOf } from '../../src/main/ceremony/script.ts'
import { recoverGenerations } from '../../src/main/keys/finish-generation.ts'
import { createKeyRegistry } from '../../src/main/keys/key-registry.ts'
import { silentLog } from '../../src/main/log/logger.ts'
import { createHsmService } from '../../src/main/token/hsm-service.ts'
import { createTokenService } from '../../src/main/token/service.ts'
import { opensslAt } from '../../src/main/tools/openssl.ts'
import type { StepInput } from '../../src/shared/ceremony.ts'
import type { CeremonyStep } from '../../src/shared/ceremony-script.ts'
import { err } from '../../src/shared/result.ts'
import { Secret } from '../../src/shared/secret.ts'
import { tokenId } from '../../src/shared/token.ts'
import { orThrow } from './desk-bench.ts'

const input = z
  .strictObject({
    module: z.string(),
    configuration: z.string(),
    database: z.string(),
    script: z.string(),
    token: tokenId,
    pin: z.string(),
  })
  .parse(JSON.parse(readFileSync(0, 'utf8')))

let writes = 0
subscribe('station:step', (message) => {
  const step = message as { name: string; when: string } // our own channel
  if (step.name === 'ceremony' && step.when === 'before') writes += 1
})

const { db, close } = orThrow(await openStationDatabase(input.database))
const now = () => new Date()
const tokens = createTokenService({
  node: process.execPath,
  hostEntry: fileURLToPath(new URL('../../src/main/token/host/index.ts', import.meta.url)),
  modules: [input.module],
  serviceKeysFolder: '/nowhere',
  environment: { SOFTHSM2_CONF: input.configuration },
  log: silentLog,
})
const audit = createAuditLog(db, now)
const absent = { kind: 'unavailable', code: 'absent', message: 'This station has none.' } as const
const engine = createCeremonyEngine({
  db,
  audit,
  tokens,
  hsm: createHsmService({ node: process.execPath, hostEntry: '/nowhere', environment: {}, log: silentLog }),
  keys: createKeyRegistry({ db, audit, tokens, opensSealed: async () => err(absent), now }),
  shippedRoots: [],
  checkpoints: { write: async () => err(absent), key: () => null },
  openssl: opensslAt('/usr/bin/openssl', mkdtempSync(join(tmpdir(), 'ceremony-child-'))),
  program: async () => ({
    version: '0',
    sha256: '0'.repeat(64),
    files: 0,
    runtime: 'Node',
    runtimeSha256: '0'.repeat(64),
  }),
  stationName: () => 'desk.example.org',
  now,
  keysChanged: async () => {},
  onSignal: () => {},
})
orThrow(await recoverGenerations({ db, audit, now }))

const script = Buffer.from(input.script)
const found = await openCeremony(readerOf(db))
const plan = orThrow(planOf(script, {}))
const id = found?.summary.id ?? orThrow(await engine.begin(script, plan, plan.planSha256, 'Custodian'))
for (;;) {
  const detail = await engine.show(id)
  const step = detail?.now === null || detail === null ? undefined : detail.plan.script.steps[detail.now]
  if (step === undefined) break
  if (detail?.steps[detail.now ?? 0]?.kind !== 'begun') orThrow(await engine.startStep(id, step.id, 'Custodian'))
  const secrets = { pin: Secret.fromText(input.pin), officerPin: null, useLastTry: false }
  orThrow(await engine.finishStep(id, { step: step.id, input: inputFor(step) }, secrets, 'Custodian'))
}
orThrow(await engine.end(id, 'completed', 'Custodian'))
await tokens.reset()
await close()
process.stdout.write(JSON.stringify({ id, writes }))

function inputFor(step: CeremonyStep): StepInput {
  switch (step.kind) {
    case 'roles':
      return { kind: 'roles', people: [{ role: 'Custodian', name: 'K. Custodian', organisation: null }] }
    case 'inspect-device':
      return { kind: 'inspect-device', token: input.token, serial: input.token.serial, seal: null, remark: null }
    case 'generate-key':
    case 'test-signature':
      return { kind: step.kind }
    default:
      throw new Error(`this ceremony has no step ${step.kind}`)
  }
}
