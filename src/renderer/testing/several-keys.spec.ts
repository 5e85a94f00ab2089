import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

type Call = { readonly name: string; readonly input: unknown }

async function open(page: Page, scenario: string, theme: 'light' | 'dark' = 'light', place = 'request'): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}&theme=${theme}`)
  await page.locator('h1').first().waitFor()
}

async function callsOf(page: Page, name: string): Promise<readonly Call[]> {
  const all: readonly Call[] = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name)
}

async function violationsOf(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`)
}

const yubikey = 'Yubico (www.yubico.com) YubiKey YK5, serial 18204417'
const yubihsm = 'Yubico (www.yubico.com) YubiHSM, serial 07550140'
const thirdToken = 'Yubico (www.yubico.com) YubiKey YK5, serial 23917755'
const hsmPin = '0001password-of-the-hsm'

const pinOf = (page: Page, token: string) => page.getByRole('alertdialog').getByLabel(`PIN of ${token}`)
const sign = (page: Page) => page.getByRole('alertdialog').getByRole('button', { name: /^Sign 1 / })

async function approving(page: Page, scenario: string): Promise<void> {
  await open(page, scenario)
  for (const box of await page.getByRole('group', { name: 'To be acknowledged' }).getByRole('checkbox').all())
    await box.check({ force: true })
  await page.getByRole('button', { name: 'Approve …' }).click()
  await page.getByRole('alertdialog').waitFor()
}

const places: readonly (readonly [scenario: string, place: string])[] = [
  ['several-two-tokens', 'request'],
  ['several-three', 'request'],
  ['several-not-allowed', 'request'],
  ['several-signing', 'request'],
  ['several-incident', 'request'],
  ['several-failed', 'request'],
  ['several-log', 'entry'],
]

for (const theme of ['light', 'dark'] as const) {
  for (const [scenario, place] of places) {
    test(`${place} (${scenario}, ${theme}) has nothing that axe objects to and violates no policy`, async ({
      page,
    }) => {
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      await open(page, scenario, theme, place)
      await page.waitForLoadState('networkidle')
      // Before axe comes: what it does to look at the page is not the page's doing.
      const own = [...complaints]
      expect({ own, found: await violationsOf(page) }).toEqual({ own: [], found: [] })
    })
  }

  test(`the dialog for several tokens has nothing that axe objects to (${theme})`, async ({ page }) => {
    for (const scenario of ['several-last-try', 'several-software', 'several-locked', 'several-three']) {
      await page.emulateMedia({ colorScheme: theme })
      await approving(page, scenario)
      expect({ scenario, found: await violationsOf(page) }).toEqual({ scenario, found: [] })
    }
    await open(page, 'several-interrupted-three', theme)
    await page.getByRole('button', { name: 'Go on …' }).click()
    expect(await violationsOf(page)).toEqual([])
  })
}

test('every key is named in the headline, in the sheet, beside the decision and in the question', async ({ page }) => {
  await open(page, 'several-three')
  const names = [
    /Archive signing key 2026 \(forky\)/,
    /Archive signing key 2028 \(YubiHSM\)/,
    /safe of the Helsinki office/,
  ]
  const keys = page.getByRole('region', { name: 'Keys that sign' })
  for (const [index, name] of names.entries()) {
    await expect(page.locator('.headline')).toContainText(name)
    const card = keys.getByRole('listitem').nth(index)
    await expect(card.getByRole('heading')).toContainText(`Key ${index + 1} of 3`)
    await expect(card.getByRole('heading')).toContainText(name)
    for (const label of [
      'Subject',
      'Fingerprint',
      'Token',
      'Algorithm',
      'Origin',
      'Valid until',
      'Permission',
      'Signed this before',
    ])
      await expect(card.getByText(label, { exact: true })).toBeVisible()
  }
  await expect(keys.getByText('verified up to CN=Yubico PIV Root CA')).toHaveCount(1)
  await expect(keys.getByText(/^2026-.*, work request 10397; 2026-/)).toBeVisible()
  const beside = page.getByRole('complementary', { name: 'Key and decision' })
  for (const name of names) await expect(beside).toContainText(name)
  await page.getByRole('checkbox', { name: 'one of these keys has signed before' }).check({ force: true })
  await page.getByRole('button', { name: 'Approve …' }).click()
  const dialog = page.getByRole('alertdialog', { name: /^Approve and sign 1 file with Archive signing key 2026/ })
  for (const name of names) await expect(dialog.getByRole('heading')).toContainText(name)
  await expect(dialog.getByRole('heading')).toContainText('Production')
})

