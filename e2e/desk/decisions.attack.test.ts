import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { requestId, sha256Hex } from '../../src/shared/ids.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { Secret } from '../../src/shared/secret.ts'
import type { SignRequest } from '../sandbox-server/seed.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// What a window that was taken over could send. Main compares each word with its own record: whatever was claimed, nothing is
// signed, no decision is written, and the server hears nothing.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)('a forged decision (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  let work = 0
  let detail: RequestDetail
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({ tokens })
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
  })
  beforeEach(async () => {
    await review({})
  })
  afterEach(async () => {
    bench.server.faults.clear()
    const { stage, id } = (await bench.show(work)).summary
    if (stage === 'review') orThrow(await bench.station.desk.decline(id, 'cleared away'))
    await bench.until(work, 'done')
  })

  async function review(change: Partial<SignRequest>): Promise<void> {
    work = await bench.ask(2, change)
    detail = await bench.until(work, 'review')
  }
  const opens = () =>
    bench.lines.filter(({ event, fields }) => event === 'token.call' && fields['op'] === 'open').length
  const fetches = () => bench.server.record.calls.filter((call) => call.route === 'work-request.fetch').length

  /** Whatever was sent: no decision, no intent, nothing at the server, and the request waits as it did. */
  async function expectNothing(): Promise<void> {
    expect((await bench.show(work)).summary.stage).toBe('review')
    expect((await bench.show(work)).decision).toBeNull()
    expect(await bench.signatures(work)).toEqual([])
    expect(await bench.server.outputs(work)).toEqual([])
    expect(bench.server.workRequest(work)?.status).toBe('running')
    const story = await bench.story(work)
    expect(story.filter((event) => !['request-received', 'sheet-shown', 'login-failed'].includes(event))).toEqual([])
  }

  test('of a sheet that was never on the screen is refused before the PIN is used', async () => {
    const before = opens()
    const input = bench.approval(detail)
    expect(codeOf(await bench.station.desk.approve(input))).toBe('sheet-not-shown')
    expect(opens()).toBe(before)
    expect(Buffer.from(input.pin?.reveal() ?? []).every((byte) => byte === 0)).toBe(true)
    await expectNothing()
  })
  test('of a digest that no sheet has is refused, and such a sheet cannot be shown', async () => {
    const sheetDigest = sha256Hex.parse('0'.repeat(64))
    await bench.showSheet(detail)
    expect(codeOf(await bench.station.desk.show(detail.summary.id, sheetDigest))).toBe('sheet-changed')
    expect(codeOf(await bench.station.desk.approve({ ...bench.approval(detail), sheetDigest }))).toBe('sheet-changed')
    await expectNothing()
  })
  test('with the digest of an older sheet is refused once the checks gave a new one', async () => {
    await bench.showSheet(detail)
    const { audit, settings } = bench.station
    expect(audit).toBeDefined()
    orThrow(await bench.station.saveSettings({ ...settings(), trustedCerts: ['AB'.repeat(32)] }))
    orThrow(
      await bench.station.keys.setState({ purpose: 'uefi', fingerprint: bench.fingerprint }, 'suspended', 'custodian'),
    )
    orThrow(await bench.station.desk.recheck(detail.summary.id))
    expect((await bench.show(work)).sheetDigest).not.toBe(detail.sheetDigest)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('sheet-changed')
    orThrow(
      await bench.station.keys.setState({ purpose: 'uefi', fingerprint: bench.fingerprint }, 'active', 'custodian'),
    )
    await expectNothing()
  })
  test('with the digest of another request, or for another request, is refused', async () => {
    const old = detail
    orThrow(await bench.station.desk.decline(detail.summary.id, 'the first of two'))
    await bench.until(work, 'done')
    await review({})
    await bench.showSheet(detail)
    const mixed = { ...bench.approval(detail), sheetDigest: bench.approval(old).sheetDigest }
    expect(codeOf(await bench.station.desk.approve(mixed))).toBe('sheet-changed')
    const late = { ...bench.approval(detail), requestId: old.summary.id }
    expect(codeOf(await bench.station.desk.approve(late))).toBe('not-now')
    const nowhere = { ...bench.approval(detail), requestId: requestId.parse('00000000-0000-4000-8000-000000000000') }
    expect(codeOf(await bench.station.desk.approve(nowhere))).toBe('no-such-request')
    await expectNothing()
  })
  test('without the acknowledgement that the sheet demands is refused', async () => {
    orThrow(await bench.station.desk.decline(detail.summary.id, 'another one is needed'))
    await bench.until(work, 'done')
    await review({ trustedCerts: null })
    expect(detail.approvability).toMatchObject({
      kind: 'approvable',
      acknowledge: expect.arrayContaining(['trusted-certs']),
    })
    await bench.showSheet(detail)
    for (const acknowledged of [[], ['signed-before'], ['TRUSTED-CERTS', 'trusted-certs ', 'permission']])
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail, { acknowledged })))).toBe(
        'not-acknowledged',
      )
    await expectNothing()
  })
  test('that acknowledges more than was asked is recorded as what was asked', async () => {
    orThrow(await bench.station.desk.decline(detail.summary.id, 'another one is needed'))
    await bench.until(work, 'done')
    await review({ trustedCerts: null })
    await bench.showSheet(detail)
    const wanted = bench.approval(detail).acknowledged
    const acknowledged = [...wanted, ...wanted, 'permission', 'made up', '\ud800']
    orThrow(await bench.station.desk.approve(bench.approval(detail, { acknowledged })))
    await bench.untilCompleted(work)
    const [approved] = (await bench.entries('approved')).filter((entry) => entry['requestId'] === detail.summary.id)
    expect(approved?.['acknowledged']).toEqual([...wanted].sort())
  })
  test('with a wrong PIN is no decision: it is logged, the request stays, and the right PIN works', async () => {
    await bench.showSheet(detail)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail, { pin: '000000' })))).toBe('pin-incorrect')
    const failed = (await bench.entries('login-failed')).filter((entry) => entry['requestId'] === detail.summary.id)
    expect(failed).toMatchObject([
      { code: 'pin-incorrect', tokenSerial: bench.tokenId.serial, operator: 'Release Manager' },
    ])
    await expectNothing()
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    expect(await bench.untilCompleted(work)).toBe('success')
  })
  test('without a PIN for a key on a token opens nothing', async () => {
    await bench.showSheet(detail)
    const refused = codeOf(await bench.station.desk.approve(bench.approval(detail, { pin: null })))
    expect(['pin-wanted', 'pin-length', 'pin-incorrect']).toContain(refused)
    await expectNothing()
  })
  test('sent twice at once is one decision, one session and one signature for each file', async () => {
    await bench.showSheet(detail)
    const before = opens()
    const answers = await Promise.all([1, 2, 3].map(() => bench.station.desk.approve(bench.approval(detail))))
    expect(answers.map(codeOf).sort()).toEqual(['not-now', 'not-now', 'ok'])
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(opens() - before).toBe(1)
    const story = await bench.story(work)
    for (const [event, count] of Object.entries({ approved: 1, intent: 2, signed: 2 }))
      expect(story.filter((each) => each === event)).toHaveLength(count)
  })
  test('that is sent while the same request is declined is one decision, whichever comes first', async () => {
    await bench.showSheet(detail)
    const [approved, declined] = await Promise.all([
      bench.station.desk.approve(bench.approval(detail)),
      bench.station.desk.decline(detail.summary.id, 'no'),
    ])
    expect([codeOf(approved), codeOf(declined)].sort()).toEqual(['not-now', 'ok'])
    const result = await bench.untilCompleted(work)
    expect(result).toBe(approved.ok ? 'success' : 'failure')
    expect(await bench.signatures(work)).toHaveLength(approved.ok ? 2 : 0)
    const story = await bench.story(work)
    expect(story.filter((event) => event === 'approved' || event === 'declined')).toHaveLength(1)
  })
  test('after the server withdrew the permission is refused', async () => {
    await bench.showSheet(detail)
    bench.server.faults.add({
      route: 'asset.permission',
      fault: { kind: 'json', value: { has_permission: false, username: 'submitter', user_id: 3, resource: {} } },
    })
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('permission-withdrawn')
    await expectNothing()
  })
  test('while the server cannot be believed is refused', async () => {
    await bench.showSheet(detail)
    bench.server.faults.add({
      route: 'work-request.get',
      fault: { kind: 'redirect', status: 302, location: 'https://elsewhere.example.org/' },
    })
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('server-answer-invalid')
    await expectNothing()
  })
  test('for a key that was suspended since is refused', async () => {
    await bench.showSheet(detail)
    const key = { purpose: 'uefi', fingerprint: bench.fingerprint }
    orThrow(await bench.station.keys.setState(key, 'suspended', 'custodian'))
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('key-not-active')
    orThrow(await bench.station.keys.setState(key, 'active', 'custodian'))
    await expectNothing()
  })
  test('about a later stage does not apply to a request under review', async () => {
    await bench.showSheet(detail)
    const { id } = detail.summary
    const { desk } = bench.station
    const { acknowledged: _, ...resumption } = bench.approval(detail)
    expect(codeOf(await desk.resume(resumption))).toBe('not-now')
    expect(Buffer.from(resumption.pin?.reveal() ?? []).every((byte) => byte === 0)).toBe(true)
    expect(codeOf(await desk.cancel(id))).toBe('not-now')
    expect(codeOf(await desk.giveUp(id, 'x'))).toBe('not-now')
    expect(codeOf(await desk.closeIncident(id, 'x'))).toBe('not-now')
    expect(codeOf(await desk.returnAgain(id))).toBe('not-now')
    await expectNothing()
  })
  test('about a request that is done changes nothing, and fetches nothing', async () => {
    orThrow(await bench.station.desk.decline(detail.summary.id, 'done with'))
    await bench.until(work, 'done')
    const { id } = detail.summary
    const { desk } = bench.station
    const [entries, asked] = [await bench.entries(), fetches()]
    const answers = [
      await desk.approve({ ...bench.approval(detail), pin: Secret.fromText('648219') }),
      await desk.decline(id, 'again'),
      await desk.recheck(id),
      await desk.renew(id),
      await desk.returnAgain(id),
      await desk.giveUp(id, 'x'),
      await desk.cancel(id),
    ]
    expect(answers.map(codeOf)).toEqual(answers.map(() => 'not-now'))
    expect(await bench.entries()).toEqual(entries)
    expect(fetches()).toBe(asked)
  })
})
