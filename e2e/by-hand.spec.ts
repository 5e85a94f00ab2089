import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { test as base, expect } from './harness/fixtures.ts'
import type { StationFolders } from './harness/station-process.ts'
import { approve, showDetail, waitForStage } from './workbench/operator.ts'
import { buildPe } from './workbench/pe-files.ts'
import { makeWorkbench, setUpStation, type Workbench } from './workbench/workbench.ts'

// Files of this machine in the window: chosen in the browser's dialog, dropped on it, named on the command line of a second start.

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

/** A folder that the station's user can write, as the test does. */
function openFolder(folders: StationFolders): string {
  const folder = join(folders.home, 'images')
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o777)
  return folder
}

function image(folder: string, name: string, seed: number): string {
  const path = join(folder, name)
  writeFileSync(path, buildPe(seed))
  chmodSync(path, 0o644)
  return path
}

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Sign files by hand' })

test('files are chosen, dropped and handed over, reviewed and signed beside where they lie', async ({
  page,
  app,
  bench,
  windowKind,
}) => {
  test.skip(windowKind !== 'chromium', 'the browser’s own dialog is attached to in the Chromium window')
  test.setTimeout(180_000)
  await setUpStation(page, bench)
  await page.reload()
  const folder = openFolder(app.folders)
  const [chosen, dropped, named] = ['a.efi', 'b.efi', 'c.efi'].map((name, index) => image(folder, name, 300 + index))
  if (chosen === undefined || dropped === undefined || named === undefined) throw new Error('no files')

  await page.getByRole('button', { name: 'Sign files …' }).click()
  await dialog(page).locator('input[type=file]').setInputFiles(chosen)
  await expect(dialog(page).getByText(chosen)).toBeVisible()

  // As the desktop drops it: the browser knows the path, and the page is given it by main.
  const cdp = await page.context().newCDPSession(page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await cdp.send('Input.dispatchDragEvent', {
      type,
      x: 300,
      y: 300,
      data: { items: [], files: [dropped], dragOperationsMask: 1 },
    })
  await expect(dialog(page).getByText(dropped)).toBeVisible()

  const second = app.startAnother({ args: ['open', 'images/c.efi'] })
  expect(await second.exit).toEqual({ code: 0, signal: null })
  expect(second.log()).toContain('shows the files')
  await expect(dialog(page).getByText(named)).toBeVisible()

  await expect(dialog(page).getByLabel('Sign as')).toHaveValue('uefi-detached')
  await dialog(page).getByRole('button', { name: 'Open for review' }).click()
  await expect(page.getByText('Not asked: opened by hand at this station by Release Manager').first()).toBeVisible()
  const row = await waitForStage(page, ['review'])
  expect(row).toMatchObject({ server: 'by-hand', fileCount: 3 })
  expect(await approve(page, await showDetail(page, row.id), bench.pin)).toBeNull()
  await expect(page.getByText('Signed: 3 files')).toBeVisible({ timeout: 60_000 })
  expect(readdirSync(folder).sort()).toEqual(['a.efi', 'a.efi.sig', 'b.efi', 'b.efi.sig', 'c.efi', 'c.efi.sig'])

  // A file in the way is asked about by its name.
  writeFileSync(join(folder, 'd.efi.sig'), 'precious')
  chmodSync(join(folder, 'd.efi.sig'), 0o666)
  const again = app.startAnother({ args: ['open', image(folder, 'd.efi', 310)] })
  expect((await again.exit).code).toBe(0)
  await dialog(page).getByRole('button', { name: 'Open for review' }).click()
  const next = await waitForStage(page, ['review'])
  expect(await approve(page, await showDetail(page, next.id), bench.pin)).toBeNull()
  await page.getByRole('button', { name: 'Replace that file …' }).click({ timeout: 60_000 })
  const question = page.getByRole('alertdialog', { name: 'Replace this file?' })
  await expect(question).toContainText(join(folder, 'd.efi.sig'))
  expect(readFileSync(join(folder, 'd.efi.sig'), 'utf8')).toBe('precious')
  await question.getByRole('button', { name: 'Replace it' }).click()
  await expect(page.getByText('Signed: 1 file')).toBeVisible({ timeout: 60_000 })
  expect(readFileSync(join(folder, 'd.efi.sig'))[0]).toBe(0x30)
})

test('the window is told no path of what a script made, and what a page cannot have is not asked twice', async ({
  page,
}) => {
  const paths = await page.evaluate(async () => {
    const made = new File(['x'], '/etc/passwd')
    return [await window.station.pathsOf([made]), await window.station.pathsOf([{} as File])]
  })
  expect(paths).toEqual([[], []])
})
