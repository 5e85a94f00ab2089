import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

async function open(page: Page, scenario: string, place: string, theme = 'light'): Promise<void> {
  await page.emulateMedia({ colorScheme: theme === 'dark' ? 'dark' : 'light' })
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}&theme=${theme}`)
  await page.locator('h1').first().waitFor()
}

async function inputsOf(page: Page, name: string): Promise<readonly unknown[]> {
  const all = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name).map((call) => call.input)
}

for (const theme of ['light', 'dark']) {
  test(`every open attestation is clean for axe (${theme})`, async ({ page }) => {
    await open(page, 'attestations', 'keys', theme)
    for (const name of [/2026 \(linux\)/, /YubiHSM/]) await page.getByRole('button', { name }).first().click()
    await expect(page.getByText('Attested as imported')).toBeVisible()
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
  })
}

test('a key shows in its row, before it is opened, what its attestation came to', async ({ page }) => {
  await open(page, 'attestations', 'keys')
  await expect(page.getByText('Attested, failed before')).toBeVisible()
  await expect(page.getByText('Imported', { exact: true })).toBeVisible()
  await expect(page.getByText('Not attested')).toBeVisible()
})

test('text that a token wrote stays text, and in the order in which it is stored', async ({ page }) => {
  await open(page, 'attestations', 'keys')
  await page
    .getByRole('button', { name: /YubiHSM/ })
    .first()
    .click()
  await expect(page.getByText('0x0064').first()).toContainText('<b>')
  expect(await page.locator('.attestation b').count()).toBe(0)
})

test('an attestation is imported from pasted text and files, and its failure is shown at once', async ({ page }) => {
  await open(page, 'attestations', 'keys')
  await page
    .getByRole('button', { name: /YubiHSM/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'Import attestation …' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('--object-id=0x0064')).toBeVisible()
  const check = dialog.getByRole('button', { name: 'Check and record' })
  await expect(check).toBeDisabled()
  await dialog.getByLabel('Files, one path a line').fill('device.pem')
  await expect(check).toBeDisabled()
  await dialog.getByLabel('Files, one path a line').fill('/media/usb/key.pem\n\n/media/usb/device.pem\n')
  await check.click()
  await expect(page.getByText('It is about another key')).toBeVisible()
  await expect(page.getByText('Attestation failed', { exact: true }).first()).toBeVisible()
  expect(await inputsOf(page, 'keysImportAttestation')).toMatchObject([
    { text: '', paths: ['/media/usb/key.pem', '/media/usb/device.pem'] },
  ])
})

test('the token is asked again, and what was recorded before stays in sight', async ({ page }) => {
  await open(page, 'attestations', 'keys')
  await page
    .getByRole('button', { name: /2026 \(linux\)/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'Ask the token for it' }).first().click()
  await expect(page.getByText('it was imported, or the token is older')).toBeVisible()
  await expect(page.getByText('Looked at before:')).toBeVisible()
  await expect(page.getByText(/Attestation failed \(entry/)).toBeVisible()
})

test('a root is trusted only after its digest was shown, and can be withdrawn; a shipped one cannot', async ({
  page,
}) => {
  await open(page, 'fine', 'settings')
  await expect(page.getByRole('button', { name: /^Withdraw/ })).toHaveCount(0)
  await page.getByRole('button', { name: 'Add a root …' }).click()
  const dialog = page.getByRole('dialog')
  const read = dialog.getByRole('button', { name: 'Read and show …' })
  await dialog.getByLabel('Certificates (PEM)').fill('-----BEGIN CERTIFICATE-----')
  await expect(read).toBeDisabled()
  await dialog.getByText('YubiHSM', { exact: true }).click()
  await read.click()
  expect(await inputsOf(page, 'rootsAdd')).toEqual([])
  await expect(dialog.getByText('CN=Root of our own')).toBeVisible()
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
  await dialog.getByRole('button', { name: 'I compared: trust it' }).click()
  const [added] = await inputsOf(page, 'rootsAdd')
  expect(added).toMatchObject({ device: 'yubihsm', confirmed: [expect.stringMatching(/^[0-9a-f]{64}$/)] })
  await expect(page.getByText('Added here')).toBeVisible()
  await page.getByRole('button', { name: 'Withdraw CN=Root of our own' }).click()
  await expect(page.getByText('Added here')).toHaveCount(0)
})
