import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { makeSoftToken, softHsmModule } from '../src/main/token/testing/soft-token.ts'
import { FakeUsb, yubihsm, yubikey } from '../src/main/usb/testing/fake-usb.ts'
import { test as base } from './harness/fixtures.ts'

// A token comes and goes while the window is open, and nobody clicks. The bus is the test's own: a namespace in which /sys/bus is an
// empty folder, and in which no event arrives but those that the test sends, through the kernel's netlink, to the real usb package.

const test = base.extend<{ usb: FakeUsb; stationWithin: readonly string[]; stationEnv: Record<string, string> }>({
  // oxlint-disable-next-line no-empty-pattern
  usb: async ({}, use) => {
    const isRoot = process.getuid?.() === 0
    base.skip(!isRoot, 'only root may make a namespace whose user is still an ordinary one')
    base.skip(softHsmModule() === null, 'SoftHSM is not installed')
    const usb = await FakeUsb.make({ udevd: true })
    base.skip(usb === null, 'namespaces or python3 are missing')
    if (usb === null) return
    await use(usb)
    await usb.end()
  },
  stationWithin: async ({ usb }, use) => {
    await use([...usb.enter])
  },
  stationEnv: async ({ folders }, use) => {
    await addToken(folders.base, 'First token')
    await use({ SOFTHSM2_CONF: join(folders.base, 'token', 'softhsm2.conf') })
  },
})

/** Another process makes a soft token, as a hand plugs in a real one. */
async function addToken(folder: string, label: string): Promise<void> {
  const directory = join(folder, 'token')
  await makeSoftToken({ directory, tokens: [{ label, pin: '648219', keys: [] }] })
  spawnSync('/usr/bin/chown', ['-R', '20001:20001', directory])
}

async function createStation(page: Page, module: string): Promise<void> {
  const problem = await page.evaluate(async (path) => {
    const created = await window.station.stationCreate({ stationName: 'desk.example.org', operatorName: 'Custodian' })
    if (!created.ok) return created.error.message
    const settings = await window.station.settingsGet()
    if (!settings.ok) return settings.error.message
    const saved = await window.station.settingsSet({ ...settings.value, modules: [{ path, enabled: true }] })
    return saved.ok ? null : saved.error.message
  }, module)
  expect(problem).toBeNull()
}

async function openKeys(page: Page): Promise<void> {
  await page
    .getByRole('link', { name: 'Keys & tokens' })
    .or(page.getByRole('button', { name: 'Keys & tokens' }))
    .first()
    .click()
  await expect(page.getByRole('heading', { level: 1, name: 'Keys & tokens' })).toBeVisible()
}

test('a token that comes while the screen is open is shown without a click, and so is its going', async ({
  page,
  usb,
  folders,
}, testInfo) => {
  await createStation(page, softHsmModule() ?? '')
  await openKeys(page)
  await expect(page.getByText('First token').first()).toBeVisible()
  await expect(page.getByRole('list', { name: 'On USB' })).toBeHidden()

  // The moment at which the window shows a device is taken inside the window.
  await page.evaluate(() => {
    const shown = { device: 0, token: 0 }
    Object.assign(window, { shown })
    new MutationObserver(() => {
      const text = document.body.textContent
      if (shown.device === 0 && text.includes('YubiKey OTP+FIDO+CCID')) shown.device = Date.now()
      if (shown.token === 0 && text.includes('Second token')) shown.token = Date.now()
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
  })
  await addToken(folders.base, 'Second token')
  usb.put(yubikey)
  const before = Date.now()
  usb.announce('add', yubikey)
  const row = page.getByRole('list', { name: 'On USB' }).getByRole('listitem')
  await expect(row).toContainText('YubiKey OTP+FIDO+CCID')
  await expect(page.getByText('Second token').first()).toBeVisible()
  await expect(page.locator('.line-tokens')).toContainText('2 tokens')
  const shown = await page.evaluate(() => (window as unknown as { shown: { device: number; token: number } }).shown)
  testInfo.annotations.push({
    type: 'figure',
    description: `event to device ${shown.device - before} ms, to token ${shown.token - before} ms`,
  })

  usb.unplug(yubikey)
  await expect(row).toBeHidden()
})

test('the operator finds out why a token is not shown, and the command line says the same', async ({
  page,
  usb,
  app,
}) => {
  await createStation(page, softHsmModule() ?? '')
  usb.plug(yubihsm)
  await openKeys(page)
  await expect(page.getByRole('list', { name: 'On USB' })).toContainText('YubiHSM')
  await page.getByRole('button', { name: 'Find out why a token is not shown …' }).click()
  const dialog = page.getByRole('dialog', { name: 'Why a token is not shown' })
  await expect(dialog.getByText('No PKCS#11 module for a YubiHSM is installed.')).toBeVisible()
  const command = 'sudo apt-get install yubihsm-pkcs11'
  await expect(dialog.getByText(command, { exact: true })).toBeVisible()
  await dialog.getByRole('button', { name: 'Copy the command for Module installed' }).click()
  await expect(dialog.getByText('Copied the command for Module installed.')).toBeAttached()
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()

  const other = app.startAnother({ args: ['--doctor'] })
  expect((await other.exit).code).toBe(1)
  expect(other.log()).toContain(`           No PKCS#11 module for a YubiHSM is installed.`)
  expect(other.log()).toContain(`\n${command}\n`)
  // The same profile: the modules of the station that is open in the window.
  expect(other.log()).toContain('Module loads: ')
})
