import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import BetterSqlite3 from 'better-sqlite3'
import type { RequestDetail } from '../src/shared/request.ts'
import { test as base } from './harness/fixtures.ts'
import type { StationFolders } from './harness/station-process.ts'
import { showDetail, waitForStage } from './workbench/operator.ts'
import { buildPe } from './workbench/pe-files.ts'
import { goOnDuty, makeWorkbench, setUpStation, type Workbench } from './workbench/workbench.ts'

// The page was taken over: scripts in it send what they like. Nothing is ever signed, the server gets nothing, each refusal has
// its code, and the program goes on: at the end of each test an honest approval works.

const test = base.extend<{ bench: Workbench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({ folders })
    await use(bench)
    await bench.stop()
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})
test.setTimeout(180_000)

const noDigest = '0'.repeat(64)

function ask(bench: Workbench, change: Partial<Parameters<Workbench['server']['addSignRequest']>[0]> = {}) {
  return bench.server.addSignRequest({
    fingerprint: bench.keys[0]?.fingerprint ?? '',
    files: [1, 2].map((n) => ({ name: `pkg/image-${n}.efi`, bytes: buildPe(n) })),
    binaryPackageName: 'pkg',
    trustedCerts: [],
    ...change,
  })
}

async function review(page: Page, bench: Workbench, change: Parameters<typeof ask>[1] = {}) {
  const work = await ask(bench, change)
  const row = await waitForStage(page, ['review'])
  expect(row.workRequestId).toBe(work)
  return { work, detail: await showDetail(page, row.id) }
}

/** What a script in the page can send as an approval; the code of the answer. */
function forge(page: Page, input: Readonly<Record<string, unknown>>): Promise<string> {
  return page.evaluate(async (forged) => {
    const answer = await window.station.reviewApprove(forged as never) // a forger knows no types
    return answer.ok ? 'ok' : answer.error.code
  }, input)
}

/** What an honest window would send. */
function honest(bench: Workbench, detail: RequestDetail): Record<string, unknown> {
  return {
    requestId: detail.summary.id,
    sheetDigest: detail.sheetDigest,
    acknowledged: detail.approvability?.kind === 'approvable' ? detail.approvability.acknowledge : [],
    pin: bench.pin,
    useLastTry: false,
  }
}

function open(page: Page, detail: RequestDetail): Promise<string> {
  return page.evaluate(
    async ({ requestId, sheetDigest }) => {
      const answer = await window.station.reviewOpen({ requestId, sheetDigest } as never)
      return answer.ok ? 'ok' : answer.error.code
    },
    { requestId: detail.summary.id, sheetDigest: detail.sheetDigest },
  )
}

function events(folders: StationFolders): readonly string[] {
  const file = new BetterSqlite3(join(folders.profile, 'station.db'), { readonly: true })
  const rows = file.prepare<[], { event: string }>('SELECT event FROM audit_entry ORDER BY seq').all()
  file.close()
  return rows.map((row) => row.event)
}

async function expectNothing(folders: StationFolders, bench: Workbench, work: number): Promise<void> {
  const used = new Set(events(folders))
  for (const event of ['approved', 'declined', 'intent', 'signed', 'sign-failed', 'returned'])
    expect(used.has(event), event).toBe(false)
  expect(await bench.server.outputs(work)).toEqual([])
  expect(bench.server.record.completions).toEqual([])
  expect(bench.server.workRequest(work)?.status).toBe('running')
}

async function approveHonestly(page: Page, bench: Workbench, work: number, detail: RequestDetail): Promise<void> {
  expect(await open(page, detail)).toBe('ok')
  expect(await forge(page, honest(bench, detail))).toBe('ok')
  await expect.poll(() => bench.server.workRequest(work)?.result, { timeout: 60_000 }).toBe('success')
}

