import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'what the station does and does not do by itself (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let later = 0
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens, now: () => new Date(Date.now() + later) })
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
    })

    test('a result that a lost server could not take goes to it when it is back', async () => {
      const work = await bench.ask(1)
      await bench.until(work, 'review')
      bench.server.faults.add({ route: 'artifact.create', fault: { kind: 'server-lost', when: 'before' } })
      await bench.approve(work)
      await vi.waitFor(async () => expect((await bench.until(work, 'returning')).failure?.kind).toBe('unavailable'), {
        timeout: 120_000,
      })
      await bench.server.comeOnline()
      await bench.station.desk.watchHeld()
      expect((await bench.until(work, 'returning')).summary.stage).toBe('returning')
      later += 31_000
      await bench.station.desk.watchHeld()
      expect(await bench.untilCompleted(work)).toBe('success')
      expect((await bench.until(work, 'done')).summary.outcome).toBe('signed')
    })

    test('a fetched file that was changed on this machine is not quietly fetched again', async () => {
      const work = await bench.ask(1)
      const detail = await bench.until(work, 'review')
      const folder = join(bench.profile.spool, detail.summary.id)
      const [name = ''] = readdirSync(folder)
      const bytes = readFileSync(join(folder, name))
      bytes[100] = (bytes[100] ?? 0) ^ 1
      writeFileSync(join(folder, name), bytes)
      orThrow(await bench.station.desk.recheck(detail.summary.id))
      const found = await bench.until(work, 'unprepared')
      expect(found.failure?.code).toBe('spool-changed')
      expect(readdirSync(folder)).toEqual([`${name}.changed`])
      // Somebody looked into it and tries again.
      orThrow(await bench.station.desk.recheck(detail.summary.id))
      await bench.until(work, 'review')
      orThrow(await bench.station.desk.decline(detail.summary.id, 'somebody writes into the spool'))
      await bench.untilCompleted(work)
    })
  },
)
