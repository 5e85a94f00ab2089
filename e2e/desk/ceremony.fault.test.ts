import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readerOf } from '../../db/database.ts'
import { auditStation } from '../../src/main/audit/testing/audit-station.ts'
import { canonicalBytes } from '../../src/main/canonical/canonical-json.ts'
import { findCeremony } from '../../src/main/ceremony/ceremony.repository.ts'
import { readTranscript } from '../../src/main/ceremony/transcript.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { TokenBench } from '../../src/main/token/testing/token-bench.ts'
import { ceremonyId } from '../../src/shared/ceremony.ts'

// A ceremony is killed (SIGKILL) before and after each of its writes, and inside the making of its key, then gone on with by a new process on
// the same files. Whatever the point: one key, one story, and a transcript of which the log has every record.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const pin = '161803'
const child = fileURLToPath(new URL('./ceremony-child.ts', import.meta.url))
const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))

function script(objectId: string): string {
  return JSON.stringify({
    format: 'signing-station-ceremony/1',
    title: 'A key on a soft token',
    purpose: 'To be interrupted.',
    steps: [
      { id: 'people', kind: 'roles', title: 'Who is there', roles: [{ role: 'Custodian', minimum: 1 }] },
      { id: 'device', kind: 'inspect-device', title: 'The token', device: 'token', model: 'any' },
      {
        id: 'generate',
        kind: 'generate-key',
        title: 'Generate',
        key: 'k',
        device: 'token',
        purpose: 'uefi',
        description: 'Interrupted',
        production: false,
        algorithm: 'ec-p256',
        objectId,
        label: 'interrupted',
        certificate: {
          kind: 'self-signed',
          subject: { commonName: 'Interrupted', organization: null, unit: null, country: null },
          days: 30,
        },
      },
      { id: 'test', kind: 'test-signature', title: 'Test', key: 'k' },
    ],
  })
}

/** Begun, four steps begun and ended, sealed. */
const writes = 10
const points = [
  ...Array.from({ length: writes }, (_, index) => `ceremony:before:${index + 1}`),
  'ceremony:after:1',
  `ceremony:after:${writes}`,
  // The key is on the token and registered, and the step did not come to its end: it is taken, not made again.
  'registration:after:1',
]

describe.skipIf(softHsmModule() === null)('a ceremony that is killed (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let id = 0x500
  beforeAll(async () => {
    bench = await TokenBench.make([{ label: 'ceremony', pin, keys: [] }])
  })
  afterAll(() => bench.dispose())

  function run(database: string, objectId: string, kill: string | null) {
    return spawnSync(process.execPath, [...(kill === null ? [] : ['--import', killAt]), child], {
      input: JSON.stringify({
        module: bench.soft.module,
        configuration: bench.soft.configuration,
        database,
        script: script(objectId),
        token: bench.token().id,
        pin,
      }),
      env: { PATH: '/usr/bin:/bin', ...(kill === null ? {} : { STATION_KILL_AT: kill }) },
      encoding: 'utf8',
    })
  }

  test.for(points)('at %s goes on where it was', async (point) => {
    id += 1
    const objectId = id.toString(16).padStart(4, '0')
    const database = join(mkdtempSync(join(bench.directory, 'killed-')), 'station.db')
    await (await auditStation(database)).close()
    const killed = run(database, objectId, point)
    expect([killed.signal, killed.stdout, killed.stderr]).toEqual(['SIGKILL', '', ''])
    const sealedAlready = point === `ceremony:after:${writes}`
    const again = sealedAlready ? null : run(database, objectId, null)
    expect(again?.stderr ?? '').toBe('')

    const station = await auditStation(database, () => new Date())
    try {
      const rows = await station.db.selectFrom('audit_entry').select(['seq', 'entry', 'event']).orderBy('seq').execute()
      const entries = rows.map((row) => ({ seq: row.seq, ...JSON.parse(Buffer.from(row.entry).toString()) }))
      const count = (event: string) => rows.filter((row) => row.event === event).length
      expect([
        count('ceremony-begun'),
        count('ceremony-ended'),
        count('key-registered'),
        count('incident-opened'),
      ]).toEqual([1, 1, 1, 0])
      expect(await station.log.check()).toMatchObject({ kind: 'whole' })
      const row = await station.db.selectFrom('ceremony').select('id').executeTakeFirstOrThrow()
      const ceremony = await findCeremony(readerOf(station.db), ceremonyId.parse(row.id))
      const transcript = readTranscript(ceremony?.transcript ?? new Uint8Array())
      expect(transcript?.records.length).toBeGreaterThanOrEqual(9)
      for (const { seq, record } of transcript?.records ?? []) {
        const digest = createHash('sha256')
          .update(canonicalBytes(JSON.parse(JSON.stringify(record))))
          .digest('hex')
        expect(entries.find((entry) => entry.seq === seq)).toMatchObject({ event: record.event, recordSha256: digest })
      }
    } finally {
      await station.close()
    }
  })
})