test('approvals that do not fit what was shown are refused with their code', async ({ page, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const { work, detail } = await review(page, bench, { trustedCerts: null })
  const good = honest(bench, detail)

  expect(await forge(page, good), 'never shown').toBe('sheet-not-shown')
  expect(await forge(page, { ...good, sheetDigest: noDigest }), 'no such sheet').toBe('sheet-changed')
  expect(await open(page, { ...detail, sheetDigest: noDigest as never }), 'showing no such sheet').toBe('sheet-changed')
  expect(await forge(page, good), 'still never shown').toBe('sheet-not-shown')
  expect(await open(page, detail)).toBe('ok')
  expect(await forge(page, { ...good, acknowledged: [] }), 'nothing acknowledged').toBe('not-acknowledged')
  expect(await forge(page, { ...good, requestId: '00000000-0000-4000-8000-000000000000' })).toBe('no-such-request')
  expect(await forge(page, { ...good, pin: '000000' }), 'wrong PIN').toBe('pin-incorrect')
  const withoutPin = await forge(page, { ...good, pin: null })
  expect(['pin-wanted', 'pin-length', 'pin-incorrect'], withoutPin).toContain(withoutPin)
  expect(events(folders)).toContain('login-failed')

  const malformed: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['an extra field', { ...good, force: true }],
    ['a missing field', { ...good, useLastTry: undefined }],
    ['an oversized PIN', { ...good, pin: 'x'.repeat(256) }],
    ['an empty PIN', { ...good, pin: '' }],
    ['a PIN that is a list', { ...good, pin: [bench.pin] }],
    ['a digest in upper case', { ...good, sheetDigest: String(detail.sheetDigest).toUpperCase() }],
    ['a digest that is a list', { ...good, sheetDigest: [detail.sheetDigest] }],
    ['a request id that is a pattern', { ...good, requestId: '%' }],
    ['too many acknowledgements', { ...good, acknowledged: Array.from({ length: 51 }, () => 'trusted-certs') }],
    ['an oversized acknowledgement', { ...good, acknowledged: ['x'.repeat(101)] }],
    ['the last PIN try by a word', { ...good, useLastTry: 'yes' }],
  ]
  for (const [what, input] of malformed) expect(await forge(page, input), what).toBe('input-invalid')
  await expectNothing(folders, bench, work)
  await approveHonestly(page, bench, work, detail)
})

test('an approval of a blocked sheet is refused, whatever it claims', async ({ page, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const { work, detail } = await review(page, bench, { trustedCerts: ['DEADBEEF'.repeat(8)] })
  expect(detail.approvability).toMatchObject({ kind: 'blocked', by: ['trusted-certs'] })
  expect(await open(page, detail)).toBe('ok')
  const all = detail.sheet?.checks.map((check) => check.id) ?? []
  for (const acknowledged of [[], ['trusted-certs'], all])
    expect(await forge(page, { ...honest(bench, detail), acknowledged })).toBe('sheet-blocked')
  await expectNothing(folders, bench, work)
})

test('an approval that comes before the checks are made, or with another request’s digest, is refused', async ({
  page,
  bench,
  folders,
}) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  // The second request is held up in its download, so that there is time to be early.
  const { work: first, detail: old } = await review(page, bench)
  const declined = await page.evaluate(
    (requestId) => window.station.reviewDecline({ requestId, reason: 'the first of two' }),
    old.summary.id,
  )
  expect(declined.ok).toBe(true)
  await expect.poll(() => bench.server.workRequest(first)?.status, { timeout: 60_000 }).toBe('completed')
  bench.server.faults.add({ route: 'file.download', fault: { kind: 'delay', milliseconds: 4000 } })
  const completions = bench.server.record.completions.length
  const work = await ask(bench)
  const row = await waitForStage(page, ['preparing'])
  const early = { ...honest(bench, old), requestId: row.id }
  expect(await forge(page, early), 'early').toBe('not-now')
  expect(await forge(page, { ...early, sheetDigest: noDigest }), 'early').toBe('not-now')
  await waitForStage(page, ['review'])
  const detail = await showDetail(page, row.id)
  expect(await open(page, { ...detail, sheetDigest: old.sheetDigest })).toBe('sheet-changed')
  expect(await forge(page, early), 'another request’s digest').toBe('sheet-changed')
  expect(await forge(page, honest(bench, old)), 'a request that is done').toBe('not-now')
  expect(events(folders)).not.toContain('approved')
  expect(bench.server.record.completions).toHaveLength(completions)
  await approveHonestly(page, bench, work, detail)
})

