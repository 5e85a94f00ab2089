import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// The operator closes the window at the worst moment.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)('a station that is closed (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  beforeAll(async () => {
    tokens = await makeSharedTokens()
  })
  afterAll(() => tokens.dispose())
  beforeEach(async () => {
    bench = await DeskBench.make({ tokens })
  })
  afterEach(() => bench.dispose())

  const defects = () => bench.lines.filter(({ event }) => event.includes('defect') || event.includes('fetch-failed'))

  test('while a request is being fetched keeps it: it is handed out once', async () => {
    const fetches = () => bench.server.record.calls.filter((call) => call.route === 'work-request.fetch').length
    let closing: Promise<void> = Promise.resolve()
    bench.at('fetch', 'before', () => {
      closing = bench.close()
    })
    const reached = new Promise<void>((resolve) => bench.at('fetch', 'before', resolve))
    const work = await bench.ask(1)
    await reached
    await closing
    expect(defects()).toEqual([])
    await bench.start()
    const detail = await bench.until(work, 'review')
    expect(fetches()).toBe(1)
    orThrow(await bench.station.desk.decline(detail.summary.id, 'only to see it come'))
    await bench.untilCompleted(work)
  })

  test('while an approval is checked signs nothing, writes no half of a decision, and says so to the window', async () => {
    const work = await bench.ask(2)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    bench.server.faults.add({ route: 'asset.permission', fault: { kind: 'delay', milliseconds: 500 } })
    const approving = bench.station.desk.approve(bench.approval(detail)).then(codeOf)
    await bench.close()
    expect(['cancelled', 'not-enrolled']).toContain(await approving)
    await bench.start()
    expect((await bench.until(work, 'review')).decision).toBeNull()
    expect(await bench.signatures(work)).toEqual([])
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
  })
})
