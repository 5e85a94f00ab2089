import { expect, type Page, test } from '@playwright/test'

async function open(page: Page, scenario: string, place: string): Promise<void> {
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}&theme=light`)
  await page.locator('h1').first().waitFor()
}

test('the reason why a token is not shown is found with the keyboard, and its command copied', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read'])
  await open(page, 'token-not-shown', 'keys')
  const why = page.getByRole('button', { name: 'Find out why', exact: true })
  await why.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Why a token is not shown' })
  await expect(dialog.getByRole('status').first()).toContainText('2 problems were found.')
  await expect(dialog.getByRole('button', { name: 'Close' })).toBeFocused()
  await dialog.getByRole('button', { name: 'Copy the command for YubiHSM connector' }).focus()
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    'sudo apt-get install yubihsm-connector && sudo systemctl enable --now yubihsm-connector.service',
  )
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(why).toBeFocused()
})

test('what a device calls itself cannot write backwards', async ({ page }) => {
  await open(page, 'token-not-shown', 'keys')
  await expect(page.getByRole('list', { name: 'On USB' })).toContainText('U+202E')
})

test('a module that was found is added by the operator, and saved as any other', async ({ page }) => {
  await open(page, 'fine', 'settings')
  const found = page.getByRole('list', { name: 'Modules found on this machine' })
  await expect(found.getByText('made for 32-bit x86, and this program runs on 64-bit x86-64')).toBeVisible()
  await expect(found.getByRole('button', { name: 'Add vendor' })).toBeDisabled()
  await found.getByRole('button', { name: 'Add Smart cards (OpenSC)' }).click()
  await expect(page.getByRole('textbox', { name: 'Module 2' })).toHaveValue(
    '/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so',
  )
  await expect(found.getByRole('button', { name: 'Add Smart cards (OpenSC)' })).toBeHidden()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const saved: readonly { name: string; input: unknown }[] = await page.evaluate(
    () => window.fakeStation?.calls.slice() ?? [],
  )
  expect(saved.find(({ name }) => name === 'settingsSet')?.input).toMatchObject({
    modules: [{}, { path: '/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so', enabled: true }],
  })
})
