import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a server whose answer is lost on the way (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens })
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
    })

    test('to the report of a result: it is done as it was reported, not as aborted', async () => {
      const work = await bench.ask(1)
      await bench.until(work, 'review')
      bench.server.faults.add({ route: 'work-request.complete', fault: { kind: 'drop', when: 'after' } })
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      expect((await bench.until(work, 'done')).summary.outcome).toBe('signed')
      expect((await bench.story(work)).at(-1)).toBe('returned')
    })

    test('or refused when work was asked for: it is asked again, without another ring', async () => {
      bench.server.faults.add({
        route: 'work-request.fetch',
        times: 2,
        fault: { kind: 'status', status: 502, body: 'Bad Gateway', contentType: 'text/html' },
      })
      const work = await bench.ask(2)
      await vi.waitFor(() => expect(bench.lines.map(({ event }) => event)).toContain('requests.fetch-failed'), {
        timeout: 60_000,
      })
      await vi.waitFor(
        async () => {
          await bench.station.desk.watchHeld()
          expect(await bench.idOf(work)).not.toBeNull()
        },
        { timeout: 60_000 },
      )
      const detail = await bench.until(work, 'review')
      orThrow(await bench.station.desk.decline(detail.summary.id, 'only to see it come'))
      await bench.untilCompleted(work)
    })
  },
)
