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

test('a key is generated in a free slot, and its digests can be read aloud', async ({ page }) => {
  await open(page, 'fine', 'keys')
  await page.getByRole('button', { name: 'Generate a key on 18204417' }).click()
  const dialog = page.getByRole('dialog')
  const next = dialog.getByRole('button', { name: 'Continue to the PIN …' })
  await expect(next).toBeDisabled()
  await dialog.getByLabel('Description').fill('Secure Boot signing 2027')
  await dialog.getByRole('radio', { name: /^Production/ }).check({ force: true })
  await dialog.getByRole('radio', { name: 'RSA 3072' }).check({ force: true })
  // What is there is shown, and cannot be chosen.
  await expect(dialog.getByRole('option', { name: /^9C Digital signature, holds RSA/ })).toBeDisabled()
  await dialog.getByLabel('Slot', { exact: true }).selectOption('05')
  await expect(dialog.getByLabel('Common name')).toHaveValue('Secure Boot signing 2027')
  await noViolations(page)
  await next.click()
  const pin = page.getByRole('alertdialog')
  await noViolations(page)
  await pin.getByLabel('Management key').fill('0102')
  await pin.getByLabel(/^PIN of/).fill('123456')
  await expect(pin.getByRole('button', { name: 'Make the key' })).toBeDisabled()
  await pin.getByLabel('Management key').fill('01'.repeat(24))
  await pin.getByRole('button', { name: 'Make the key' }).click()
  const result = page.getByRole('dialog', { name: 'The new key' })
  await expect(result.getByText('Production', { exact: true })).toBeVisible()
  await expect(result.locator('.digest-word').first()).toBeVisible()
  await expect(result.getByLabel('Certificate (PEM)')).toHaveAttribute('readonly')
  await expect(result.getByText('debusine-admin asset grant_role')).toBeVisible()
  await noViolations(page)
  await result.getByRole('button', { name: 'Done' }).click()
  expect((await callsOf(page, 'generationBegin')).map((call) => call.input)).toMatchObject([
    {
      plan: {
        ckaId: '05',
        algorithm: 'rsa-3072',
        production: true,
        label: 'Secure Boot signing 2027',
        certificate: { kind: 'self-signed', days: 5475 },
      },
      useLastTry: false,
    },
  ])
  await expect(page.getByRole('button', { name: 'Secure Boot signing 2027' })).toBeVisible()
})

test('what is typed for a key is dropped when the window loses the focus', async ({ page }) => {
  await open(page, 'keys-begun', 'keys')
  await page.getByRole('article', { name: 'Secure Boot signing 2027' }).getByRole('button', { name: 'Go on …' }).click()
  const dialog = page.getByRole('alertdialog')
  await dialog.getByLabel('Management key').fill('01'.repeat(24))
  await dialog.getByLabel(/^PIN of/).fill('123456')
  await page.evaluate(() => window.dispatchEvent(new Event('blur')))
  await expect(dialog.getByLabel('Management key')).toHaveValue('')
  await expect(dialog.getByLabel(/^PIN of/)).toHaveValue('')
  await expect(dialog.getByText('What was typed was dropped')).toBeVisible()
})

test('an incident of a key is closed with what was found, by keyboard alone', async ({ page }) => {
  await open(page, 'keys-begun', 'keys')
  const card = page.getByRole('article', { name: 'Test key of the lab' })
  await expect(card.getByText('A key that nobody registered may be on the token.')).toBeVisible()
  await card.getByRole('button', { name: 'Close …' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('alertdialog')
  await expect(dialog.getByRole('button', { name: 'Close the incident' })).toBeDisabled()
  await page.keyboard.type('Slot 84 was empty.')
  await dialog.getByRole('button', { name: 'Close the incident' }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect(card).toHaveCount(0)
  expect((await callsOf(page, 'generationClose')).map((call) => call.input)).toMatchObject([
    { note: 'Slot 84 was empty.' },
  ])
})

test('the certificate of a CA is brought to the key that asked for it', async ({ page }) => {
  await open(page, 'keys-begun', 'keys')
  const card = page.getByRole('article', { name: 'Kernel modules 2027' })
  await card.getByRole('button', { name: 'Bring the certificate …' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Certificate (PEM)').fill('-----BEGIN PRIVATE KEY-----')
  await expect(dialog.getByText('Never paste a private key')).toBeVisible()
  await dialog.getByLabel('Certificate (PEM)').fill('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')
  await dialog.getByRole('button', { name: 'Continue to the PIN …' }).click()
  const pin = page.getByRole('alertdialog')
  await pin.getByLabel('Management key').fill('01'.repeat(24))
  await pin.getByLabel(/^PIN of/).fill('123456')
  await pin.getByRole('button', { name: 'Register the key' }).click()
  await expect(page.getByRole('dialog', { name: 'The new key' })).toBeVisible()
  expect(await callsOf(page, 'generationBringCertificate')).toHaveLength(1)
})

test('the asset of a key is made at the server, and the administrator’s part is shown', async ({ page }) => {
  await open(page, 'fine', 'keys')
  await page.locator('.key-row-trigger').first().click()
  await page.getByRole('button', { name: 'Make its asset …' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Workspace').fill('forbidden')
  await dialog.getByRole('button', { name: 'Make the asset' }).click()
  await expect(dialog.getByText('debusine-admin asset create debusine:signing-key')).toBeVisible()
  await noViolations(page)
  await dialog.getByLabel('Workspace').fill(' signing ')
  await dialog.getByRole('button', { name: 'Make the asset' }).click()
  await expect(
    dialog.getByText('debusine-admin asset grant_role --workspace SCOPE/signing 91 signer GROUP'),
  ).toBeVisible()
  await noViolations(page)
})

test('a request for a key is approved at the place that a person chose', async ({ page }) => {
  await open(page, 'key-request', 'request')
  await expect(page.getByText('in software (nacl). A key on a token is safer')).toBeVisible()
  expect(await callsOf(page, 'reviewOpen')).toHaveLength(1)
  await page.getByRole('button', { name: /^On YubiKey YK5/ }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Description')).toHaveValue('Secure Boot signing 2027')
  // The server waits for the certificate: no CA can be asked.
  await expect(dialog.getByRole('radio', { name: /^By a CA/ })).toHaveCount(0)
  await dialog.getByRole('radio', { name: /^Test/ }).check({ force: true })
  await dialog.getByRole('radio', { name: 'RSA 2048' }).check({ force: true })
  await dialog.getByLabel('Slot', { exact: true }).selectOption('04')
  await dialog.getByRole('button', { name: 'Continue to the PIN …' }).click()
  const pin = page.getByRole('alertdialog')
  await pin.getByLabel('Management key').fill('01'.repeat(24))
  await pin.getByLabel(/^PIN of/).fill('123456')
  await pin.getByRole('button', { name: 'Approve and make the key' }).click()
  await expect(page.getByText('The key was made')).toBeVisible()
  expect((await callsOf(page, 'generationServe')).map((call) => call.input)).toMatchObject([
    { place: { kind: 'token', plan: { production: false, ckaId: '04' } } },
  ])
})

test('a request for a key is served in software only after a plain warning', async ({ page }) => {
  await open(page, 'key-request', 'request')
  await page.getByRole('button', { name: 'In software, as a test key …' }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog.getByText('For tests only')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused()
  await noViolations(page)
  await dialog.getByRole('button', { name: 'Approve and make the test key' }).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect((await callsOf(page, 'generationServe')).map((call) => call.input)).toMatchObject([
    { place: { kind: 'software' } },
  ])
})
