import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { compileFaultModule, faultEnvironment } from '../../src/main/token/testing/fault-module.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { yubihsm, yubikey } from '../../src/main/usb/testing/sample-devices.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'USB while a request is being signed (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let module: string | null = null
    let bench: DeskBench | null = null
    beforeAll(async () => {
      const made = await makeSharedTokens()
      module = compileFaultModule(made.folder)
      // A module that shows the soft token as a YubiKey, which a device on USB can be; each signature takes a while.
      const named = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5' }
      const soft = {
        ...made.soft,
        tokens: made.soft.tokens.map((token) => ({ ...token, id: { ...token.id, ...named } })),
      }
      tokens = { ...made, soft }
    })
    afterAll(() => tokens.dispose())
    afterEach(async () => {
      await bench?.dispose()
      bench = null
    })
    async function open(path: string): Promise<DeskBench> {
      const environment = faultEnvironment('yubico', tokens.soft.module, join(tokens.folder, 'calls'))
      bench = await DeskBench.make({ tokens, module: path, environment })
      await bench.station.tokens.devicesChanged([yubikey, yubihsm])
      return bench
    }
    const noCompiler = 'there is no C compiler (apt-get install gcc)'

    test('another device that comes and goes disturbs nothing', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      const desk = await open(module)
      const work = await desk.ask(4)
      desk.at('token', 'before', () => void desk.station.tokens.devicesChanged([yubikey]), 1)
      desk.at('token', 'before', () => void desk.station.tokens.devicesChanged([yubikey, yubihsm]), 2)
      await desk.approve(work)
      expect(await desk.untilCompleted(work)).toBe('success')
      expect((await desk.until(work, 'done')).summary.outcome).toBe('signed')
      return undefined
    })

    test('the token’s own going is told at once; what was under way is an incident, and nothing is signed twice', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      const desk = await open(module)
      const work = await desk.ask(5)
      desk.at('token', 'before', () => void desk.station.tokens.devicesChanged([yubihsm]), 2)
      await desk.approve(work)
      const incident = await desk.until(work, 'incident')
      const [opened] = await desk.entries('incident-opened')
      expect(opened?.['reason']).toContain('The token was removed')
      const states = (await desk.signatures(work)).map(({ state }) => state)
      expect(states.filter((state) => state === 'signed').length).toBeGreaterThan(0)
      expect(states).toContain('begun')
      // Put in again it is another plug, and nothing goes on by itself.
      await desk.station.tokens.devicesChanged([yubihsm, { ...yubikey, plug: '1-1:1.5', address: 5 }])
      expect((await desk.show(work)).summary.stage).toBe('incident')
      orThrow(await desk.station.desk.closeIncident(incident.summary.id, 'The YubiKey was pulled by mistake.'))
      expect(await desk.untilCompleted(work)).toBe('failure')
      // The next request is signed with it.
      const next = await desk.ask(1)
      await desk.approve(next)
      expect(await desk.untilCompleted(next)).toBe('success')
      return undefined
    })
  },
)
