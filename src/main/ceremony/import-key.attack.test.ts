import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../shared/secret.ts'
import { type AuditStation, auditStation } from '../audit/testing/audit-station.ts'
import { registerKey } from '../keys/register-key.ts'
import { softHsmModule } from '../token/testing/soft-token.ts'
import { codeOf, TokenBench } from '../token/testing/token-bench.ts'
import { beginScript, benchEngine, operator, scriptOf, valueOf } from './testing/engine-bench.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const pin = '314159'

describe.skipIf(softHsmModule() === null)('a key that is brought (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  let station: AuditStation
  let count = 0
  beforeAll(async () => {
    const keys = [{ algorithm: 'ec-p256', commonName: 'Signer' }] as const
    bench = await TokenBench.make([{ label: 'ceremony', pin, keys }])
  })
  afterAll(() => bench.dispose())
  beforeEach(async () => {
    station = await auditStation(join(bench.directory, `station-${count++}.db`), () => new Date())
  })
  afterEach(() => station.close())

  const key = () => {
    const [first] = bench.token().keys
    if (first === undefined) throw new Error('there is no key')
    return { ckaId: first.ckaId, certificatePem: first.certificatePem ?? '' }
  }
  const about = { purpose: 'uefi', description: 'Signer', production: false } as const
  const secretsOf = (text: string) => ({ pin: Secret.fromText(text), officerPin: null, useLastTry: false })

  /** What the step of the import came to, with this PIN. */
  async function broughtWith(text: string): Promise<string> {
    const { id: token } = bench.token()
    const engine = benchEngine(station, bench.service(), bench.directory)
    const id = await beginScript(
      engine,
      scriptOf([
        { id: 'device', kind: 'inspect-device', title: 'The token', device: 'token', model: 'any' },
        { id: 'bring', kind: 'import-key', title: 'Bring', key: 'k', device: 'token', objectId: key().ckaId, ...about },
      ]),
    )
    const seen = { kind: 'inspect-device', token, serial: token.serial, seal: null, remark: null } as const
    valueOf(await engine.startStep(id, 'device', operator))
    valueOf(await engine.finishStep(id, { step: 'device', input: seen }, secretsOf(''), operator))
    valueOf(await engine.startStep(id, 'bring', operator))
    const input = { kind: 'import-key', certificatePem: key().certificatePem } as const
    return codeOf(await engine.finishStep(id, { step: 'bring', input }, secretsOf(text), operator))
  }
  const challenges = async () =>
    (await station.db.selectFrom('audit_entry').select('event').execute()).filter(
      ({ event }) => event === 'possession-challenged',
    ).length

  test('proves in the ceremony that it is there', async () => {
    expect([await broughtWith(pin), await challenges()]).toEqual(['ok', 1])
  })

  test('is not called proven because it was registered long before: the device is not asked then', async () => {
    const ports = {
      db: station.db,
      audit: station.log,
      tokens: bench.service(),
      shippedRoots: [],
      now: () => new Date(0),
    }
    const input = { ...about, ...key(), token: bench.token().id, pin: Secret.fromText(pin), useLastTry: false }
    valueOf(await registerKey(ports, input, operator))
    expect([await broughtWith('000000'), await challenges()]).toEqual(['key-known', 1])
  })
})
