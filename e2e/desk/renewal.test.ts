import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { codeOf, DeskBench, orThrow } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const day = 24 * 3600 * 1000

/** Fetches that were answered with a request. */
const fetches = () =>
  bench.server.record.calls.filter(({ route, status }) => route === 'work-request.fetch' && status === 200).length

/** A station whose clock the test moves on; the server's end of the token is made by hand at the same moment. */
let ahead = 0
const now = () => new Date(Date.now() + ahead)
let bench: DeskBench
afterEach(async () => {
  // A renewal is a fetch while a request is held: right only when its token is dead.
  expect(bench.server.record.violations).toEqual([])
  await bench.dispose()
})

describe('a request of a 0.16 that is held for more than seven days', () => {
  beforeEach(async () => {
    ahead = 0
    bench = await DeskBench.make({ tokens: null, now })
  })
  const eightDaysOn = (work: number) => {
    ahead += 8 * day
    expect(bench.server.expireToken(work)).toBe(true)
  }
  const approve = (detail: Awaited<ReturnType<DeskBench['show']>>) =>
    bench.station.desk.approve(bench.approval(detail, { pin: null }))

  test('is not taken for aborted, cannot be approved, and goes on under the same sheet when it is renewed', async () => {
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    const { id } = detail.summary
    await bench.showSheet(detail)
    expect(detail.held).toMatchObject({ renewalsLeft: 3 })
    eightDaysOn(work)
    await bench.station.desk.watchHeld()
    expect(codeOf(await approve(detail))).toBe('work-token-ended')
    const ended = await bench.show(work)
    expect({ stage: ended.summary.stage, digest: ended.sheetDigest }).toEqual({
      stage: 'review',
      digest: detail.sheetDigest,
    })
    expect(Date.parse(ended.held?.tokenEndsAt ?? '')).toBeLessThan(now().getTime())
    expect(await bench.signatures(work)).toEqual([])

    orThrow(await bench.station.desk.renew(id))
    const renewed = await bench.show(work)
    expect(renewed.held?.renewalsLeft).toBe(2)
    expect(Date.parse(renewed.held?.tokenEndsAt ?? '') - now().getTime()).toBeGreaterThan(6.9 * day)
    expect(renewed.held?.since).toBe(detail.held?.since)
    expect(await bench.entries('request-renewed')).toMatchObject([
      { requestId: id, held: true, operator: 'Release Manager' },
    ])
    orThrow(await approve(renewed))
    expect(await bench.untilCompleted(work)).toBe('success')
  })

  test('can be renewed in its last day, not before, and not twice in a row', async () => {
    const work = await bench.ask(1)
    const { id } = (await bench.until(work, 'review')).summary
    const { desk } = bench.station
    expect(codeOf(await desk.renew(id))).toBe('renewal-too-early')
    ahead = 5.9 * day
    expect(codeOf(await desk.renew(id))).toBe('renewal-too-early')
    expect(fetches()).toBe(1)
    ahead = 6.5 * day
    // The token is still good; the sandbox calls every fetch beside a good token a mistake, and this one is not.
    bench.server.expireToken(work)
    const twice = await Promise.all([desk.renew(id), desk.renew(id)])
    expect(twice.map(codeOf).toSorted()).toEqual(['not-now', 'ok'])
    expect(codeOf(await desk.renew(id))).toBe('renewal-too-early')
    expect(fetches()).toBe(2)
  })

  test('that could not be prepared says why, and is prepared by itself when it is renewed', async () => {
    const work = await bench.ask(1)
    const { id } = (await bench.until(work, 'review')).summary
    eightDaysOn(work)
    orThrow(await bench.station.desk.recheck(id))
    const unprepared = await bench.until(work, 'unprepared')
    expect(unprepared.failure?.code).toBe('work-token-ended')
    orThrow(await bench.station.desk.renew(id))
    const again = await bench.until(work, 'review')
    expect(again.failure).toBeNull()
  })

  test('and declined keeps the decision until it is renewed, and tells the server then', async () => {
    const work = await bench.ask(1)
    const { id } = (await bench.until(work, 'review')).summary
    eightDaysOn(work)
    orThrow(await bench.station.desk.decline(id, 'Not this one.'))
    await vi.waitFor(async () => expect((await bench.show(work)).failure?.code).toBe('work-token-ended'), {
      timeout: 60_000,
    })
    // Nor is it tried again by itself: that is for a server that could not be reached.
    ahead += day
    const questions = () => bench.server.record.calls.filter(({ route }) => route !== 'worker.metadata').length
    const before = questions()
    await bench.station.desk.watchHeld()
    expect(questions()).toBe(before)
    expect((await bench.show(work)).failure?.code).toBe('work-token-ended')
    expect(bench.server.record.completions).toEqual([])
    orThrow(await bench.station.desk.renew(id))
    expect(await bench.untilCompleted(work)).toBe('failure')
    expect((await bench.until(work, 'done')).summary.outcome).toBe('declined')
  })

  test('and signed is not called returned because the server does not know its token', async () => {
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    const { id } = detail.summary
    await bench.showSheet(detail)
    // The report is on its way when the server goes away; nobody knows whether it arrived.
    bench.at('completion', 'before', () => void bench.server.goOffline())
    orThrow(await approve(detail))
    await vi.waitFor(async () => expect((await bench.show(work)).failure).not.toBeNull(), { timeout: 100_000 })
    await bench.server.comeOnline()
    eightDaysOn(work)
    orThrow(await bench.station.desk.returnAgain(id))
    await vi.waitFor(async () => expect((await bench.show(work)).failure?.code).toBe('work-token-ended'), {
      timeout: 60_000,
    })
    expect((await bench.show(work)).summary).toMatchObject({ stage: 'returning', outcome: null })
    expect(await bench.entries('returned')).toEqual([])
  })

  test('is let go when the server does not hand it out again, and what came in its place is taken', async () => {
    const work = await bench.ask(1)
    const { id } = (await bench.until(work, 'review')).summary
    ahead += 8 * day
    const next = await bench.ask(2)
    bench.server.abort(work)
    expect(codeOf(await bench.station.desk.renew(id))).toBe('renewal-refused')
    expect((await bench.until(work, 'done')).summary.outcome).toBe('aborted-by-server')
    await bench.until(next, 'review')
    expect(bench.server.workRequest(next)?.workflowData['retry_count'] ?? 0).toBe(0)
  })

  test('and was renewed three times is kept while its token is good, and can be let go when it is dead', async () => {
    const work = await bench.ask(1)
    const { id } = (await bench.until(work, 'review')).summary
    const { desk } = bench.station
    for (const left of [2, 1, 0]) {
      eightDaysOn(work)
      orThrow(await desk.renew(id))
      expect((await bench.show(work)).held?.renewalsLeft).toBe(left)
    }
    ahead += 6.5 * day
    expect(codeOf(await desk.renew(id))).toBe('no-renewal-left')
    expect(fetches()).toBe(4)
    ahead += day
    bench.server.expireToken(work)
    expect(codeOf(await desk.renew(id))).toBe('renewal-refused')
    expect((await bench.until(work, 'done')).summary.outcome).toBe('aborted-by-server')
    expect((await bench.entries('request-renewed')).map((entry) => entry['held'])).toEqual([true, true, true, false])
  })

  test('and is aborted before that is still taken for what it is', async () => {
    const work = await bench.ask(1)
    await bench.until(work, 'review')
    ahead = 6 * day
    bench.server.abort(work)
    await bench.station.desk.watchHeld()
    expect((await bench.until(work, 'done')).summary.outcome).toBe('aborted-by-server')
  })
})

describe('a request of a 0.11', () => {
  test('has no token that ends, and is never renewed: a second fetch would abort it', async () => {
    ahead = 0
    bench = await DeskBench.make({ tokens: null, now, dialect: '0.11' })
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    expect(detail.held).toMatchObject({ tokenEndsAt: null, renewalsLeft: null })
    ahead = 30 * day
    expect(codeOf(await bench.station.desk.renew(detail.summary.id))).toBe('nothing-to-renew')
    expect(fetches()).toBe(1)
    await bench.station.desk.watchHeld()
    expect((await bench.show(work)).summary.stage).toBe('review')
  })
})
