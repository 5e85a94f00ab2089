import { existsSync, readdirSync } from 'node:fs'
import { expect, type Page } from '@playwright/test'
import { test as base, type StationApp } from './harness/fixtures.ts'
import type { StationFolders } from './harness/station-process.ts'
import { makeServerCertificate } from './sandbox-server/certificates.ts'
import type { Fault } from './sandbox-server/faults.ts'
import type { RouteName } from './sandbox-server/route-names.ts'
import type { InputFile, SignRequest } from './sandbox-server/seed.ts'
import { listInHand, showDetail, waitForStage } from './workbench/operator.ts'
import { buildPe } from './workbench/pe-files.ts'
import { personAt } from './workbench/person.ts'
import { goOnDuty, makeWorkbench, setUpStation, type Workbench } from './workbench/workbench.ts'

// The server, or whoever sits in front of it, is hostile (invariant I8). Whatever it sends: the window shows a sentence, the
// operator can decline, the program lives, and nothing is written outside the profile.

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
test.setTimeout(300_000)

const mark = `station-evil-${process.pid}`
const image = buildPe(1)

async function ask(bench: Workbench, change: Partial<SignRequest>): Promise<number> {
  return bench.server.addSignRequest({
    fingerprint: bench.keys[0]?.fingerprint ?? '',
    files: [{ name: 'pkg/image.efi', bytes: image }],
    binaryPackageName: 'pkg',
    trustedCerts: [],
    ...change,
  })
}

/** Opens the request in the list, as a person does. */
async function openRequest(page: Page, work: number): Promise<void> {
  await personAt(page).go('Requests')
  const list = page.getByRole('grid', { name: 'Requests in hand' })
  await list.getByRole('row').nth(1).click()
  await expect(
    page
      .getByText(`Work request ${work}`)
      .or(page.getByText(String(work)))
      .first(),
  ).toBeVisible()
}

/** The request could not be prepared: the window says why in a sentence, and it can be declined. */
async function expectRefused(page: Page, bench: Workbench, work: number, code: RegExp): Promise<void> {
  const row = await waitForStage(page, ['unprepared', 'review'])
  const { failure } = await showDetail(page, row.id)
  expect(row.stage).toBe('unprepared')
  expect(failure?.code).toMatch(code)
  await openRequest(page, work)
  const [sentence = ''] = (failure?.message ?? '').split(/(?<=\.) /)
  await expect(page.getByRole('main').getByText(sentence.slice(0, 60)).first()).toBeVisible()
  await decline(page, row.id)
  await expect.poll(() => bench.server.workRequest(work)?.status, { timeout: 60_000 }).toBe('completed')
  expect(bench.server.workRequest(work)?.result).toBe('failure')
  await expect.poll(async () => (await listInHand(page)).length).toBe(0)
}

async function decline(page: Page, requestId: string): Promise<void> {
  const code = await page.evaluate(async (id) => {
    const answer = await window.station.reviewDecline({ requestId: id as never, reason: 'hostile' })
    return answer.ok ? 'ok' : answer.error.code
  }, requestId)
  expect(code).toBe('ok')
}

const around = (folders: StationFolders) =>
  [folders.home, folders.runtime].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`),
  )

/** The program lives, its page is its own, and no hostile name became a file. */
async function expectUnharmed(page: Page, app: StationApp, folders: StationFolders, before: readonly string[]) {
  expect((await page.evaluate(() => window.station.stationStatus())).ok).toBe(true)
  expect(app.log()).not.toMatch(/"event":"[a-z.-]*defect/)
  expect(page.url()).toMatch(/^https:\/\/station\.invalid\//)
  const names = readdirSync(folders.base, { recursive: true }).map(String)
  expect(names.filter((name) => name.includes(mark))).toEqual([])
  expect(existsSync(`/tmp/${mark}`)).toBe(false)
  // Browsers keep caches of their own in HOME; files with bytes from the server are not among them.
  expect(around(folders).filter((path) => !before.includes(path) && !/\/\.(?:cache|config|pki)\//.test(path))).toEqual(
    [],
  )
}

test('hostile names of files never become paths', async ({ page, app, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const before = around(folders)
  const names = [
    `../../../../../../tmp/${mark}`,
    `/tmp/${mark}`,
    `pkg/../../${mark}`,
    `./${mark}`,
    `pkg//${mark}`,
    `${mark}\0.efi`,
    `${mark}\n.efi`,
    `${mark}\u202efe.exe`,
    `${mark}\u2066.efi`,
    mark + 'x'.repeat(10_000),
  ]
  for (const name of names) {
    const work = await ask(bench, { files: [{ name, bytes: image }] })
    await expectRefused(page, bench, work, /^name-unsafe$/)
  }
  await expectUnharmed(page, app, folders, before)
})

