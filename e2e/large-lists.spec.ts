import { expect, type Page, test } from '@playwright/test'
import { attach } from './harness/fixtures.ts'
import { makeFolders, missing, removeFolders, type StationProcess, startStation } from './harness/station-process.ts'
import { insertDone, makeStation, titleOf } from './workbench/many-requests.ts'
import { buildPe } from './workbench/pe-files.ts'
import { personAt, setUpByHand } from './workbench/person.ts'
import { makeWorkbench } from './workbench/workbench.ts'

// What a year of work leaves, and what one large package brings. Only that it works is tested here; bench/window.bench.ts measures.

const many = 10_000

async function end(station: StationProcess): Promise<void> {
  station.kill('SIGTERM')
  await station.exit
}

async function showDone(page: Page) {
  await page.getByRole('tab', { name: 'Done' }).click()
  const grid = page.getByRole('grid', { name: 'Requests that are done' })
  await expect(grid.getByRole('row').nth(1)).toBeVisible()
  return grid
}

test.beforeEach(({ browserName }, testInfo) => {
  const reason = missing()
  testInfo.skip(reason !== null, `${reason} (${browserName})`)
  testInfo.skip(
    testInfo.project.name !== 'chromium-window',
    'the renderer is the same bundle in every window; one look at it is enough',
  )
})

test('10,000 requests: the first are there at once, a search finds one, and the list goes to its very end', async () => {
  test.setTimeout(180_000)
  const folders = makeFolders()
  try {
    await makeStation(folders)
    insertDone(folders, many)
    const station = startStation({ window: 'chromium', folders })
    try {
      const { page } = await attach(station)
      const grid = await showDone(page)
      // The newest first, and no more rows on the page than can be seen.
      await expect(grid.getByText(titleOf(many), { exact: true })).toBeVisible()
      await expect(grid).toHaveAttribute('aria-rowcount', String(many + 1))
      expect(await grid.getByRole('row').count()).toBeLessThan(80)

      await page.getByRole('searchbox').fill('6.12.4711-')
      await expect(grid).toHaveAttribute('aria-rowcount', '2')
      await expect(grid.getByText(titleOf(4711), { exact: true })).toBeVisible()
      await page.getByRole('searchbox').fill('')
      await expect(grid).toHaveAttribute('aria-rowcount', String(many + 1))

      // Scrolled as with a wheel, page after page, until the oldest is in sight.
      const last = grid.getByText(titleOf(1), { exact: true })
      await expect
        .poll(
          async () => {
            await grid.evaluate((scroller) => scroller.scrollTo({ top: scroller.scrollHeight }))
            return await last.count()
          },
          { timeout: 90_000, intervals: [50] },
        )
        .toBe(1)
      await expect(last).toBeVisible()
      await expect(grid.getByRole('row').last()).toHaveAttribute('aria-rowindex', String(many + 1))
      expect(await grid.getByRole('row').count()).toBeLessThan(80)

      // It opens from there.
      await last.click()
      await expect(page.getByRole('heading', { level: 1, name: titleOf(1) })).toBeVisible()
    } finally {
      await end(station)
    }
  } finally {
    removeFolders(folders)
  }
})

test('a request of 200 files is shown in full, scrolls, and is approved and signed', async () => {
  test.setTimeout(240_000)
  const count = 200
  const folders = makeFolders()
  const bench = await makeWorkbench({ folders })
  try {
    const station = startStation({ window: 'chromium', folders, env: bench.env })
    try {
      const { page } = await attach(station)
      const person = personAt(page)
      await setUpByHand(page, person, bench)
      const id = await bench.server.addSignRequest({
        fingerprint: bench.keys[0]?.fingerprint ?? '',
        files: Array.from({ length: count }, (_, n) => ({
          name: `drivers/usr/lib/driver-${n}.efi`,
          bytes: buildPe(n),
        })),
        binaryPackage: { name: 'drivers', source: 'drivers', architecture: 'amd64', version: '2.0' },
        trustedCerts: [],
      })
      await person.openFirst()
      // All of them are on the page before it may be approved: what was not shown is not approved.
      await expect(page.getByRole('button', { name: 'Approve …' })).toBeEnabled({ timeout: 30_000 })
      await expect(page.locator('.file')).toHaveCount(count)
      const last = page.getByRole('button', { name: new RegExp(`driver-${count - 1}\\.efi`) })
      await last.scrollIntoViewIfNeeded()
      await last.click()
      await last.evaluate((element) => element.scrollIntoView({ block: 'start' }))
      // The sheet scrolls, the window around it stays where it is.
      expect((await page.getByRole('navigation', { name: 'Screens' }).boundingBox())?.y).toBe(0)
      await expect(page.getByText('SHA-256 of the file').first()).toBeVisible()
      // The decision stays in sight however long the sheet is.
      await expect(page.getByRole('button', { name: 'Approve …' })).toBeInViewport()
      await person.approve(bench.pin)
      await expect.poll(() => bench.server.workRequest(id)?.result, { timeout: 60_000 }).toBe('success')
      const signed = (await bench.server.outputs(id)).find(({ category }) => category === 'debusine:signing-output')
      expect(signed?.files).toHaveLength(count)
    } finally {
      await end(station)
    }
  } finally {
    await bench.stop()
    removeFolders(folders)
  }
})
