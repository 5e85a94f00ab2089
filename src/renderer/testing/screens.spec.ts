import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

type Call = { readonly name: string; readonly input: unknown }

async function open(page: Page, scenario: string, place: string, theme: 'light' | 'dark' = 'light'): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}&theme=${theme}`)
  await page.locator('h1').first().waitFor()
}

async function callsOf(page: Page, name: string): Promise<readonly Call[]> {
  const all: readonly Call[] = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name)
}

/** Presses Tab until the focus is on something with that accessible name; what cannot be reached so does not exist for many people. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 120; presses += 1) {
    const label = await page.evaluate(() => {
      const element = document.activeElement
      const labelled =
        element?.getAttribute('aria-label') ?? element?.closest('label')?.textContent ?? element?.textContent
      return element === document.body ? '' : (labelled ?? '')
    })
    if (name.test(label)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never reached ${name}`)
}

const approve = (page: Page) => page.getByRole('button', { name: 'Approve …' })

const everyScreen: readonly (readonly [scenario: string, place: string])[] = [
  ['absent', 'requests'],
  ['new', 'requests'],
  ['ten-thousand', 'requests'],
  ['next', 'next'],
  ['waiting', 'waiting'],
  ['rich', 'request'],
  ['malformed', 'request'],
  ['hostile', 'request'],
  ['two-hundred-files', 'request'],
  ['permission-unknown', 'request'],
  ['upload', 'request'],
  ['upload-that-hides', 'request'],
  ['repository-index', 'request'],
  ['test-key', 'request'],
  ['signing', 'request'],
  ['incident', 'request'],
  ['partly-signed', 'request'],
  ['unprepared', 'request'],
  ['token-ends', 'request'],
  ['token-died', 'request'],
  ['fine', 'keys'],
  ['unregistered-token', 'keys'],
  ['attestations', 'keys'],
  ['token-not-shown', 'keys'],
  ['keys-begun', 'keys'],
  ['key-request', 'request'],
  ['key-request-made', 'request'],
  ['key-request-incident', 'request'],
  ['fine', 'entry'],
  ['log-broken', 'audit'],
  ['log-contradicted', 'audit'],
  ['device-incident', 'audit'],
  ['folder-unplugged', 'audit'],
  ['no-log-key', 'audit'],
  ['verifying', 'audit'],
  ['foreign-log', 'foreign'],
  ['foreign-tampered', 'foreign'],
  ['foreign-found', 'foreign'],
  ['fine', 'settings'],
  ['to-enrol', 'settings'],
  ['status-fails', 'requests'],
]

