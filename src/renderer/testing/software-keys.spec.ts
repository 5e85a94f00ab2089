import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

async function openKeys(page: Page, theme: 'light' | 'dark' = 'light'): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await page.goto(`/testing/gallery.html?scenario=fine&place=keys&theme=${theme}`)
  await page.locator('h1').first().waitFor()
}

async function callsOf(page: Page, name: string): Promise<readonly { readonly input: unknown }[]> {
  const all = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name)
}

test('a service key is made, and all is sealed anew with it', async ({ page }) => {
  await openKeys(page)
  const section = page.getByRole('region', { name: 'Service keys' })
  await expect(section.getByText('opens 2')).toBeVisible()
  await section.getByRole('button', { name: 'Make a service key …' }).click()
  await expect(page.getByRole('dialog').getByText('Back the new file up')).toBeVisible()
  await page.getByRole('dialog').getByRole('button', { name: 'Make the service key' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await section.getByRole('button', { name: 'Seal all anew with the newest' }).click()
  await expect(section.getByText('All is sealed with the newest service key')).toBeVisible()
  await expect(section.getByText('opens nothing here')).toBeVisible()
  expect(await callsOf(page, 'keysReencrypt')).toHaveLength(1)
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
})

test('keys of a dump are taken after it was shown what and why not', async ({ page }) => {
  await openKeys(page)
  await page.getByRole('button', { name: 'Take keys over from debusine-signing …' }).click()
  const dialog = page.getByRole('dialog')
  const look = dialog.getByRole('button', { name: 'Look at the dump' })
  await expect(look).toBeDisabled()
  await dialog.getByLabel('Path of the dump').fill('/home/operator/keys.txt')
  await look.click()
  await expect(dialog.getByText('dump-unreadable')).toBeVisible()
  await dialog.getByLabel('Path of the dump').fill('/home/operator/keys.sql')
  await look.click()
  const rows = dialog.getByRole('list', { name: 'Keys in the dump' }).getByRole('listitem')
  await expect(rows).toHaveCount(3)
  await expect(rows.nth(0)).toContainText('Plug the token in')
  await expect(rows.nth(2)).toContainText('does not sign for openpgp')
  await expect(dialog.getByText('Marked as imported for ever')).toBeVisible()
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
  // Another path is another dump: it is looked at first.
  await dialog.getByLabel('Path of the dump').fill('/home/operator/other.sql')
  await look.click()
  await dialog.getByRole('button', { name: 'Take 1 of 3' }).click()
  await expect(dialog.getByText('Taken: 1. Left: 2. Failed: 0.')).toBeVisible()
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('button', { name: 'Secure Boot 2024' }).click()
  await expect(page.getByText('imported from another installation, kept in software')).toBeVisible()
  expect((await callsOf(page, 'keysImport')).map(({ input }) => input)).toMatchObject([
    { path: '/home/operator/other.sql' },
  ])
})

test('software keys are exported, with the service keys that have to go along', async ({ page }) => {
  await openKeys(page, 'dark')
  await page.getByRole('button', { name: 'Export the software keys' }).click()
  await expect(page.getByText('1 exported, still sealed')).toBeVisible()
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
})

test('a software key is made after a plain warning, and is a test key', async ({ page }) => {
  await openKeys(page)
  await page.getByRole('button', { name: 'Make a software test key …' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('For tests only')).toBeVisible()
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
  const make = dialog.getByRole('button', { name: 'Make the test key' })
  await expect(make).toBeDisabled()
  await dialog.getByLabel('Description').fill('x'.repeat(65))
  await expect(make).toBeDisabled()
  await dialog.getByLabel('Description').fill('  Trying it out ')
  await make.click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  expect((await callsOf(page, 'keysCreateSoftware')).map((call) => call.input)).toEqual([
    { description: 'Trying it out' },
  ])
  await page.getByRole('button', { name: 'Trying it out' }).click()
  await expect(page.getByRole('textbox', { name: 'Certificate (PEM)' })).toHaveAttribute('readonly')
})
