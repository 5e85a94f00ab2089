import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a station that goes off duty (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
    })
    afterAll(() => tokens.dispose())
    afterEach(() => bench.dispose())

    const decline = async (work: number) => {
      orThrow(await bench.station.desk.decline((await bench.until(work, 'review')).summary.id, 'not today'))
      await bench.untilCompleted(work)
      await bench.until(work, 'done')
    }

    test.each(['0.11', '0.16'] as const)(
      'shows what a %s had assigned to it and gives to nobody else, and gets nothing new',
      async (dialect) => {
        bench = await DeskBench.make({ tokens, dialect })
        // The bell rings, the answer to the fetch is none, and nobody rings again for a request that is assigned.
        bench.server.faults.add({
          route: 'work-request.fetch',
          times: Number.POSITIVE_INFINITY,
          fault: { kind: 'redirect', status: 302, location: 'https://elsewhere.example.org/' },
        })
        const assigned = await bench.ask(1)
        await vi.waitFor(() => expect(bench.lines.map((line) => line.event)).toContain('requests.fetch-failed'), {
          timeout: 60_000,
        })
        bench.server.faults.clear()
        expect(await bench.idOf(assigned)).toBeNull()
        orThrow(await bench.station.setDuty(false))
        await bench.until(assigned, 'review')

        const later = await bench.ask(1)
        await decline(assigned)
        expect(bench.server.workRequest(later)).toMatchObject({ status: 'pending', worker: null })
        expect(await bench.idOf(later)).toBeNull()
        orThrow(await bench.station.setDuty(true))
        await decline(later)
        expect(bench.server.record.violations).toEqual([])
      },
    )
  },
)