test('names that are markup are shown as the words that they are', async ({ page, app, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const before = around(folders)
  const name = `pkg/<img src=x onerror="document.title='${mark}'"><b>bold.efi`
  await ask(bench, { files: [{ name, bytes: image }], binaryPackageName: `<script>document.title='${mark}'</script>` })
  const row = await waitForStage(page, ['review', 'unprepared'])
  expect(row.stage).toBe('review')
  await personAt(page).openFirst()
  await expect(page.getByText('bold.efi').filter({ visible: true }).first()).toBeVisible()
  const found = await page.evaluate(() => ({
    elements: document.querySelectorAll('main img[src="x"], main b b, main script').length,
    title: document.title,
  }))
  expect(found.elements).toBe(0)
  expect(found.title).not.toContain(mark)
  await decline(page, row.id)
  await expectUnharmed(page, app, folders, before)
})

test('files that are not what the server said are refused', async ({ page, app, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const before = around(folders)
  const lies: readonly (readonly [string, Partial<InputFile>, RegExp])[] = [
    ['another digest', { claimedSha256: 'ff'.repeat(32) }, /^digest-mismatch$/],
    ['a digest that is none', { claimedSha256: 'xyz' }, /^server-answer-invalid$/],
    ['a huge size', { claimedSize: 2 ** 50 }, /^too-large$/],
    ['a negative size', { claimedSize: -1 }, /^server-answer-invalid$/],
    ['fewer bytes than there are', { claimedSize: 16 }, /^(digest-mismatch|server-answer-invalid|too-large)$/],
    ['a file on another server', { claimedUrl: 'https://evil.example.org/x' }, /^server-answer-invalid$/],
  ]
  for (const [what, lie, code] of lies) {
    await test.step(what, async () => {
      const work = await ask(bench, { files: [{ name: 'pkg/image.efi', bytes: image, ...lie }] })
      await expectRefused(page, bench, work, code)
    })
  }
  await expectUnharmed(page, app, folders, before)
})

test('answers that a server would not send are refused', async ({ page, app, bench, folders }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const before = around(folders)
  const answers: readonly (readonly [string, RouteName, Fault, RegExp])[] = [
    [
      'a redirect',
      'artifact.get',
      { kind: 'redirect', status: 302, location: 'https://evil.example.org/' },
      /^server-answer-invalid$/,
    ],
    [
      'a redirect of a file',
      'file.download',
      { kind: 'redirect', status: 307, location: 'https://evil.example.org/' },
      /^server-answer-invalid$/,
    ],
    ['another shape', 'artifact.get', { kind: 'json', value: { id: 'x', files: [] } }, /^server-answer-invalid$/],
    [
      'a page of a proxy',
      'artifact.get',
      { kind: 'status', status: 404, body: '<html>no', contentType: 'text/html' },
      /^not-found$/,
    ],
    ['a file without end', 'file.download', { kind: 'endless' }, /^(digest-mismatch|server-answer-invalid|too-large)$/],
    ['flipped bits', 'file.download', { kind: 'corrupt' }, /^digest-mismatch$/],
  ]
  for (const [what, route, fault, code] of answers) {
    await test.step(what, async () => {
      bench.server.faults.add({ route, fault, times: Infinity })
      const work = await ask(bench, {})
      await waitForStage(page, ['unprepared', 'review'])
      bench.server.faults.clear()
      await expectRefused(page, bench, work, code)
    })
  }
  await expectUnharmed(page, app, folders, before)
})

test('a server that never answers holds up neither the window nor the operator', async ({
  page,
  app,
  bench,
  folders,
}) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const before = around(folders)
  bench.server.faults.add({ route: 'file.download', fault: { kind: 'hang' }, times: Infinity })
  const work = await ask(bench, {})
  const row = await waitForStage(page, ['preparing'])
  // The window answers and moves while main waits.
  await personAt(page).go('Audit log')
  await personAt(page).go('Requests')
  await decline(page, row.id)
  await expect.poll(() => bench.server.workRequest(work)?.result, { timeout: 60_000 }).toBe('failure')
  expect(bench.server.record.completions.at(-1)).toMatchObject({ outputData: { errors: [{ code: 'declined' }] } })
  await expectUnharmed(page, app, folders, before)
})

test('a server under another certificate authority is not spoken to, and the window says so', async ({
  page,
  app,
  bench,
  folders,
}) => {
  await setUpStation(page, bench)
  const before = around(folders)
  const { caPem } = await makeServerCertificate()
  await page.evaluate(async (pem) => {
    const settings = await window.station.settingsGet()
    if (!settings.ok) throw new Error(settings.error.message)
    const saved = await window.station.settingsSet({
      ...settings.value,
      server: { ...settings.value.server, caPem: pem },
    })
    if (!saved.ok) throw new Error(saved.error.message)
  }, caPem)
  const calls = bench.server.record.calls.length
  await goOnDuty(page)
  const failure = async () => {
    const status = await page.evaluate(() => window.station.stationStatus())
    return status.ok && status.value.server.kind === 'connecting' ? (status.value.server.failure?.code ?? null) : null
  }
  await expect.poll(failure, { timeout: 60_000 }).toBe('server-untrusted')
  await expect(page.getByText(/certificate|trust/i).first()).toBeVisible()
  expect(bench.server.record.calls.slice(calls)).toEqual([])
  expect(bench.server.record.webSocketsOpened).toEqual([])
  await expectUnharmed(page, app, folders, before)
})
