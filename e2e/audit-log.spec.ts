import { chmodSync, chownSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { attach, test as base } from './harness/fixtures.ts'
import {
  makeFolders,
  removeFolders,
  type StationFolders,
  type StationProcess,
  startStation,
} from './harness/station-process.ts'
import { copyCheckpointsElsewhere } from './workbench/checkpoint-copies.ts'
import { buildPe } from './workbench/pe-files.ts'
import { type Person, personAt, setUpByHand } from './workbench/person.ts'
import { makeWorkbench, type Workbench } from './workbench/workbench.ts'

// What an auditor needs nobody's word for: the log of one station, verified there, exported, and judged on a machine that has
// nothing but the file, the verifier key and a checkpoint from earlier.

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

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const grid = (page: Page, name: 'Audit log' | 'Log under review') => page.getByRole('grid', { name })

async function sign(bench: Workbench, person: Person, n: number): Promise<number> {
  const id = await bench.server.addSignRequest({
    fingerprint: bench.keys[0]?.fingerprint ?? '',
    files: [{ name: `example/usr/lib/example-${n}.efi`, bytes: buildPe(n) }],
    binaryPackage: { name: `example-${n}`, source: 'example', architecture: 'amd64', version: '1.0' },
    trustedCerts: [],
  })
  await person.openFirst()
  await person.approve(bench.pin)
  await expect.poll(() => bench.server.workRequest(id)?.result).toBe('success')
  return id
}

/** Exports the whole log and gives the path of the file. */
async function exportLog(page: Page): Promise<string> {
  await button(page, 'Export …').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click()
  await expect(page.getByText(/^Exported: \d+ entries/)).toBeVisible()
  const path = await page.locator('.notice code bdi').filter({ hasText: '/' }).first().textContent()
  await button(page, 'Put away').first().click()
  if (path === null) throw new Error('the place of the export is not shown')
  return path
}

/** The verifier key and the last checkpoint, as the keeper of the station reads them off his screen. */
async function keyAndCheckpoint(page: Page): Promise<{ readonly vkey: string; readonly checkpoint: string }> {
  await button(page, 'Checkpoint and key …').click()
  const texts = page.getByRole('dialog').locator('pre')
  await expect(texts).toHaveCount(2)
  const [vkey = '', checkpoint = ''] = await texts.allTextContents()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  return { vkey, checkpoint }
}

/** A file on the auditor's machine. */
function handOver(auditor: StationFolders, name: string, bytes: Buffer | string): string {
  const path = join(auditor.home, name)
  if (typeof bytes === 'string') copyFileSync(bytes, path)
  else writeFileSync(path, bytes)
  const { uid, gid } = statSync(auditor.home)
  chownSync(path, uid, gid)
  chmodSync(path, 0o400)
  return path
}

/** The export with one digit of the last signature's digest changed, and the number of that entry. */
function tamperedWith(path: string): { readonly bytes: Buffer; readonly seq: number } {
  const bytes = readFileSync(path)
  const event = bytes.lastIndexOf('"event":"signed"')
  const start = bytes.lastIndexOf('\n', event) + 1
  const line = bytes.toString('utf8', start, bytes.indexOf('\n', event))
  const at = bytes.indexOf('"outputSha256":"', start) + '"outputSha256":"'.length
  bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30
  return { bytes, seq: Number(/"seq":(\d+)/.exec(line)?.[1]) }
}

async function openForReview(
  page: Page,
  file: { readonly path: string; readonly vkey?: string; readonly checkpoint?: string },
): Promise<void> {
  await page.getByLabel('File', { exact: true }).fill(file.path)
  if (file.vkey !== undefined) await page.getByLabel('Verifier key of the log').fill(file.vkey)
  if (file.checkpoint !== undefined) await page.getByLabel('Checkpoint that was kept earlier').fill(file.checkpoint)
  await button(page, 'Open and verify').click()
  await expect(page.getByRole('heading', { level: 1, name: 'Log under review' })).toBeVisible()
}

async function end(station: StationProcess): Promise<void> {
  station.kill('SIGTERM')
  await station.exit
}

test('the log of two signed requests is verified and exported, and an auditor without a station finds out one changed byte', async ({
  page,
  app,
  bench,
  folders,
  windowKind,
}) => {
  test.skip(windowKind !== 'chromium', 'the renderer is the same bundle in every window; one look at it is enough')
  test.setTimeout(300_000)
  const person = personAt(page)
  await setUpByHand(page, person, bench)
  await sign(bench, person, 1)
  await person.go('Audit log')
  const earlier = await keyAndCheckpoint(page)
  const older = await exportLog(page)
  const second = await sign(bench, person, 2)

  // Filtered, and the filter is still there when the window is loaded anew.
  await person.go('Audit log')
  await page.getByRole('searchbox').fill(`#${second}`)
  await page.getByLabel('Event').selectOption({ label: 'Signed' })
  await expect(page.getByText('1 entry.')).toBeVisible()
  await page.reload()
  await expect(page.getByText('1 entry.')).toBeVisible()
  await grid(page, 'Audit log').getByRole('row').nth(1).click()
  await expect(page.getByText(/^c2sp\.org\/tlog-proof@v1/)).toBeVisible()
  await button(page, 'Open the request').click()
  await expect(page.getByRole('heading', { level: 1, name: 'example-2 1.0' })).toBeVisible()
  await button(page, /audit entries$/).click()
  await expect(page.getByText('Only the entries of one request.')).toBeVisible()

  // With the checkpoint beside the database alone, that the whole folder is an older one cannot be excluded.
  await button(page, 'Show all').click()
  await button(page, 'Verify now').click()
  await expect(page.getByText(/No checkpoint is kept outside this station’s folder/)).toBeVisible()
  await button(page, 'Put away').first().click()

  // With a copy elsewhere it is verified.
  await copyCheckpointsElsewhere(page, folders)
  await button(page, 'Verify now').click()
  await expect(page.getByText(/^Verified: \d+ entries$/)).toBeVisible()
  await button(page, 'Put away').first().click()

  // Exported, to be read by its owner alone; then this station is closed.
  const newer = await exportLog(page)
  expect(statSync(newer).mode & 0o777).toBe(0o600)
  app.kill('SIGTERM')
  await app.exit

  const auditor = makeFolders()
  try {
    const [first, whole] = [handOver(auditor, 'older.jsonl', older), handOver(auditor, 'newer.jsonl', newer)]
    const { bytes, seq } = tamperedWith(newer)
    const tampered = handOver(auditor, 'tampered.jsonl', bytes)
    const station = startStation({ window: 'chromium', folders: auditor })
    try {
      await review((await attach(station)).page, { first, whole, tampered, seq, earlier })
    } finally {
      await end(station)
    }
  } finally {
    removeFolders(auditor)
  }
})

async function review(
  page: Page,
  given: {
    readonly first: string
    readonly whole: string
    readonly tampered: string
    readonly seq: number
    readonly earlier: { readonly vkey: string; readonly checkpoint: string }
  },
): Promise<void> {
  const { first, whole, tampered, seq, earlier } = given
  await button(page, 'Review a log …').click()

  // The file alone: nothing wrong in it, and nothing more can be said.
  await openForReview(page, { path: whole })
  await expect(page.getByText('Cannot tell', { exact: true })).toBeVisible()
  await expect(page.getByText('Not this station’s')).toBeVisible()
  await page.getByLabel('Event').selectOption({ label: 'Signed' })
  await expect(page.getByText('2 entries.')).toBeVisible()
  await button(page, 'Close this log').click()

  // With what the keeper gave him earlier, it is the log, and it is whole.
  await openForReview(page, { path: whole, ...earlier })
  await expect(page.getByText(/^Verified: \d+ entries$/)).toBeVisible()
  await button(page, 'Close this log').click()

  // One byte.
  await openForReview(page, { path: tampered, ...earlier })
  await expect(page.getByText(/^Tampered with: entr/)).toBeVisible()
  await expect(page.getByText(new RegExp(`[Ee]ntr(?:y|ies) (?:\\d+ (?:to|and) )?${seq}\\b`)).first()).toBeVisible()
  await button(page, /^Go to entry/).click()
  await expect(page.getByRole('heading', { name: /^Entry \d+$/ })).toBeVisible()
  await button(page, 'Close this log').click()

  // The newer continues the older, a changed one does not, and two that were exchanged are said to be so.
  await page.getByLabel('File of the older log').fill(first)
  await page.getByLabel('File of the newer log').fill(whole)
  await button(page, 'Compare').click()
  await expect(page.getByText('The newer one continues the older one', { exact: true })).toBeVisible()
  await page.getByLabel('File of the newer log').fill(tampered)
  await button(page, 'Compare').click()
  await expect(page.getByText('The newer one does not continue the older one', { exact: true })).toBeVisible()
  await page.getByLabel('File of the older log').fill(whole)
  await page.getByLabel('File of the newer log').fill(first)
  await button(page, 'Compare').click()
  await expect(page.getByText(/the two were exchanged when they were chosen/)).toBeVisible()
}
