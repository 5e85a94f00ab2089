import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

type Call = { readonly name: string; readonly input: unknown }

const archive = 'Archive key'
const upload = 'serial 20000054'
const hsm = 'serial 07550140'

async function begin(page: Page, button: string, theme = 'light') {
  await page.emulateMedia({ colorScheme: theme === 'dark' ? 'dark' : 'light' })
  await page.goto('/testing/gallery.html?scenario=keys-for-subkey&place=keys')
  await page.getByRole('button', { name: button }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Description').fill('Archive 2027')
  await dialog.getByRole('radio', { name: /^Production/ }).check({ force: true })
  await dialog.getByRole('radio', { name: 'Make an OpenPGP certificate' }).check({ force: true })
  await dialog.getByLabel('User id').fill('Archive <archive@example.org>')
  await dialog.getByRole('radio', { name: /^Another key/ }).check({ force: true })
  return dialog
}
async function choose(page: Page, label: string): Promise<void> {
  const select = page.getByRole('dialog').getByLabel('Signing subkey', { exact: true })
  const value = await select.locator('option', { hasText: label }).first().getAttribute('value')
  await select.selectOption(value ?? '')
}
async function certified(page: Page): Promise<unknown> {
  const all: readonly Call[] = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.findLast(({ name }) => name === 'keysCertifyOpenpgp')?.input
}
async function noViolations(page: Page): Promise<void> {
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
}

test('a key of one token certifies and one of another signs, with both PINs', async ({ page }, info) => {
  const dialog = await begin(page, `Register ${archive}`)
  const next = dialog.getByRole('button', { name: 'Continue to the PIN …' })
  await expect(next).toBeDisabled()
  await choose(page, upload)
  await noViolations(page)
  await page.screenshot({ path: info.outputPath('dialog.png') })
  await dialog.getByText('Advanced', { exact: true }).click()
  await dialog.getByRole('radio', { name: /^Version 6/ }).check({ force: true })
  await noViolations(page)
  await page.screenshot({ path: info.outputPath('advanced.png') })
  await next.click()
  await noViolations(page)
  await page.screenshot({ path: info.outputPath('pins.png') })
  await page.getByLabel(/^PIN of .*18204417/).fill('123456')
  const confirm = page.getByRole('button', { name: 'Register the key' })
  await expect(confirm).toBeDisabled()
  await page.getByLabel(/^PIN of .*20000054/).fill('123456')
  await confirm.click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect(await certified(page)).toMatchObject({
    token: { serial: '18204417' },
    ckaId: '02',
    pin: '123456',
    plan: { userId: 'Archive <archive@example.org>', days: 730, form: 'v6' },
    subkey: { token: { serial: '20000054' }, ckaId: '01', pin: '123456', primarySigns: false },
  })

  await page.getByRole('button', { name: 'Archive 2027', exact: true }).click()
  await expect(page.getByText('Certified by the key')).toBeVisible()
  await noViolations(page)
  await page.screenshot({ path: info.outputPath('registered.png'), fullPage: true })
  // The certifying key's token is asked for.
  await page.getByRole('button', { name: 'Change its end …' }).click()
  await page.getByRole('button', { name: 'Continue to the PIN …' }).click()
  await expect(page.getByLabel(/^PIN of .*18204417/)).toBeVisible()
})

test('two keys of one token are opened with its one PIN', async ({ page }) => {
  const dialog = await begin(page, `Register ${archive}`)
  await choose(page, 'Second key')
  await dialog.getByText('The certificate says of the key that certifies').click()
  await dialog.getByRole('button', { name: 'Continue to the PIN …' }).click()
  await expect(page.getByLabel(/^PIN of/)).toHaveCount(1)
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.getByRole('button', { name: 'Register the key' }).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect(await certified(page)).toMatchObject({
    subkey: { token: { serial: '18204417' }, ckaId: '04', pin: null, primarySigns: true },
  })
})

test('keys of a YubiHSM, which shows none, are named by their ids', async ({ page }, info) => {
  const dialog = await begin(page, 'Register a key by its id on 07550140', 'dark')
  const next = dialog.getByRole('button', { name: 'Continue to the PIN …' })
  await dialog.getByLabel('Object id', { exact: true }).fill('0064')
  await choose(page, hsm)
  await expect(next).toBeDisabled()
  const subkeyId = dialog.getByLabel('Object id of the signing subkey')
  await subkeyId.fill('0064')
  await expect(dialog.getByText('A key cannot be its own subkey.')).toBeVisible()
  await subkeyId.fill('0x0065')
  await noViolations(page)
  await page.setViewportSize({ width: 900, height: 700 })
  await page.screenshot({ path: info.outputPath('hsm-dark-900.png') })
  await next.click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.getByRole('button', { name: 'Register the key' }).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect(await certified(page)).toMatchObject({
    token: { serial: '07550140' },
    ckaId: '0064',
    spkiSha256: null,
    subkey: { ckaId: '0065', spkiSha256: null, pin: null },
  })
})
