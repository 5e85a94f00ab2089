import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { auditStation } from '../../src/main/audit/testing/audit-station.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { TokenBench } from '../../src/main/token/testing/token-bench.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// The station is killed (SIGKILL) while two keys make a certificate. Whatever the point: each use of a key is on record, no half of a
// certificate is registered, and what was begun is done again from the start.

const pins = ['314159', '271828'] as const
const child = fileURLToPath(new URL('./certify-child.ts', import.meta.url))
const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))
const bySubkey = ['openpgp-primary-key-binding', 'possession-challenged']
const byBoth = [...bySubkey, 'openpgp-certification', 'openpgp-subkey-binding', 'openpgp-key-revocation']
const registered = ['key-registered', 'key-attested', 'openpgp-subkey-bound']

describe.skipIf(softHsmModule() === null)(
  'killed while two keys make a certificate (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let bench: TokenBench
    beforeAll(async () => {
      bench = await TokenBench.make(pins.map((pin) => ({ label: pin, pin, keys: [{ algorithm: 'ec-p256' }] })))
    })
    afterAll(() => bench.dispose())

    test.for([
      ['openpgp-binding:after', bySubkey],
      ['registration:before', byBoth],
      ['registration:after', [...byBoth, ...registered]],
    ] as const)('at %s: nothing is half done', async ([point, logged]) => {
      const database = join(mkdtempSync(join(bench.directory, 'killed-')), 'station.db')
      await (await auditStation(database)).close()
      const { module, configuration } = bench.soft
      const key = (index: 0 | 1) => {
        const { id: token, keys, pin } = bench.token(index)
        return { token, ckaId: keys[0]?.ckaId, spkiSha256: keys[0]?.spkiSha256, pin }
      }
      const input = JSON.stringify({ module, configuration, database, primary: key(0), subkey: key(1) })
      const run = (env: Readonly<Record<string, string>>) =>
        spawnSync(process.execPath, ['--import', killAt, child], { input, env, encoding: 'utf8' })
      const seen = async () => {
        const station = await auditStation(database)
        try {
          const rows = await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()
          const count = async (table: 'signing_key' | 'openpgp_certificate' | 'openpgp_primary') =>
            (await station.db.selectFrom(table).select('fingerprint').execute()).length
          return {
            log: rows.map(({ entry }) => {
              const { event, what }: { event: string; what?: string } = JSON.parse(Buffer.from(entry).toString('utf8')) // our own log
              return what ?? event
            }),
            kept: [await count('signing_key'), await count('openpgp_certificate'), await count('openpgp_primary')],
          }
        } finally {
          await station.close()
        }
      }

      const killed = run({ STATION_KILL_AT: point })
      expect([killed.signal, killed.stdout, killed.stderr]).toEqual(['SIGKILL', '', ''])
      const done = point === 'registration:after'
      expect(await seen()).toEqual({ log: logged, kept: done ? [1, 1, 1] : [0, 0, 0] })
      const again = run({})
      expect([again.stderr, again.stdout]).toEqual([
        '',
        expect.stringMatching(done ? /^"creation-time-differs"$/ : /^"[0-9A-F]{40}"$/),
      ])
      expect(await seen()).toEqual({ log: done ? logged : [...logged, ...byBoth, ...registered], kept: [1, 1, 1] })
    })
  },
)
