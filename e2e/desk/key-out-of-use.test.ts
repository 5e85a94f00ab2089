import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { compileFaultModule, faultEnvironment } from '../../src/main/token/testing/fault-module.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { KeyState } from '../../src/shared/key.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a key that is taken out of use (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let module: string | null = null
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      module = compileFaultModule(tokens.folder)
    })
    afterAll(() => tokens.dispose())
    afterEach(() => bench.dispose())

    /** A station whose token takes 0.4 s for a signature. */
    async function open(): Promise<void> {
      const environment = faultEnvironment('delay', tokens.soft.module, join(tokens.folder, 'calls'))
      bench = await DeskBench.make({ tokens, module: module ?? '', environment })
    }
    const setState = (state: KeyState) =>
      bench.station.keys.setState({ purpose: 'uefi', fingerprint: bench.fingerprint }, state, 'custodian')
    const resume = (detail: RequestDetail) => {
      const { acknowledged: _, ...input } = bench.approval(detail)
      return bench.station.desk.resume(input)
    }

    /** Nothing of the request was begun between the change and the key's return. */
    async function expectNothingBegunSince(work: number, state: KeyState): Promise<void> {
      const entries = await bench.entries()
      const change = entries.find((entry) => entry.event === 'key-state-changed' && entry['to'] === state)
      expect(change).toBeDefined()
      const id = await bench.idOf(work)
      const later = entries.filter((entry) => entry['requestId'] === id && entry.seq > (change?.seq ?? 0))
      expect(later.filter(({ event }) => event === 'intent')).toEqual([])
      expect((await bench.signatures(work)).map((row) => row.state)).not.toContain('begun')
    }

    /** The key comes back, and the request goes to its end under the decision that it has. */
    async function expectGoesOn(work: number, stopped: RequestDetail): Promise<void> {
      expect(codeOf(await resume(stopped))).toBe('key-not-active')
      orThrow(await setState('active'))
      orThrow(await resume(stopped))
      expect(await bench.untilCompleted(work)).toBe('success')
      expect((await bench.story(work)).filter((event) => event === 'approved')).toHaveLength(1)
    }

    test('while a batch of it is being signed signs nothing more until it is active again', async (ctx) => {
      if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
      await open()
      const work = await bench.ask(5)
      let changed: Promise<string> = Promise.resolve('not asked')
      bench.at(
        'token',
        'before',
        () => {
          changed = setState('suspended').then(codeOf)
        },
        2,
      )
      await bench.approve(work)
      const stopped = await bench.until(work, 'interrupted')
      expect(await changed).toBe('ok')
      expect(stopped.failure).toMatchObject({ code: 'key-not-active', message: expect.stringContaining('suspended') })
      const signed = (await bench.signatures(work)).filter((row) => row.state === 'signed').length
      expect(signed).toBeGreaterThan(0)
      expect(signed).toBeLessThan(5)
      await expectNothingBegunSince(work, 'suspended')
      await expectGoesOn(work, stopped)
    })

    test.each(['before', 'after'] as const)('%s its approval is on disk signs nothing', async (when) => {
      await open()
      const work = await bench.ask(2)
      let changed: Promise<string> = Promise.resolve('not asked')
      bench.at('decision', when, () => {
        changed = setState('retired').then(codeOf)
      })
      await bench.approve(work)
      const stopped = await bench.until(work, 'interrupted')
      expect(await changed).toBe('ok')
      expect(stopped.failure?.code).toBe('key-not-active')
      expect((await bench.signatures(work)).filter((row) => row.state === 'signed')).toEqual([])
      await expectNothingBegunSince(work, 'retired')
      await expectGoesOn(work, stopped)
    })

    test('before the first file of an approved batch is begun signs nothing', async (ctx) => {
      if (module === null) return ctx.skip('there is no C compiler (apt-get install gcc)')
      await open()
      const work = await bench.ask(2)
      let changed: Promise<string> = Promise.resolve('not asked')
      bench.at('intent', 'before', () => {
        changed = setState('suspended').then(codeOf)
      })
      await bench.approve(work)
      const stopped = await bench.until(work, 'interrupted')
      expect(await changed).toBe('ok')
      expect(stopped.failure?.code).toBe('key-not-active')
      expect((await bench.signatures(work)).map((row) => row.state)).toEqual(['withdrawn'])
      await expectNothingBegunSince(work, 'suspended')
      await expectGoesOn(work, stopped)
    })
  },
)