test('one production key makes the whole a production signature, and each key keeps its own mark', async ({ page }) => {
  await open(page, 'several-software')
  const beside = page.getByRole('complementary', { name: 'Key and decision' })
  await expect(beside.getByRole('heading', { name: '2 keys' })).toContainText('Production')
  await expect(beside.getByRole('listitem').nth(0)).toContainText('Production')
  await expect(beside.getByRole('listitem').nth(1)).toContainText('Test')
  await expect(page.locator('.headline')).toContainText('Test')
})

test('the server’s answer about each key stands by it', async ({ page }) => {
  await open(page, 'several-not-allowed')
  const cards = page.getByRole('region', { name: 'Keys that sign' }).getByRole('listitem')
  await expect(cards.nth(0)).toContainText('Allowed for kernel-uploader')
  await expect(cards.nth(1)).toContainText('Not allowed for kernel-uploader')
  await expect(cards.nth(2)).toContainText('Not registered at this station')
  const asks = page.getByRole('region', { name: 'Who asks' })
  await expect(asks.getByText('Permission, keys 1 and 3')).toBeVisible()
  await expect(asks.getByText('Permission, key 2')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Approve …' })).toHaveCount(0)
})

test('two keys of one token want one PIN, sent as the only one', async ({ page }) => {
  await approving(page, 'several-one-token')
  await expect(page.getByLabel(/^PIN of/)).toHaveCount(1)
  await expect(page.getByText('Opens keys 1 and 2.')).toBeVisible()
  await pinOf(page, yubikey).fill('123456')
  await sign(page).click()
  await expect(page.getByText('Signed: 1 file')).toBeVisible()
  const [call] = await callsOf(page, 'reviewApprove')
  expect(call?.input).toMatchObject({ pin: '123456', useLastTry: false })
  expect(Object(call?.input)).not.toHaveProperty('furtherPins')
})

test('two tokens want a PIN each, and by keyboard alone each gets its own', async ({ page }) => {
  await approving(page, 'several-runs')
  await expect(page.getByLabel(/^PIN of/)).toHaveCount(2)
  await expect(pinOf(page, yubikey)).toBeFocused()
  await page.keyboard.type('123456')
  await expect(sign(page)).toBeDisabled()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await expect(pinOf(page, yubihsm)).toBeFocused()
  await page.keyboard.type('0001')
  await expect(page.getByText('The token wants at least 12 characters.')).toBeVisible()
  await expect(sign(page)).toBeDisabled()
  await page.keyboard.type(hsmPin.slice(4))
  await expect(sign(page)).toBeEnabled()
  expect(await callsOf(page, 'reviewApprove')).toEqual([])
  await page.keyboard.press('Tab')
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused()
  await page.keyboard.press('Tab')
  await expect(sign(page)).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByText('Signed: 1 file')).toBeVisible()
  expect((await callsOf(page, 'reviewApprove')).map(({ input }) => input)).toMatchObject([
    {
      pin: '123456',
      useLastTry: false,
      furtherPins: [
        {
          token: { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' },
          pin: hsmPin,
          useLastTry: false,
        },
      ],
    },
  ])
})

test('a key in software wants no PIN beside one on a token', async ({ page }) => {
  await approving(page, 'several-software')
  await expect(page.getByLabel(/^PIN of/)).toHaveCount(1)
  await expect(page.getByText('Opens key 1.')).toBeVisible()
  await expect(page.getByText('Key 2 is kept in software')).toBeVisible()
})

test('all PINs are dropped together: by the blur, by the lock, and by closing', async ({ page }) => {
  await approving(page, 'several-two-tokens')
  await pinOf(page, yubikey).fill('123456')
  await pinOf(page, yubihsm).fill(hsmPin)
  await page.evaluate(() => window.dispatchEvent(new Event('blur')))
  await expect(pinOf(page, yubikey)).toHaveValue('')
  await expect(pinOf(page, yubihsm)).toHaveValue('')
  await expect(page.getByText('What was typed was dropped')).toBeVisible()
  for (const end of ['lock', 'escape'] as const) {
    await pinOf(page, yubikey).fill('123456')
    await pinOf(page, yubihsm).fill(hsmPin)
    if (end === 'lock') await page.evaluate(() => window.fakeStation?.emit('desk.locked', null))
    else await page.keyboard.press('Escape')
    await expect(page.getByRole('alertdialog')).toHaveCount(0)
    await page.getByRole('button', { name: 'Approve …' }).click()
    await expect(pinOf(page, yubikey)).toHaveValue('')
    await expect(pinOf(page, yubihsm)).toHaveValue('')
  }
})

test('a wrong PIN of the second token says whose it was, and empties both fields', async ({ page }) => {
  await approving(page, 'several-two-tokens')
  await pinOf(page, yubikey).fill('123456')
  await pinOf(page, yubihsm).fill('0001not-this-password')
  await sign(page).click()
  await expect(page.getByText('A token refused its PIN', { exact: true })).toBeVisible()
  await expect(page.getByRole('alert')).toContainText('serial 07550140')
  await expect(pinOf(page, yubikey)).toHaveValue('')
  await expect(pinOf(page, yubihsm)).toHaveValue('')
  await expect(pinOf(page, yubikey)).toBeFocused()
  await expect(page.getByRole('group', { name: yubihsm }).getByText('PIN was wrong before')).toBeVisible()
  await expect(page.getByRole('group', { name: yubikey }).getByText('PIN was wrong before')).toHaveCount(0)
  expect(await callsOf(page, 'reviewApprove')).toHaveLength(1)
})

test('the last try of one token is agreed to for that token alone', async ({ page }) => {
  await approving(page, 'several-last-try')
  await pinOf(page, yubikey).fill('123456')
  await pinOf(page, thirdToken).fill('123456')
  await expect(sign(page)).toBeDisabled()
  await expect(page.getByRole('checkbox', { name: /last try/ })).toHaveCount(1)
  await page.getByRole('group', { name: thirdToken }).getByRole('checkbox').check({ force: true })
  await sign(page).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect((await callsOf(page, 'reviewApprove'))[0]?.input).toMatchObject({
    useLastTry: false,
    furtherPins: [{ useLastTry: true }],
  })
})

test('a token that is not here, is locked or has no PIN stops the whole, and is named', async ({ page }) => {
  await approving(page, 'several-locked')
  await pinOf(page, yubikey).fill('123456')
  await expect(sign(page)).toBeDisabled()
  await expect(page.getByRole('group', { name: yubihsm })).toContainText('No PIN is set on this token')
  await expect(page.getByRole('group', { name: thirdToken })).toContainText('The PIN of this token is locked')
})

test('a token that comes while a PIN is being typed never takes the focus away from it', async ({ page }) => {
  await approving(page, 'several-token-gone')
  await expect(page.getByText(`The token ${yubihsm} is not here.`)).toBeVisible()
  await pinOf(page, yubikey).focus()
  await page.keyboard.type('123')
  await page.evaluate(() => {
    const fake = window.fakeStation
    const [here] = fake?.state.tokens ?? []
    if (fake === undefined || here === undefined) return
    const id = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' }
    fake.state.tokens = [{ ...here, token: { ...here.token, id, minPinLength: 12, maxPinLength: 68 } }, here]
    fake.emit('tokens.changed', null)
  })
  await expect(pinOf(page, yubihsm)).toBeVisible()
  await page.keyboard.type('456')
  await expect(pinOf(page, yubikey)).toHaveValue('123456')
  await expect(pinOf(page, yubihsm)).toHaveValue('')
})

test('an interrupted request says who has signed, and opens all keys again', async ({ page }) => {
  await open(page, 'several-interrupted')
  await expect(page.getByText('Key 2 has signed; continue with the PIN.')).toBeVisible()
  const signatures = page.getByRole('list', { name: 'Signatures by key' }).first()
  await expect(signatures.getByRole('listitem').nth(0)).toContainText('Waiting')
  await expect(signatures.getByRole('listitem').nth(1)).toContainText('Kept here until the file is complete')
  await page.getByRole('button', { name: 'Stop here …' }).click()
  await expect(page.getByRole('alertdialog')).toContainText(
    'Key 2 has signed: that signature is on record and is never released',
  )
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Go on …' }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog).toContainText('Key 2 has signed and signs nothing again')
  await expect(dialog.getByRole('listitem')).toHaveCount(1)
  await expect(dialog.getByRole('listitem')).toContainText('Key 1 of 2')
  await pinOf(page, yubikey).fill('123456')
  const goOn = page.getByRole('button', { name: 'Sign with key 1', exact: true })
  await expect(goOn).toBeDisabled()
  await pinOf(page, yubihsm).fill(hsmPin)
  await goOn.click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect((await callsOf(page, 'signingResume'))[0]?.input).toMatchObject({
    pin: '123456',
    furtherPins: [{ token: { serial: '07550140' }, pin: hsmPin, useLastTry: false }],
  })
})

test('while it is signed, and afterwards, each key’s signature is told apart', async ({ page }) => {
  await open(page, 'several-signing')
  const progress = page.getByRole('region', { name: 'Progress of the signing' })
  await expect(progress.getByText('1 of 3 keys', { exact: true })).toBeVisible()
  await expect(progress.getByRole('listitem').nth(1)).toContainText('Signed')
  await expect(progress.getByRole('listitem').nth(2)).toContainText('Begun')
  await expect(progress.getByRole('button', { name: 'Cancel after this signature' })).toBeEnabled()
  await open(page, 'several-incident')
  await expect(page.getByText('A signature by key 3 is in doubt')).toBeVisible()
  for (const list of await page.getByRole('list', { name: 'Signatures by key' }).all())
    await expect(list.getByRole('listitem')).toContainText(['The key was not used', 'never released', 'In doubt'])
  await page.getByRole('button', { name: 'Close the incident …' }).click()
  await expect(page.getByRole('alertdialog')).toContainText('Key 2 has signed: that signature is on record')
  await open(page, 'several-failed')
  await expect(page.getByText(/^No file was signed\..*Key 2 has signed: that signature is on record/)).toBeVisible()
  await open(page, 'several-signed')
  for (const item of await page.getByRole('list', { name: 'Signatures by key' }).getByRole('listitem').all())
    await expect(item).toContainText('Signed')
})

test('the log says which key an entry is about, and never calls a key’s packet a file', async ({ page }) => {
  await open(page, 'several-log', 'light', 'audit')
  await expect(page.getByText('Signed, key 2 of 2')).toBeVisible()
  await expect(page.getByText('Intent, key 1 of 2').first()).toBeVisible()
  await expect(page.getByText('Not signed, key 1 of 2')).toBeVisible()
  await page.getByText('Signed, key 2 of 2').click()
  const entry = page.getByRole('region', { name: 'Entry 5' })
  await expect(entry.getByText('OpenPGP signature packet of key 2 of 2, SHA-256')).toBeVisible()
  await expect(entry.getByText('Signed file, SHA-256')).toHaveCount(0)
  await entry.getByRole('button', { name: 'Close' }).click()
  await page.getByText('Signed, key 1 of 2', { exact: true }).click()
  await expect(page.getByText('Signed file, SHA-256')).toBeVisible()
  await page.getByRole('button', { name: 'Report …' }).click()
  const report = page.getByRole('article')
  await expect(report.getByText('OpenPGP signature packet of key 2 of 2, SHA-256')).toHaveCount(1)
  await expect(report.getByText('Signed file, SHA-256')).toHaveCount(1)
})
