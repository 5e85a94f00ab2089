import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

const documentOf = (page: Page, name: string) => page.locator('.document').filter({ hasText: `Also signed in ${name}` })

async function open(page: Page, scenario: string): Promise<void> {
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=request`)
  await page.locator('h1').first().waitFor()
}
async function noViolations(page: Page): Promise<void> {
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
}

test('every field of what is signed is on the sheet, and a long one is read in full by the keyboard alone', async ({
  page,
}) => {
  await open(page, 'upload')
  const source = documentOf(page, 'hello_2.12-1.dsc')
  await expect(source).toContainText('Build-Depends')
  await expect(source).toContainText('debhelper-compat (= 13), help2man, texinfo')
  await source.getByRole('button', { name: /^Files that/ }).click()
  await expect(source.getByRole('listitem').filter({ hasText: 'orig.tar.xz.asc' })).toContainText('Not in this upload')

  const build = documentOf(page, 'hello_2.12-1_amd64.buildinfo')
  await expect(build).toContainText('SOURCE_DATE_EPOCH="1795162800"')
  const installed = build.getByRole('button', { name: /^Installed-Build-Depends of hello_2\.12-1_amd64\.buildinfo/ })
  await expect(installed).toContainText('215 lines')
  await expect(build).not.toContainText('libidn2-209 (= 3.209-1)')
  await installed.focus()
  await page.keyboard.press('Enter')
  await expect(build).toContainText('libapt-0 (= 1.0-1)')
  await expect(build).toContainText('libc6-212 (= 6.212-1)')
  await expect(build).toContainText('SHA-256 of the value')
  await page.keyboard.press('Tab')
  await expect(build.getByRole('group', { name: /^Value of Installed-Build-Depends in/ })).toBeFocused()
  await noViolations(page)
})

test('a field hides no letter, cannot pass for a word of the station, and says what of it is cut', async ({ page }) => {
  await open(page, 'upload-that-hides')
  const changes = documentOf(page, 'hello_2.12-1_amd64.changes')
  for (const code of ['U+202E', 'U+202C', 'U+200B']) await expect(changes.getByText(code)).toBeVisible()
  await expect(changes.locator('.document-field', { hasText: 'Verified-Here' }).locator('.worth-verified')).toHaveCount(
    0,
  )
  await expect(changes.locator('.document-field', { hasText: 'Debusine-User' })).toContainText(
    'The station takes it out before it signs, and writes its own.',
  )
  await expect(changes.locator('.document-field', { hasText: 'X-Empty' })).toContainText('empty')
  const huge = changes.getByRole('button', { name: /^X-Huge of/ })
  await expect(huge).toContainText('Not all shown')
  await huge.click()
  await expect(changes).toContainText('412,345 of its 472,345 bytes are not shown')
  // Nothing runs out of the window sideways, however long a name or a value is.
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  expect(await changes.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true)
  await noViolations(page)
})
