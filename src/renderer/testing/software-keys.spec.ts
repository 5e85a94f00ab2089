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
