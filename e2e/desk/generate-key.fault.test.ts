import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { auditStation } from '../../src/main/audit/testing/audit-station.ts'
import { closeGeneration, continueGeneration, recoverGenerations } from '../../src/main/keys/finish-generation.ts'
import { listGenerations } from '../../src/main/keys/generation.repository.ts'
import type { ServeInput } from '../../src/main/requests/serve-generation.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, TokenBench } from '../../src/main/token/testing/token-bench.ts'
import { planFor, typed, valueOf } from '../devices/testing/generation-bench.ts'
import { DeskBench, orThrow } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

// The station is killed (SIGKILL) at each step of the making of a key, then started again on the same files. Whatever the point: the
// token is never asked without an intent on disk, and a key that may be there and is not registered is an incident or is named.

const pin = '161803'
const child = fileURLToPath(new URL('./generate-child.ts', import.meta.url))
const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))

describe.skipIf(softHsmModule() === null)(
  'killed while a key is made (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let bench: TokenBench
    let id = 0x300
    beforeAll(async () => {
      bench = await TokenBench.make([{ label: 'fault', pin, keys: [] }])
    })
    afterAll(() => bench.dispose())

    test.for([
      // point, in the log afterwards, state of the generation after a new start, whether the token has the key
      ['intent:before', [], null, false],
      ['intent:after', ['key-generation-intended', 'incident-opened'], 'incident', false],
      ['generation:before', ['key-generation-intended', 'incident-opened'], 'incident', false],
      ['generation:after', ['key-generation-intended', 'incident-opened'], 'incident', true],
      ['registration:before', ['key-generation-intended', 'key-generated', 'possession-challenged'], 'made', true],
      [
        'registration:after',
        ['key-generation-intended', 'key-generated', 'possession-challenged', 'key-registered', 'key-attested'],
        'registered',
        true,
      ],
    ] as const)('at %s: nothing is lost and nothing is done twice', async ([point, logged, state, onToken]) => {
      id += 1
      const ckaId = id.toString(16).padStart(4, '0')
      const plan = planFor(bench.token().id, ckaId)
      const database = join(mkdtempSync(join(bench.directory, 'killed-')), 'station.db')
      await (await auditStation(database)).close()
      const run = spawnSync(process.execPath, ['--import', killAt, child], {
        input: JSON.stringify({
          module: bench.soft.module,
          configuration: bench.soft.configuration,
          database,
          plan,
          pin,
        }),
        env: { STATION_KILL_AT: point },
        encoding: 'utf8',
      })
      expect([run.signal, run.stdout, run.stderr]).toEqual(['SIGKILL', '', ''])

      const station = await auditStation(database, () => new Date())
      try {
        const tokens = bench.service()
        const ports = {
          db: station.db,
          audit: station.log,
          tokens,
          shippedRoots: [],
          now: () => new Date(),
          serialNumber: () => Uint8Array.of(0x41, 1),
        }
        const events = async () =>
          (await station.db.selectFrom('audit_entry').select('event').orderBy('seq').execute()).map(
            ({ event }) => event,
          )
        expect(codeOf(await recoverGenerations(ports))).toBe('ok')
        expect(codeOf(await recoverGenerations(ports))).toBe('ok')
        expect(await events()).toEqual(logged)
        expect((await tokens.readPublicKey(plan.token, ckaId)).ok).toBe(onToken)
        const [generation, ...more] = await listGenerations(station.db)
        expect(more).toEqual([])
        expect(generation?.state ?? null).toBe(state)
        if (generation === undefined) return
        if (state === 'incident') {
          // The id stays out of use until a person has looked.
          expect(codeOf(await continueGeneration(ports, generation.id, typed(pin), 'Custodian'))).toBe('not-now')
          expect(codeOf(await closeGeneration(ports, generation.id, 'Looked with pkcs11-tool.', 'Custodian'))).toBe(
            'ok',
          )
          expect((await events()).at(-1)).toBe('incident-closed')
        }
        if (state === 'made') {
          const done = valueOf(await continueGeneration(ports, generation.id, typed(pin), 'Custodian'))
          expect(done).toMatchObject({ state: 'registered', certificateNotOnToken: null })
          expect((await events()).slice(logged.length)).toEqual([
            'certificate-intended',
            'possession-challenged',
            'key-registered',
            'key-attested',
          ])
        }
        const keys = await station.db.selectFrom('signing_key').select('fingerprint').execute()
        expect(keys).toHaveLength(state === 'made' || state === 'registered' ? 1 : 0)
      } finally {
        await station.close()
      }
    })
  },
)

describe.for(['0.11', '0.16'] as const)('a key whose asset may be at the server already (debusine %s)', (dialect) => {
  test.for(['before', 'after'] as const)('is reported once when the server is lost %s it makes it', async (when) => {
    const bench = await DeskBench.make({ tokens: null, dialect })
    try {
      const settings = bench.station.settings()
      orThrow(
        await bench.station.saveSettings({ ...settings, keyRequests: { accept: true, software: true, tokens: [] } }),
      )
      bench.server.faults.add({ route: 'asset', nth: 1, fault: { kind: 'server-lost', when } })
      const work = bench.server.addWorkRequest({
        taskName: 'generatekey',
        taskData: { purpose: 'uefi', description: 'Once' },
      })
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      const place: ServeInput['place'] = { kind: 'software' }
      if (detail.sheetDigest === null) throw new Error('no digest')
      orThrow(await bench.station.desk.serve({ requestId: detail.summary.id, sheetDigest: detail.sheetDigest, place }))
      await vi.waitFor(async () => expect((await bench.show(work)).failure?.code).toBe('server-unreachable'), 100_000)
      await bench.close()
      await bench.server.comeOnline()
      await bench.start()
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
      const sent = bench.server.record.calls.filter(
        ({ path, method }) => path === '/api/1.0/asset/' && method === 'POST',
      )
      expect(sent.at(-1)?.status).toBe(when === 'before' ? 201 : 200)
      expect((await bench.entries('key-asset-created')).length).toBe(1)
      expect((await bench.station.keys.list()).filter(({ description }) => description === 'Once')).toHaveLength(1)
      expect(bench.server.record.violations).toEqual([])
    } finally {
      await bench.dispose()
    }
  })
})
