import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

async function open(page: Page, scenario: string, place: string): Promise<void> {
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}`)
  await page.locator('h1').first().waitFor()
}

async function callsOf(page: Page, name: string): Promise<readonly unknown[]> {
  const all = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name).map((call) => call.input)
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

test('another log is opened, is marked as foreign, and leads to its first bad entry', async ({ page }) => {
  await open(page, 'foreign-tampered', 'foreign')
  await expect(page.getByText('Not this station’s')).toBeVisible()
  await expect(page.getByText('signing2.example.org/signing-log/77aa12bb90ccdd01').first()).toBeVisible()
  await expect(page.getByText('Tampered with: entry 231')).toBeVisible()
  await button(page, 'Go to entry 231').click()
  await expect(page.getByRole('heading', { name: 'Entry 231' })).toBeVisible()
  // Its requests are not ours to open.
  await expect(button(page, 'Open the request')).toHaveCount(0)
  await button(page, 'All entries of this request').click()
  await expect(page.getByText('6 entries.')).toBeVisible()
  expect((await callsOf(page, 'auditList')).at(-1)).toMatchObject({ source: 'opened' })
  // The way back to the station's own log, and again to this one.
  await page.keyboard.press('Alt+4')
  await expect(page.getByRole('heading', { level: 1, name: 'Audit log' })).toBeVisible()
  await expect(page.getByText('1,284 entries.')).toBeVisible()
  await button(page, 'Other logs …').click()
  await expect(page.getByText('Tampered with: entry 231')).toBeVisible()
  await button(page, 'Close this log').click()
  await expect(page.getByRole('heading', { level: 2, name: 'Open a log for review' })).toBeVisible()
  expect(await callsOf(page, 'auditCloseOpened')).toHaveLength(1)
})

test('what the reviewer knows from elsewhere goes with the file, and only so is a log verified', async ({ page }) => {
  await open(page, 'foreign-found', 'foreign')
  await page.getByText('signing2-log-2026-11-19.jsonl').first().click()
  await button(page, 'Open and verify').click()
  await expect(page.getByText('Cannot tell', { exact: true })).toBeVisible()
  await button(page, 'Close this log').click()
  await page.getByText('signing2-log-2026-11-19.jsonl').first().click()
  await page.getByLabel('Verifier key of the log').fill(' station+69d6575e+AY63 ')
  await page.getByLabel('Checkpoint that was kept earlier').fill('station\n3\nroot=\n\n— station AAAA\n\n')
  await button(page, 'Open and verify').click()
  await expect(page.getByText('The verifier key that you gave')).toBeVisible()
  expect(await callsOf(page, 'auditOpen')).toEqual([
    { path: '/media/audit/signing2-log-2026-11-19.jsonl', vkey: null, checkpoint: null },
    {
      path: '/media/audit/signing2-log-2026-11-19.jsonl',
      vkey: 'station+69d6575e+AY63',
      checkpoint: 'station\n3\nroot=\n\n— station AAAA\n',
    },
  ])
})

test('a file that is no log is not opened, and the form stays as it was', async ({ page }) => {
  await open(page, 'foreign-found', 'foreign')
  const file = page.getByLabel('File', { exact: true })
  await file.fill('notes.txt')
  await expect(page.getByText('The path has to begin with “/”.')).toBeVisible()
  await expect(button(page, 'Open and verify')).toBeDisabled()
  await file.fill('/home/operator/notes.txt')
  await button(page, 'Open and verify').click()
  await expect(page.getByText('Not opened')).toBeVisible()
  await expect(file).toHaveValue('/home/operator/notes.txt')
})

test('opening a long log shows how far it is, and can be cancelled', async ({ page }) => {
  await open(page, 'foreign-found', 'foreign')
  await page.evaluate(() => {
    if (window.fakeStation !== undefined) window.fakeStation.state.log.steps = null
  })
  await page.getByText('signing2-log-2026-11-19.jsonl').first().click()
  await button(page, 'Open and verify').click()
  await expect(page.getByText('134 of 402 entries')).toBeVisible()
  await button(page, 'Cancel').click()
  await expect(button(page, 'Open and verify')).toBeEnabled()
  await expect(page.getByText('Not opened')).toHaveCount(0)
})

test('two logs of one station are compared', async ({ page }) => {
  await open(page, 'fine', 'foreign')
  await page.getByRole('combobox', { name: 'Older' }).selectOption({ label: 'signing-log-2026-11-12.jsonl' })
  await expect(button(page, 'Compare')).toBeDisabled()
  await page.getByLabel('File of the newer log').fill('/media/audit/newer.jsonl')
  await button(page, 'Compare').click()
  await expect(page.getByText('The newer one continues the older one', { exact: true })).toBeVisible()
  await expect(page.getByText('1,102 entries', { exact: true })).toBeVisible()
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.map(({ id }) => id)).toEqual([])
  expect(await callsOf(page, 'auditCompare')).toEqual([
    {
      older: '/home/operator/.local/share/signing-station/exports/signing-log-2026-11-12.jsonl',
      newer: '/media/audit/newer.jsonl',
    },
  ])
  // A verdict does not stand beside files that it is not about.
  await page.getByLabel('File of the newer log').fill('/media/audit/another.jsonl')
  await expect(page.getByText('The newer one continues the older one', { exact: true })).toHaveCount(0)
})

test('an auditor without a station reviews a log with the keyboard alone, and nothing is created', async ({ page }) => {
  await open(page, 'absent-auditor', 'requests')
  await expect(page.getByLabel('Name of the station')).toBeFocused()
  await button(page, 'Review a log …').focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Other logs' })).toBeFocused()
  await expect(page.getByRole('navigation', { name: 'Screens' })).toHaveCount(0)
  await page.getByRole('radio', { name: /signing2-log/ }).focus()
  await page.keyboard.press('Space')
  await button(page, 'Open and verify').focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Log under review' })).toBeFocused()
  await expect(page.getByText('Tampered with: entry 231')).toBeVisible()
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.map(({ id }) => id)).toEqual([])
  expect(await callsOf(page, 'stationCreate')).toEqual([])
})