test('an approval that is sent twenty times at once is one decision', async ({ page, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const { work, detail } = await review(page, bench)
  expect(await open(page, detail)).toBe('ok')
  const codes = await page.evaluate(
    async (forged) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => window.station.reviewApprove(forged as never)))
      return answers.map((answer) => (answer.ok ? 'ok' : answer.error.code))
    },
    honest(bench, detail),
  )
  expect(codes.toSorted()).toEqual([...Array.from({ length: 19 }, () => 'not-now'), 'ok'])
  await expect.poll(() => bench.server.workRequest(work)?.result, { timeout: 60_000 }).toBe('success')
  const all = events(folders)
  for (const [event, count] of Object.entries({ approved: 1, intent: 2, signed: 2 }))
    expect(
      all.filter((each) => each === event),
      event,
    ).toHaveLength(count)
})

test('messages past the named functions are read by the same rules', async ({ page, bench, folders, windowKind }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const { work, detail } = await review(page, bench)
  const good = honest(bench, detail)
  // In a Chromium window the functions live in the page's own world: a script that replaces JSON.stringify writes the message
  // itself. Electron's isolated world is out of its reach, and the honest message is sent.
  const raw = (text: string) =>
    page.evaluate(async (written) => {
      const { parse, stringify } = JSON
      let answer = ''
      JSON.stringify = () => written
      JSON.parse = (read: string) => {
        answer = read
        return parse(read) as unknown
      }
      try {
        await window.station.stationStatus()
      } finally {
        JSON.stringify = stringify
        JSON.parse = parse
      }
      const told = parse(answer === '' ? '{"ok":true}' : answer) as { ok: boolean; error?: { code: string } }
      return answer === '' ? 'out of reach' : told.ok ? 'ok' : (told.error?.code ?? 'no code')
    }, text)
  const envelope = (message: unknown) => JSON.stringify(message)
  const tries: readonly (readonly [string, string, string])[] = [
    ['no JSON', 'not json', 'message-malformed'],
    ['nothing', '', 'message-malformed'],
    ['another shape', '[]', 'message-malformed'],
    ['a second input', envelope({ id: 1, channel: 'review.approve', input: good, force: true }), 'message-malformed'],
    ['an id that is no number', envelope({ id: '1', channel: 'review.approve', input: good }), 'message-malformed'],
    ['an unknown channel', envelope({ id: 1, channel: 'review.force', input: good }), 'channel-unknown'],
    ['a name of every object', envelope({ id: 1, channel: '__proto__', input: good }), 'channel-unknown'],
    ['a name of every object', envelope({ id: 1, channel: 'constructor', input: good }), 'channel-unknown'],
    ['the token process’s words', envelope({ id: 1, channel: 'sign', input: { digest: noDigest } }), 'channel-unknown'],
    ['a message without end', `"${'x'.repeat(1_000_001)}"`, 'message-too-long'],
    ['deep nesting', '['.repeat(200_000), 'message-malformed'],
    ['an approval', envelope({ id: 1, channel: 'review.approve', input: good }), 'sheet-not-shown'],
    [
      'an approval with a prototype',
      `{"id":1,"channel":"review.approve","input":{"__proto__":{"force":true},"requestId":"${detail.summary.id}"}}`,
      'input-invalid',
    ],
  ]
  for (const [what, text, code] of tries)
    expect(await raw(text), what).toBe(windowKind === 'electron' ? 'out of reach' : code)
  await expectNothing(folders, bench, work)
  await approveHonestly(page, bench, work, detail)
})

test('oversized and deceptive words are refused or kept as words', async ({ page, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const { work, detail } = await review(page, bench)
  const decline = (reason: string) =>
    page.evaluate(
      async (forged) => {
        const answer = await window.station.reviewDecline(forged)
        return answer.ok ? 'ok' : answer.error.code
      },
      { requestId: detail.summary.id, reason },
    )
  for (const reason of ['', '   ', '\n', 'x'.repeat(1001)]) expect(await decline(reason)).toBe('input-invalid')
  // Half of a character pair: not text that the log or the server could keep.
  expect(await decline('\ud800')).not.toBe('ok')
  await expectNothing(folders, bench, work)
  expect(await decline('<img src=x onerror=alert(1)> \u202edenrut')).toBe('ok')
  await expect.poll(() => bench.server.workRequest(work)?.result, { timeout: 60_000 }).toBe('failure')
  expect(await page.evaluate(() => document.querySelectorAll('img[src="x"]').length)).toBe(0)
})
