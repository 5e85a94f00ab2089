import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { Secret } from '../../src/shared/secret.ts'
import { benchPin, codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'
import { IndexDesk } from './testing/index-desk.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

// An approval that is given ahead signs while nobody looks. Each way in which it must end is tried here, on the whole station with a SoftHSM,
// and after each of them the next request has to wait for a person.

describe.skipIf(softHsmModule() === null)('a standing approval (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  let desk: IndexDesk
  let offset = 0
  let steadyOffset = 0
  let seesLock = true
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({
      tokens,
      now: () => new Date(Date.now() + offset),
      standing: { seesLock: () => seesLock, steady: () => performance.now() + steadyOffset },
    })
    const ckaId = tokens.soft.tokens[0]?.keys[1]?.ckaId ?? ''
    desk = await IndexDesk.make(bench, await registerOpenPgp(bench, ckaId, 'openpgp-repository'))
    await desk.begin('forky', 'trixie')
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
  })
  afterEach(async () => {
    for (const { id } of bench.station.desk.standing.list()) await bench.station.desk.standing.withdraw(id)
    offset = 0
    steadyOffset = 0
    seesLock = true
    expect(bench.server.record.violations).toEqual([])
  })

  test('signs what it is for, each use a row that names it, and is over when it is used up', async () => {
    const { id } = await desk.granted({ uses: 2 })
    const work = await desk.ask()
    expect(await bench.untilCompleted(work)).toBe('success')
    const detail = await bench.until(work, 'done')
    expect(await bench.story(work)).toEqual([
      'request-received',
      'standing-approval-used',
      'intent',
      'signed',
      'returned',
    ])
    const used = (await bench.entries('standing-approval-used')).filter((entry) => entry['standing'] === id)
    expect(used.map((entry) => [entry['use'], entry['uses']])).toEqual([
      [1, 2],
      [2, 2],
    ])
    expect(used[1]).toMatchObject({
      requestId: detail.summary.id,
      sheetDigest: detail.sheetDigest,
      operator: 'Release Manager',
    })
    const [given] = (await bench.entries('standing-approval-granted')).filter((entry) => entry['standing'] === id)
    expect(given).toMatchObject({ uses: 2, fingerprint: desk.key.fingerprint, lockSeen: true })
    expect(String(given?.['scope'])).toContain('forky@debian:suite')
    await desk.endedFor(id, 'used-up')
  })

  test('is for no other suite, and not for a Date that goes back: those wait for a person, and it stands', async () => {
    const { id } = await desk.granted()
    await desk.waits(await desk.ask({ suite: 'trixie' }))
    await desk.waits(await desk.ask({ minutes: 9_000 }))
    expect(bench.station.desk.standing.list()).toMatchObject([{ id, used: 1 }])
    const work = await desk.ask()
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })

  test('is withdrawn at once', async () => {
    const { id } = await desk.granted()
    orThrow(await bench.station.desk.standing.withdraw(id))
    expect(codeOf(await bench.station.desk.standing.withdraw(id))).toBe('no-such-standing')
    await desk.endedFor(id, 'operator')
  })

  test('dies with the lock of the desk', async () => {
    const { id } = await desk.granted()
    await bench.station.desk.standing.deskLocked()
    await desk.endedFor(id, 'desk-locked')
  })

  test('dies at the end of its time, and with a clock that goes back', async () => {
    const first = await desk.granted({ minutes: 30 })
    offset = 30 * 60_000
    await bench.station.desk.standing.tokensChanged()
    offset = 0
    await desk.endedFor(first.id, 'time-over')
    const second = await desk.granted()
    offset = -60_000
    await bench.station.desk.standing.tokensChanged()
    offset = 0
    await desk.endedFor(second.id, 'clock-moved-back')
    const third = await desk.granted({ minutes: 30 })
    steadyOffset = 31 * 60_000
    await bench.station.desk.standing.tokensChanged()
    await desk.endedFor(third.id, 'time-over')
  })

  test('is short where the lock cannot be seen, and dies where that stops', async () => {
    const { id } = await desk.granted({ minutes: 120 })
    seesLock = false
    await bench.station.desk.standing.tokensChanged()
    expect(bench.station.desk.standing.list()).toHaveLength(1)
    steadyOffset = 15 * 60_000
    await bench.station.desk.standing.tokensChanged()
    await desk.endedFor(id, 'lock-not-seen')
    const work = await desk.ask()
    const detail = await bench.until(work, 'review')
    expect(codeOf(await desk.grant(detail, { minutes: 16 }))).toBe('standing-too-long')
    await desk.waits(work)
  })

  test('dies with a refused check of its key', async () => {
    const { id } = await desk.granted()
    const work = await desk.ask({ validUntil: 'Fri, 02 Jan 2026 00:00:00 UTC' })
    const detail = await bench.until(work, 'review')
    expect(detail.approvability?.kind).toBe('blocked')
    orThrow(await bench.station.desk.decline(detail.summary.id, 'over'))
    await bench.until(work, 'done')
    await desk.endedFor(id, 'check-refused')
  })

  test('dies with its token, before anything is asked of it', async () => {
    const { id } = await desk.granted()
    const folder = join(tokens.folder, 'tokens')
    renameSync(folder, `${folder}.away`)
    try {
      // As a module forgets a token that was pulled out: its process is gone, and the token is not there any more.
      await bench.station.tokens.reset()
      await bench.station.desk.standing.tokensChanged()
      await vi.waitFor(async () => expect(await desk.endsOf(id)).toEqual(['token-lost']))
    } finally {
      renameSync(`${folder}.away`, folder)
      await bench.station.tokens.reset()
    }
    await desk.endedFor(id, 'token-lost')
  })

  test('gives way to a person who approves with the same token', async () => {
    const { id } = await desk.granted()
    const work = await desk.ask({ suite: 'trixie' })
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    await desk.endedFor(id, 'token-needed')
  })

  test('dies with its key’s state at once, and is not there when the key is active again', async () => {
    const { id } = await desk.granted()
    const name = { purpose: 'openpgp-repository', fingerprint: desk.key.fingerprint } as const
    orThrow(await bench.station.keys.setState(name, 'suspended', 'Release Manager'))
    orThrow(await bench.station.keys.setState(name, 'active', 'Release Manager'))
    await desk.endedFor(id, 'key-not-active')
  })

  test('dies with the station, and is not there after a start, however that ended', async () => {
    const { id } = await desk.granted()
    await bench.restart()
    await desk.endedFor(id, 'station-stopped')
    // A station that was killed could say nothing: its row is left open, as this one.
    const seq = (await bench.entries()).at(-1)?.seq ?? 1
    const left = '00000000-0000-4000-8000-00000000dead'
    await bench.station.database.db
      .insertInto('standing_approval')
      .values({
        id: left,
        purpose: 'openpgp-repository',
        fingerprint: desk.key.fingerprint,
        scope: 'forky',
        uses: 5,
        used: 0,
        granted_seq: seq,
        granted_at: new Date().toISOString(),
        ends_at: new Date(Date.now() + 3_600_000).toISOString(),
        operator: 'Release Manager',
        ended_seq: null,
        why: null,
      })
      .execute()
    await bench.restart()
    await desk.endedFor(left, 'station-died')
  })

  test('is not granted for a wrong PIN, an unseen sheet or another digest, and the PIN is wiped', async () => {
    const work = await desk.ask()
    const detail = await bench.until(work, 'review')
    const pin = Secret.fromText(benchPin)
    const asked = { requestId: detail.summary.id, uses: 1, minutes: 10, useLastTry: false }
    const unseen = { ...asked, sheetDigest: detail.sheetDigest ?? ('0'.repeat(64) as never), pin }
    expect(codeOf(await bench.station.desk.standing.grant(unseen))).toBe('not-now')
    expect(Buffer.from(pin.reveal()).every((byte) => byte === 0)).toBe(true)
    const before = (await bench.entries('login-failed')).length
    expect(codeOf(await desk.grant(detail, { pin: '999999' }))).toBe('pin-incorrect')
    expect((await bench.entries('login-failed')).length).toBe(before + 1)
    const other = { ...unseen, sheetDigest: 'ab'.repeat(32) as never, pin: Secret.fromText(benchPin) }
    expect(codeOf(await bench.station.desk.standing.grant(other))).toBe('not-now')
    expect(bench.station.desk.standing.list()).toEqual([])
    await desk.waits(work)
    // The right PIN again, so that the token counts from the beginning.
    await desk.granted({ uses: 1 })
  })
})
