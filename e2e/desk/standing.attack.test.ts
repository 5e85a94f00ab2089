import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { sampleRelease } from '../../src/main/debian/testing/sample-release.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { Secret } from '../../src/shared/secret.ts'
import { benchPin, codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

// An approval that is given ahead signs while nobody looks. Each way in which it must end is tried here, on the whole station with a SoftHSM,
// and after each of them the next request has to wait for a person.

describe.skipIf(softHsmModule() === null)('a standing approval (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  let key: Awaited<ReturnType<typeof registerOpenPgp>>
  let offset = 0
  let steadyOffset = 0
  let seesLock = true
  /** Minutes before now; each Release is later than the one before. */
  let age = 5_000
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({
      tokens,
      now: () => new Date(Date.now() + offset),
      standing: { seesLock: () => seesLock, steady: () => performance.now() + steadyOffset },
    })
    key = await registerOpenPgp(bench, tokens.soft.tokens[0]?.keys[1]?.ckaId ?? '', 'openpgp-repository')
    orThrow(await bench.station.setDuty(false))
    orThrow(await bench.station.setDuty(true))
    // The first of a suite is a person's.
    for (const suite of ['forky', 'trixie']) {
      const work = await ask({ suite })
      await bench.approve(work)
      await bench.until(work, 'done')
    }
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

  function ask({
    suite = 'forky',
    minutes,
    validUntil,
  }: {
    suite?: string
    minutes?: number
    validUntil?: string
  } = {}): Promise<number> {
    age -= 1
    const at = (ms: number) => new Date(Date.now() + ms).toUTCString().replace('GMT', 'UTC')
    const release = sampleRelease({
      date: at(-(minutes ?? age) * 60_000),
      validUntil: validUntil ?? at(7 * 86_400_000),
      indexes: { 'main/binary-amd64/Packages': `${suite} ${age}` },
    })
    return bench.server.addIndex({
      fingerprints: [key.fingerprint],
      release: Buffer.from(release),
      mode: 'clear',
      suite: `${suite}@debian:suite`,
      signedName: 'InRelease',
    })
  }
  const grant = async (detail: RequestDetail, change: { uses?: number; minutes?: number; pin?: string } = {}) => {
    if (detail.sheetDigest === null) throw new Error('there is no sheet')
    await bench.showSheet(detail)
    return bench.station.desk.standing.grant({
      requestId: detail.summary.id,
      sheetDigest: detail.sheetDigest,
      uses: change.uses ?? 10,
      minutes: change.minutes ?? 60,
      pin: Secret.fromText(change.pin ?? benchPin),
      useLastTry: false,
    })
  }
  /** Granted at a request that is signed by it at once. */
  async function granted(change: Parameters<typeof grant>[1] = {}) {
    const work = await ask()
    const standing = orThrow(await grant(await bench.until(work, 'review'), change))
    await bench.until(work, 'done')
    return standing
  }
  /** A request that waits, and goes on waiting until a person declines it. */
  async function waits(work: number): Promise<RequestDetail> {
    const detail = await bench.until(work, 'review')
    // Once more through all of it: when that is over, whatever approves by itself has had its chance.
    orThrow(await bench.station.desk.recheck(detail.summary.id))
    expect((await bench.show(work)).summary.stage).toBe('review')
    expect(await bench.signatures(work)).toEqual([])
    orThrow(await bench.station.desk.decline(detail.summary.id, 'Not by itself.'))
    await bench.until(work, 'done')
    return detail
  }
  const over = async (id: string) =>
    (await bench.entries('standing-approval-withdrawn')).filter((entry) => entry['standing'] === id)
  async function endedFor(id: string, why: string): Promise<void> {
    await vi.waitFor(async () => expect((await over(id)).map((entry) => entry['why'])).toEqual([why]), 30_000)
    expect(bench.station.desk.standing.list()).toEqual([])
    await waits(await ask())
  }

  test('signs what it is for, each use a row that names it, and is over when it is used up', async () => {
    const { id } = await granted({ uses: 2 })
    const work = await ask()
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
    expect(given).toMatchObject({ uses: 2, fingerprint: key.fingerprint, lockSeen: true })
    expect(String(given?.['scope'])).toContain('forky@debian:suite')
    await endedFor(id, 'used-up')
  })

  test('is for no other suite, and not for a Date that goes back: those wait for a person, and it stands', async () => {
    const { id } = await granted()
    await waits(await ask({ suite: 'trixie' }))
    await waits(await ask({ minutes: 9_000 }))
    expect(bench.station.desk.standing.list()).toMatchObject([{ id, used: 1 }])
    const work = await ask()
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })

  test('is withdrawn at once', async () => {
    const { id } = await granted()
    orThrow(await bench.station.desk.standing.withdraw(id))
    expect(codeOf(await bench.station.desk.standing.withdraw(id))).toBe('no-such-standing')
    await endedFor(id, 'operator')
  })

  test('dies with the lock of the desk', async () => {
    const { id } = await granted()
    await bench.station.desk.standing.deskLocked()
    await endedFor(id, 'desk-locked')
  })

  test('dies at the end of its time, and with a clock that goes back', async () => {
    const first = await granted({ minutes: 30 })
    offset = 30 * 60_000
    await bench.station.desk.standing.tokensChanged()
    offset = 0
    await endedFor(first.id, 'time-over')
    const second = await granted()
    offset = -60_000
    await bench.station.desk.standing.tokensChanged()
    offset = 0
    await endedFor(second.id, 'clock-moved-back')
    const third = await granted({ minutes: 30 })
    steadyOffset = 31 * 60_000
    await bench.station.desk.standing.tokensChanged()
    await endedFor(third.id, 'time-over')
  })

  test('is short where the lock cannot be seen, and dies where that stops', async () => {
    const { id } = await granted({ minutes: 120 })
    seesLock = false
    await bench.station.desk.standing.tokensChanged()
    expect(bench.station.desk.standing.list()).toHaveLength(1)
    steadyOffset = 15 * 60_000
    await bench.station.desk.standing.tokensChanged()
    await endedFor(id, 'lock-not-seen')
    const work = await ask()
    const detail = await bench.until(work, 'review')
    expect(codeOf(await grant(detail, { minutes: 16 }))).toBe('standing-too-long')
    await waits(work)
  })

  test('dies with a refused check of its key', async () => {
    const { id } = await granted()
    const work = await ask({ validUntil: 'Fri, 02 Jan 2026 00:00:00 UTC' })
    const detail = await bench.until(work, 'review')
    expect(detail.approvability?.kind).toBe('blocked')
    orThrow(await bench.station.desk.decline(detail.summary.id, 'over'))
    await bench.until(work, 'done')
    await endedFor(id, 'check-refused')
  })

  test('dies with its token, before anything is asked of it', async () => {
    const { id } = await granted()
    const folder = join(tokens.folder, 'tokens')
    renameSync(folder, `${folder}.away`)
    try {
      // As a module forgets a token that was pulled out: its process is gone, and the token is not there any more.
      await bench.station.tokens.reset()
      await bench.station.desk.standing.tokensChanged()
      await vi.waitFor(async () => expect((await over(id)).map((entry) => entry['why'])).toEqual(['token-lost']))
    } finally {
      renameSync(`${folder}.away`, folder)
      await bench.station.tokens.reset()
    }
    await endedFor(id, 'token-lost')
  })

  test('gives way to a person who approves with the same token', async () => {
    const { id } = await granted()
    const work = await ask({ suite: 'trixie' })
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    await endedFor(id, 'token-needed')
  })

  test('dies with its key’s state', async () => {
    const { id } = await granted()
    const name = { purpose: 'openpgp-repository', fingerprint: key.fingerprint } as const
    orThrow(await bench.station.keys.setState(name, 'suspended', 'Release Manager'))
    const work = await ask()
    const detail = await bench.until(work, 'review')
    expect(await bench.signatures(work)).toEqual([])
    orThrow(await bench.station.keys.setState(name, 'active', 'Release Manager'))
    orThrow(await bench.station.desk.decline(detail.summary.id, 'suspended'))
    await bench.until(work, 'done')
    await endedFor(id, 'check-refused')
  })

  test('dies with the station, and is not there after a start, however that ended', async () => {
    const { id } = await granted()
    await bench.restart()
    await endedFor(id, 'station-stopped')
    // A station that was killed could say nothing: its row is left open, as this one.
    const seq = (await bench.entries()).at(-1)?.seq ?? 1
    const left = '00000000-0000-4000-8000-00000000dead'
    await bench.station.database.db
      .insertInto('standing_approval')
      .values({
        id: left,
        purpose: 'openpgp-repository',
        fingerprint: key.fingerprint,
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
    await endedFor(left, 'station-died')
  })

  test('is not granted for a wrong PIN, an unseen sheet or another digest, and the PIN is wiped', async () => {
    const work = await ask()
    const detail = await bench.until(work, 'review')
    const pin = Secret.fromText(benchPin)
    const asked = { requestId: detail.summary.id, uses: 1, minutes: 10, useLastTry: false }
    const unseen = { ...asked, sheetDigest: detail.sheetDigest ?? ('0'.repeat(64) as never), pin }
    expect(codeOf(await bench.station.desk.standing.grant(unseen))).toBe('not-now')
    expect(Buffer.from(pin.reveal()).every((byte) => byte === 0)).toBe(true)
    const before = (await bench.entries('login-failed')).length
    expect(codeOf(await grant(detail, { pin: '999999' }))).toBe('pin-incorrect')
    expect((await bench.entries('login-failed')).length).toBe(before + 1)
    const other = { ...unseen, sheetDigest: 'ab'.repeat(32) as never, pin: Secret.fromText(benchPin) }
    expect(codeOf(await bench.station.desk.standing.grant(other))).toBe('not-now')
    expect(bench.station.desk.standing.list()).toEqual([])
    await waits(work)
    // The right PIN again, so that the token counts from the beginning.
    await granted({ uses: 1 })
  })
})