for (const theme of ['light', 'dark'] as const) {
  for (const [scenario, place] of everyScreen) {
    test(`${place} (${scenario}, ${theme}) has nothing that axe objects to and violates no policy`, async ({
      page,
    }) => {
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      await open(page, scenario, place, theme)
      await page.waitForLoadState('networkidle')
      // Before axe comes: what it does to look at the page is not the page's doing.
      const own = [...complaints]
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      const found = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`,
      )
      expect({ found, own }).toEqual({ found: [], own: [] })
    })
  }
}

for (const theme of ['light', 'dark'] as const) {
  test(`the dialogs have nothing that axe objects to (${theme})`, async ({ page }) => {
    for (const [scenario, place, button] of [
      ['last-try', 'request', 'Approve …'],
      ['fine', 'request', 'Decline …'],
      ['incident', 'request', 'Close the incident …'],
      ['unregistered-token', 'keys', 'Register Private key for Digital Signature'],
      ['token-not-shown', 'keys', 'Find out why'],
    ] as const) {
      await open(page, scenario, place, theme)
      await page.getByRole('button', { name: button, exact: true }).click()
      await page.getByRole('heading', { level: 2 }).first().waitFor()
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      expect(
        violations.map(
          ({ id, nodes }) => `${button} ${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`,
        ),
      ).toEqual([])
    }
  })
}

test('a request is found, read, acknowledged, approved and signed with the keyboard alone', async ({ page }) => {
  await open(page, 'signing-runs', 'requests')
  await tabTo(page, /^Requests in hand$/)
  await page.keyboard.press('Home')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'linux-image' })).toBeFocused()
  await expect(approve(page)).toBeEnabled()
  await tabTo(page, /^Approve …$/)
  await page.keyboard.press('Enter')
  await expect(page.getByLabel(/^PIN of/)).toBeFocused()
  await page.keyboard.type('123456')
  await tabTo(page, /^Sign 3 files$/)
  await page.keyboard.press('Enter')
  await expect(page.getByText('Signed: 3 files')).toBeVisible()
  const [sent] = await callsOf(page, 'reviewApprove')
  const [shown] = await callsOf(page, 'reviewOpen')
  expect(sent?.input).toMatchObject({ pin: '123456', useLastTry: false, acknowledged: [] })
  expect(Reflect.get(Object(sent?.input), 'sheetDigest')).toBe(Reflect.get(Object(shown?.input), 'sheetDigest'))
})

test('Enter in the PIN field does not sign', async ({ page }) => {
  await open(page, 'fine', 'request')
  await approve(page).click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alertdialog')).toBeVisible()
  expect(await callsOf(page, 'reviewApprove')).toEqual([])
})

test('a key that is held down approves nothing', async ({ page }) => {
  await open(page, 'fine', 'request')
  await expect(approve(page)).toBeEnabled()
  await approve(page).focus()
  // The first press went elsewhere: all that arrives here are repeats.
  await page.evaluate(() => {
    const repeat = () =>
      document.activeElement?.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', repeat: true, bubbles: true, cancelable: true }),
      )
    for (let times = 0; times < 5; times += 1) repeat()
    document.activeElement?.dispatchEvent(new KeyboardEvent('keyup', { key: 'Enter', code: 'Enter', bubbles: true }))
  })
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  // Held down on the button itself, it opens the dialog and goes no further.
  await page.keyboard.down('Enter')
  for (let times = 0; times < 10; times += 1) await page.keyboard.down('Enter')
  await page.keyboard.up('Enter')
  expect(await callsOf(page, 'reviewApprove')).toEqual([])
})

test('nothing is focused on Approve when a sheet opens', async ({ page }) => {
  await open(page, 'fine', 'request')
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
})

for (const scenario of [
  'untrusted-certificate',
  'no-permission',
  'permission-unknown',
  'unknown-key',
  'token-absent',
  'malformed',
]) {
  test(`a sheet that is blocked has no Approve at all (${scenario})`, async ({ page }) => {
    await open(page, scenario, 'request')
    await expect(page.getByText('This request cannot be approved')).toBeVisible()
    await expect(approve(page)).toHaveCount(0)
    await expect(page.getByRole('button', { name: 'Decline …' })).toBeEnabled()
  })
}

test('each acknowledgement has to be ticked before Approve can be pressed', async ({ page }) => {
  await open(page, 'rich', 'request')
  const boxes = page.getByRole('group', { name: 'To be acknowledged' }).getByRole('checkbox')
  await expect(boxes).toHaveCount(2)
  await expect(approve(page)).toBeDisabled()
  await boxes.nth(0).check({ force: true })
  await expect(approve(page)).toBeDisabled()
  await boxes.nth(1).check({ force: true })
  await expect(approve(page)).toBeEnabled()
})

test('a sheet of 200 files is on the page in full, and recorded as shown, before it can be approved', async ({
  page,
}) => {
  await open(page, 'two-hundred-files', 'request')
  await page.getByRole('checkbox', { name: /another signature/ }).check({ force: true })
  await expect(approve(page)).toBeEnabled()
  await expect(page.locator('.file')).toHaveCount(200)
  expect((await callsOf(page, 'reviewOpen')).length).toBeGreaterThan(0)
})

test('a sheet that could not be recorded as shown cannot be approved', async ({ page }) => {
  await open(page, 'not-recorded', 'request')
  await expect(page.getByText('The sheet cannot be approved yet')).toBeVisible()
  await expect(approve(page)).toBeDisabled()
})

test('the PIN is dropped when the window loses the focus', async ({ page }) => {
  await open(page, 'fine', 'request')
  await approve(page).click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.evaluate(() => window.dispatchEvent(new Event('blur')))
  await expect(page.getByLabel(/^PIN of/)).toHaveValue('')
  await expect(page.getByText('What was typed was dropped')).toBeVisible()
})

test('locking the desk closes the PIN dialog', async ({ page }) => {
  await open(page, 'fine', 'request')
  await approve(page).click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.evaluate(() => window.fakeStation?.emit('desk.locked', null))
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await approve(page).click()
  await expect(page.getByLabel(/^PIN of/)).toHaveValue('')
})

test('a PIN dialog that nobody touches closes by itself', async ({ page }) => {
  await page.clock.install()
  await open(page, 'fine', 'request')
  await approve(page).click()
  await page.getByLabel(/^PIN of/).waitFor()
  await page.clock.runFor(121_000)
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
})

test('the last try wants to be agreed to by name', async ({ page }) => {
  await open(page, 'last-try', 'request')
  await approve(page).click()
  await page.getByLabel(/^PIN of/).fill('123456')
  const sign = page.getByRole('button', { name: 'Sign 3 files' })
  await expect(sign).toBeDisabled()
  await page.getByRole('checkbox', { name: /last try/ }).check({ force: true })
  await sign.click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect((await callsOf(page, 'reviewApprove'))[0]?.input).toMatchObject({ useLastTry: true })
})

test('a wrong PIN says so, empties the field and sends nothing by itself', async ({ page }) => {
  await open(page, 'fine', 'request')
  await approve(page).click()
  await page.getByLabel(/^PIN of/).fill('999999')
  await page.getByRole('button', { name: 'Sign 3 files' }).click()
  await expect(page.getByText('The token refused the PIN', { exact: true })).toBeVisible()
  await expect(page.getByLabel(/^PIN of/)).toHaveValue('')
  await expect(page.getByText('PIN was wrong before')).toBeVisible()
  expect(await callsOf(page, 'reviewApprove')).toHaveLength(1)
})

test('a sheet that is made anew closes what was begun for the old one', async ({ page }) => {
  await open(page, 'rich', 'request')
  for (const box of await page.getByRole('group', { name: 'To be acknowledged' }).getByRole('checkbox').all())
    await box.check({ force: true })
  await approve(page).click()
  await page.evaluate(() => {
    const fake = window.fakeStation
    for (const [id, detail] of fake?.state.requests ?? [])
      fake?.state.requests.set(id, { ...detail, sheetDigest: 'f'.repeat(64) as never })
    fake?.emit('requests.changed', { requestId: null })
  })
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect(page.getByText('This sheet is new')).toBeVisible()
  await expect(approve(page)).toBeDisabled()
})

test('declining wants a reason', async ({ page }) => {
  await open(page, 'fine', 'request')
  await page.getByRole('button', { name: 'Decline …' }).click()
  const decline = page.getByRole('alertdialog').getByRole('button', { name: 'Decline' })
  await expect(decline).toBeDisabled()
  await page.getByLabel('Reason').fill('  ')
  await expect(decline).toBeDisabled()
  await page.getByLabel('Reason').fill('Not announced.')
  await decline.click()
  await expect(page.getByText('Reason: Not announced.').first()).toBeVisible()
})

test('text from outside is text: no element, no script, no reordering', async ({ page }) => {
  await open(page, 'hostile', 'request')
  await expect(page.locator('main img, main script, main b')).toHaveCount(0)
  await expect(page.getByText('U+202E').first()).toBeVisible()
  const controls = await page.evaluate(() => /[\u202A-\u202E\u2066-\u2069\u200B]/.test(document.body.innerText))
  expect(controls).toBe(false)
})

test('a tick far down a sheet never moves the window itself', async ({ page }) => {
  await open(page, 'rich', 'request')
  await page.getByText('Words for digests').click()
  await page.getByRole('checkbox', { name: /another signature/ }).check({ force: true })
  expect(await page.evaluate(() => [document.documentElement.scrollTop, document.body.scrollTop])).toEqual([0, 0])
  await expect(page.getByText('zulof').first()).toBeVisible()
})

test('10,000 requests scroll to the end with the keyboard', async ({ page }) => {
  await open(page, 'ten-thousand', 'requests')
  const grid = page.getByRole('grid', { name: 'Requests in hand' })
  await grid.focus()
  await expect(grid).toHaveAttribute('aria-rowcount', '10001')
  for (let pages = 0; pages < 3; pages += 1) {
    await page.keyboard.press('End')
    await expect.poll(async () => (await callsOf(page, 'requestsList')).length).toBeGreaterThan(2 + pages)
  }
  expect(await page.getByRole('row').count()).toBeLessThan(80)
})

test('a station is created, and the settings lead to enrolment', async ({ page }) => {
  await open(page, 'absent', 'requests')
  await page.getByLabel('Name of the station').fill('signing1.example.org')
  await page.getByLabel('Your name').fill('Release Manager')
  await page.getByRole('button', { name: 'Create the station' }).click()
  await expect(page.getByRole('navigation', { name: 'Screens' })).toBeVisible()
  await open(page, 'new', 'settings')
  await page.getByLabel('Address of the API').fill('http://debusine.example.org/api')
  await expect(page.getByText('The address has to begin with https://')).toBeVisible()
  await page.getByLabel('Address of the API').fill('https://debusine.example.org/api')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'Enrol this station' }).click()
  await expect(page.getByText('An administrator of the server has to enable this worker')).toBeVisible()
})

test('a key is registered with a proof of possession', async ({ page }) => {
  await open(page, 'unregistered-token', 'keys')
  await page.getByRole('button', { name: 'Register Private key for Digital Signature' }).click()
  const next = page.getByRole('button', { name: 'Continue to the PIN …' })
  await expect(next).toBeDisabled()
  await page.getByRole('radio', { name: /^Test/ }).check({ force: true })
  await next.click()
  await page.getByLabel(/^PIN of/).fill('123456')
  await page.getByRole('button', { name: 'Register the key' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  expect((await callsOf(page, 'keysRegister'))[0]?.input).toMatchObject({
    production: false,
    ckaId: '02',
    useLastTry: false,
  })
})

test('a request whose token ends is renewed after its price was named', async ({ page }) => {
  await open(page, 'token-ends', 'request')
  await page.getByRole('button', { name: 'Renew …' }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog.getByText('1 renewal is left')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused()
  expect(await callsOf(page, 'requestRenew')).toEqual([])
  await dialog.getByRole('button', { name: 'Renew the request' }).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  expect(await callsOf(page, 'requestRenew')).toHaveLength(1)
  await expect(page.getByText(/The server’s token for it ends in \d+ days/)).toBeVisible()
})

test('going on duty says what it means for others, and asks', async ({ page }) => {
  await open(page, 'new', 'requests')
  await page.getByRole('button', { name: 'Off duty' }).click()
  await expect(page.getByText('no other station can sign it')).toBeVisible()
  await page.getByRole('button', { name: 'Go on duty' }).click()
  await expect(page.getByRole('button', { name: 'On duty' })).toBeVisible()
})
