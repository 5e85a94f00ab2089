import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

type Call = { readonly name: string; readonly input: unknown }

async function open(page: Page, scenario: string, place: string): Promise<void> {
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}`)
  await page.locator('h1').first().waitFor()
}
async function callsOf(page: Page, name: string): Promise<readonly Call[]> {
  const all: readonly Call[] = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name)
}
async function noViolations(page: Page): Promise<void> {
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
}

test('a token’s key gets an OpenPGP certificate, which is extended and then revoked', async ({ page }) => {
  await open(page, 'unregistered-token', 'keys')
  await page.getByRole('button', { name: 'Register Private key for Digital Signature' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: /^Production/ }).check({ force: true })
  await dialog.getByRole('radio', { name: 'Make an OpenPGP certificate' }).check({ force: true })
  const next = dialog.getByRole('button', { name: 'Continue to the PIN …' })
  await dialog.getByLabel('User id').fill('')
  await expect(next).toBeDisabled()
  await dialog.getByLabel('User id').fill('Uploads <uploads@example.org>')
  await dialog.getByLabel('Expires after years').fill('3')
  await noViolations(page)
  await next.click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.getByRole('button', { name: 'Register the key' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  expect((await callsOf(page, 'keysCertifyOpenpgp'))[0]?.input).toMatchObject({
    purpose: 'openpgp',
    ckaId: '02',
    plan: { userId: 'Uploads <uploads@example.org>', days: 1095 },
  })

  await page.getByRole('button', { name: 'Private key for Digital Signature', exact: true }).click()
  await expect(page.getByText('Does not expire')).toBeVisible()
  await noViolations(page)
  await page.getByRole('button', { name: 'Change its end …' }).click()
  await page.getByLabel('Expires after years, from today').fill('5')
  await page.getByRole('button', { name: 'Continue to the PIN …' }).click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.getByRole('button', { name: 'Change the end' }).click()
  await expect(page.getByText(/18\d\d days left/)).toBeVisible()

  await page.getByRole('button', { name: 'Revoke …' }).click()
  await page.getByRole('radio', { name: /^No longer used/ }).check({ force: true })
  await page.getByLabel('What others read').fill('Moved to another key.')
  await noViolations(page)
  await page.getByRole('button', { name: 'Continue to the PIN …' }).click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.getByRole('button', { name: 'Revoke it for ever' }).click()
  await expect(page.getByText('Revoked', { exact: true })).toBeVisible()
  expect((await callsOf(page, 'keysRevokeOpenpgp'))[0]?.input).toMatchObject({ reason: 'retired' })
})

test('an OpenPGP key is generated on a token', async ({ page }) => {
  await open(page, 'fine', 'keys')
  await page.getByRole('button', { name: 'Generate a key on 18204417' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Description').fill('Archive 2027')
  await dialog.getByRole('radio', { name: /^Production/ }).check({ force: true })
  await dialog.getByRole('radio', { name: /^OpenPGP, repositories/ }).check({ force: true })
  await dialog.getByRole('radio', { name: 'ECDSA P-256' }).check({ force: true })
  await dialog.getByLabel('Slot', { exact: true }).selectOption('05')
  await expect(dialog.getByLabel('User id')).toHaveValue('Archive 2027')
  await noViolations(page)
  await dialog.getByRole('button', { name: 'Continue to the PIN …' }).click()
  const pin = page.getByRole('alertdialog')
  await pin.getByLabel('Management key').fill('01'.repeat(24))
  await pin.getByLabel(/^PIN of/).fill('123456')
  await pin.getByRole('button', { name: 'Make the key' }).click()
  expect((await callsOf(page, 'generationBegin'))[0]?.input).toMatchObject({
    plan: {
      purpose: 'openpgp-repository',
      algorithm: 'ec-p256',
      certificate: { kind: 'openpgp', userId: 'Archive 2027', days: 730 },
    },
  })
})
