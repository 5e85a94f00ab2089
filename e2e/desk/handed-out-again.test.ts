import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a request whose token died while a person was reading (needs SoftHSM: apt-get install softhsm2)',
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

    /** As after 7 days: the server knows the request, and not the token that we have for it. */
    const forgetToken = (work: number) =>
      bench.station.database.db
        .updateTable('request')
        .set({ token: 'f'.repeat(64) })
        .where('work_request_id', '=', work)
        .execute()

    test('comes back to be read, and is approved once', async () => {
      const work = await bench.ask(1)
      const before = await bench.until(work, 'review')
      await forgetToken(work)
      await bench.station.desk.watchHeld()
      await vi.waitFor(
        async () => {
          expect((await bench.story(work)).filter((event) => event === 'request-received')).toHaveLength(2)
        },
        { timeout: 60_000 },
      )
      const again = await bench.until(work, 'review')
      expect(again.summary.id).toBe(before.summary.id)
      expect(bench.server.workRequest(work)?.status).toBe('running')
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
      expect((await bench.story(work)).filter((event) => event === 'signed')).toHaveLength(1)
    })

    test('after it was declined is answered as it was declined', async () => {
      const work = await bench.ask(2)
      const detail = await bench.until(work, 'review')
      await forgetToken(work)
      orThrow(await bench.station.desk.decline(detail.summary.id, 'not this one'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      await bench.until(work, 'done')
      expect(bench.server.record.completions.at(-1)).toMatchObject({ outputData: { errors: [{ code: 'declined' }] } })
      expect(await bench.signatures(work)).toEqual([])
    })

    test('after all of it was signed is answered with the signatures that there are', async () => {
      const work = await bench.ask(3)
      bench.at('outcome', 'after', () => void forgetToken(work))
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
      const story = await bench.story(work)
      expect(story.filter((event) => event === 'request-received')).toHaveLength(2)
      expect(story.filter((event) => event === 'signed')).toHaveLength(3)
      const [output] = await bench.server.outputs(work)
      expect(output?.files).toHaveLength(3)
    })
  },
)
