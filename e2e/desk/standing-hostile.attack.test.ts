import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { canonicalText } from '../../src/main/canonical/canonical-json.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import type { ReviewSheet } from '../../src/shared/review-sheet.ts'
import { Secret } from '../../src/shared/secret.ts'
import { benchPin, codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'
import { IndexDesk } from './testing/index-desk.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

// While an approval that was given ahead stands, nobody looks. So here somebody tries to get a signature by it that nobody granted: with
// names that look alike, with a database that is changed beside the station, and in the moments in which something else happens.

describe.skipIf(softHsmModule() === null)('an approval given ahead (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  let desk: IndexDesk
  let offset = 0
  /** As forky, but for the letter in the middle, which is Cyrillic. */
  const lookalike = 'f\u043erky'
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({
      tokens,
      now: () => new Date(Date.now() + offset),
      standing: { seesLock: () => true },
    })
    const ckaId = tokens.soft.tokens[0]?.keys[1]?.ckaId ?? ''
    desk = await IndexDesk.make(bench, await registerOpenPgp(bench, ckaId, 'openpgp-repository'))
    await desk.begin('forky', 'trixie', lookalike)
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
  })
  afterEach(async () => {
    for (const { id } of standing().list()) await standing().withdraw(id)
    offset = 0
    expect(bench.server.record.violations).toEqual([])
  })
  const standing = () => bench.station.desk.standing
  const name = () => ({ purpose: 'openpgp-repository', fingerprint: desk.key.fingerprint }) as const
  const db = () => bench.station.database.db
  /** Of a request whose sheet was shown, without what else the helper does. */
  const input = (detail: RequestDetail) => {
    const { acknowledged: _, ...same } = bench.approval(detail)
    return { ...same, pin: Secret.fromText(benchPin), uses: 5, minutes: 60 }
  }

  test('is for no suite whose name only looks alike, and for no file that names another suite', async () => {
    const { id } = await desk.granted()
    await desk.waits(await desk.ask({ suite: lookalike }))
    const release = Buffer.from(desk.release()).toString('utf8').replace('Suite: testing', 'Suite: stable')
    await desk.waits(await desk.ask({ release: Buffer.from(release) }))
    expect(standing().list()).toMatchObject([{ id, used: 1 }])
    await desk.signsAlone()
  })

  test('signs nothing that was checked some time ago: a sheet that lay here is made anew first', async () => {
    const at = (ms: number) => new Date(Date.now() + ms).toUTCString().replace('GMT', 'UTC')
    const work = await desk.ask({ validUntil: at(3_600_000) })
    const detail = await bench.until(work, 'review')
    expect(detail.approvability).toMatchObject({ kind: 'approvable' })
    // The index ran out on the screen.
    offset = 2 * 3_600_000
    const { id } = orThrow(await desk.grant(detail))
    await vi.waitFor(async () => expect(await desk.endsOf(id)).toEqual(['check-refused']), 30_000)
    expect(await bench.signatures(work)).toEqual([])
    offset = 0
    await desk.declines(work)
  })

  test('signs no sheet that somebody put into the database', async () => {
    const first = await desk.ask()
    await bench.approve(first)
    const genuine = await bench.until(first, 'done')
    const work = await desk.ask({ suite: 'trixie' })
    const detail = await bench.until(work, 'review')
    // The sheet of an index of forky, as if it were this one's, and the window shows it.
    const forged = { ...sheetOf(genuine), requestId: detail.summary.id, workRequest: sheetOf(detail).workRequest }
    const sheet = Buffer.from(canonicalText(forged))
    const digest = createHash('sha256').update(sheet).digest('hex')
    const made = { request_id: detail.summary.id, digest, sheet, made_at: forged.madeAt, shown_at: null }
    await db().insertInto('review_sheet').values(made).execute()
    const state = JSON.stringify({ kind: 'review', sheetDigest: digest, approvable: true })
    await db().updateTable('request').set({ state }).where('id', '=', detail.summary.id).execute()
    const { id, scope } = orThrow(await desk.grant(await bench.show(work)))
    expect(scope).toContain('forky@debian:suite')
    await desk.waits(work)
    expect(await desk.usesOf(id)).toEqual([])
    expect(standing().list()).toMatchObject([{ id, used: 0 }])
  })

  test('is used no more often than was granted, whatever the database says meanwhile', async () => {
    const { id } = await desk.granted({ uses: 2 })
    const { default: Sqlite } = await import('better-sqlite3')
    const file = new Sqlite(bench.profile.database)
    const fixed = file.prepare("SELECT sql FROM sqlite_master WHERE name = 'standing_approval_fixed'").pluck().get()
    file.exec('DROP TRIGGER standing_approval_fixed')
    file.prepare('UPDATE standing_approval SET uses = 1000 WHERE id = ?').run(id)
    file.exec(String(fixed))
    file.close()
    await desk.signsAlone()
    await desk.endedFor(id, 'used-up')
    expect(await desk.usesOf(id)).toHaveLength(2)
  })

  test('that somebody ended in the database signs nothing more, and the log has its end', async () => {
    const { id } = await desk.granted()
    await db().updateTable('standing_approval').set({ ended_seq: 1, why: 'operator' }).where('id', '=', id).execute()
    const work = await desk.ask()
    await vi.waitFor(async () => expect(await desk.endsOf(id)).toEqual(['not-so-any-more']), 30_000)
    await desk.waits(work)
  })

  test('that is being opened while the desk is locked, or the key taken out of use, is none', async () => {
    const work = await desk.ask()
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const locked = standing().grant(input(detail))
    await standing().deskLocked()
    expect(codeOf(await locked)).toBe('no-such-standing')
    const suspended = standing().grant(input(detail))
    orThrow(await bench.station.keys.setState(name(), 'suspended', 'Release Manager'))
    expect(['key-not-active', 'no-such-standing']).toContain(codeOf(await suspended))
    orThrow(await bench.station.keys.setState(name(), 'active', 'Release Manager'))
    expect(standing().list()).toEqual([])
    expect(await bench.signatures(work)).toEqual([])
    // The token was left logged in by neither: a person's approval opens it.
    orThrow(await bench.station.desk.recheck(detail.summary.id))
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })

  test('keeps its token: another suite is refused before the PIN is used', async () => {
    const { id } = await desk.granted()
    const work = await desk.ask({ suite: 'trixie' })
    const failed = (await bench.entries('login-failed')).length
    const refused = await desk.grant(await bench.until(work, 'review'), { pin: '999999' })
    expect(codeOf(refused)).toBe('standing-token-taken')
    expect(await bench.entries('login-failed')).toHaveLength(failed)
    expect(standing().list()).toMatchObject([{ id }])
    await desk.waits(work)
  })

  test('is over when the desk goes off duty, and on duty brings nothing back', async () => {
    const { id } = await desk.granted()
    orThrow(await bench.station.setDuty(false))
    expect(await desk.endsOf(id)).toEqual(['off-duty'])
    orThrow(await bench.station.setDuty(true))
    await desk.endedFor(id, 'off-duty')
  })

  test('that ends between its use and the signature signs nothing, and the request waits for a person', async () => {
    const { id } = await desk.granted()
    bench.at('intent', 'after', () => void standing().deskLocked())
    const work = await desk.ask()
    const stopped = await bench.until(work, 'interrupted', 'done')
    expect(stopped.summary.stage).toBe('interrupted')
    // The request has stopped before the end of the approval is on disk.
    await vi.waitFor(async () => expect(await desk.endsOf(id)).toEqual(['desk-locked']), 30_000)
    const { acknowledged: _, ...blind } = bench.approval(stopped)
    expect(codeOf(await bench.station.desk.resume(blind))).toBe('sheet-not-shown')
    orThrow(await bench.station.desk.giveUp(stopped.summary.id, 'The desk was locked.'))
    await bench.until(work, 'done')
  })

  function sheetOf({ sheet }: RequestDetail): ReviewSheet {
    if (sheet === null) throw new Error('there is no sheet')
    return sheet
  }
})
