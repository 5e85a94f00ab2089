import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

async function open(page: Page, scenario: string, place: string, hash = ''): Promise<void> {
  await page.goto(`/testing/gallery.html?scenario=${scenario}&place=${place}${hash}`)
  await page.locator('h1').first().waitFor()
}

async function callsOf(page: Page, name: string): Promise<readonly unknown[]> {
  const all = await page.evaluate(() => window.fakeStation?.calls.slice() ?? [])
  return all.filter((call) => call.name === name).map((call) => call.input)
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

test('the log is filtered, and an entry leads to its request and back', async ({ page }) => {
  await open(page, 'fine', 'audit')
  await page.getByRole('searchbox').fill('#10400')
  await expect(page.getByText('6 entries.')).toBeVisible()
  await page.getByRole('grid').focus()
  await page.keyboard.press('Enter')
  await button(page, 'Open the request').click()
  await expect(page.getByRole('heading', { level: 1, name: 'linux-image' })).toBeVisible()
  await button(page, /audit entr/).click()
  await expect(page.getByText('Only the entries of one request.')).toBeVisible()
})

test('every filter is in the address of the view, and a reload comes back to it', async ({ page }) => {
  await open(page, 'fine', 'audit')
  await page.getByRole('searchbox').fill('Release')
  await page.getByLabel('Event').selectOption({ label: 'Signed' })
  await page.getByLabel('Key').selectOption({ index: 1 })
  await page.getByLabel('Purpose').selectOption({ label: 'UEFI' })
  await page.getByLabel('From (UTC)').fill('2026-11-20')
  await page.getByLabel('Until (UTC)').fill('2026-11-20 09:00')
  await expect(page.getByText(/^\d+ entries\./)).toBeVisible()
  const asked = (await callsOf(page, 'auditList')).at(-1)
  expect(asked).toMatchObject({
    source: 'station',
    filter: {
      operator: 'Release',
      event: 'signed',
      purpose: 'uefi',
      fingerprint: expect.stringMatching(/^[0-9A-F]{64}$/),
      since: '2026-11-20T00:00:00.000Z',
      until: '2026-11-20T09:00:59.999Z',
    },
  })
  await page.getByRole('grid').getByRole('row').nth(1).click()
  await expect(page.getByRole('heading', { name: /^Entry/ })).toBeVisible()
  const address = page.url()
  await page.reload()
  await expect(page.getByRole('searchbox')).toHaveValue('Release')
  await expect(page.getByRole('heading', { name: /^Entry/ })).toBeVisible()
  expect((await callsOf(page, 'auditList')).at(-1)).toEqual(asked)
  expect(page.url()).toBe(address)
  await button(page, 'Show all').click()
  await expect(page.getByText('1,284 entries.')).toBeVisible()
})

test('a time that is none is said to be none, and not asked for', async ({ page }) => {
  await open(page, 'fine', 'audit')
  await page.getByLabel('From (UTC)').fill('20.11.2026')
  await expect(page.getByText('A day such as 2026-11-20')).toBeVisible()
  await expect(page.getByText('1,284 entries.')).toBeVisible()
})

test('a verification shows how far it is, can be cancelled, and goes on while another screen is open', async ({
  page,
}) => {
  await open(page, 'verifying', 'audit')
  await button(page, 'Verify now').click()
  await expect(page.getByRole('progressbar', { name: 'Verifying the log' })).toBeVisible()
  await expect(page.getByText('428 of 1,284 entries')).toBeVisible()
  await page.keyboard.press('Alt+2')
  await expect(page.getByRole('heading', { level: 1, name: 'Keys & tokens' })).toBeVisible()
  await page.keyboard.press('Alt+4')
  await expect(page.getByRole('progressbar', { name: 'Verifying the log' })).toBeVisible()
  await expect(button(page, 'Verify now')).toBeDisabled()
  await button(page, 'Cancel').click()
  await expect(page.getByRole('progressbar')).toHaveCount(0)
  await expect(button(page, 'Verify now')).toBeEnabled()
  expect(await callsOf(page, 'auditVerifyCancel')).toHaveLength(1)
})

test('a verified log is said to be so, with what was looked at', async ({ page }) => {
  await open(page, 'fine', 'audit')
  await button(page, 'Verify now').click()
  await expect(page.getByText('Verified: 1,284 entries')).toBeVisible()
  await expect(page.getByText('214 signed and right, the last of 1,284 entries')).toBeVisible()
  await button(page, 'Put away').click()
  await expect(page.getByText('Verified: 1,284 entries')).toHaveCount(0)
})

test('a log that was tampered with leads to the first bad entry', async ({ page }) => {
  await open(page, 'own-tampered', 'audit')
  await button(page, 'Verify now').click()
  await expect(page.getByText('Tampered with: entry 731')).toBeVisible()
  await button(page, 'Go to entry 731').click()
  await expect(page.getByRole('heading', { name: 'Entry 731' })).toBeVisible()
})

test('the whole log or the filter’s part is exported, and the place of the file is said', async ({ page }) => {
  await open(page, 'fine', 'audit')
  await button(page, 'Export …').click()
  await expect(page.getByRole('radio', { name: /Only a part/ })).toBeDisabled()
  await page.getByRole('dialog').getByRole('button', { name: 'Export' }).click()
  await expect(page.getByText(/^Exported: 1,284 entries/)).toBeVisible()
  await expect(page.getByText(/exports\/signing-log-.*\.jsonl/)).toBeVisible()
  await button(page, 'Put away').click()

  await page.getByLabel('From (UTC)').fill('2026-11-20 09:00')
  await page.getByLabel('Event').selectOption({ label: 'Signed' })
  await button(page, 'Export …').click()
  await expect(page.getByText('The rest of the filter does not narrow an export.')).toBeVisible()
  await page.getByRole('dialog').getByRole('button', { name: 'Export' }).click()
  await expect(page.getByText(/^Exported: \d+ entries/)).toBeVisible()
  expect(await callsOf(page, 'auditExport')).toEqual([
    { since: null, until: null, fingerprint: null, requestId: null },
    { since: '2026-11-20T09:00:00.000Z', until: null, fingerprint: null, requestId: null },
  ])
})

test('the verifier key, the checkpoint, an entry and its proof are copied as they are', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read'])
  await open(page, 'fine', 'entry')
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  await button(page, 'Copy the proof').click()
  expect(await clipboard()).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra .*\nindex 1279\n/)
  await button(page, 'Copy the entry, byte for byte').click()
  expect(await clipboard()).toMatch(/^\{"at":.*"seq":1280,"version":1\}$/)
  await button(page, 'Checkpoint and key …').click()
  await button(page, 'Copy the verifier key').click()
  expect(await clipboard()).toMatch(/^signing1\.example\.org\/signing-log\/0f1e2d3c4b5a6978\+69d6575e\+/)
  await button(page, 'Copy the checkpoint').click()
  expect(await clipboard()).toMatch(/^signing1.*\n1284\n.*\n\n— signing1.*\n$/)
  await expect(button(page, 'Copy the checkpoint')).toHaveText('Copied')
})

test('an entry that no checkpoint covers says so, and has its proof when one does', async ({ page }) => {
  await open(page, 'folder-unplugged', 'audit')
  await page.evaluate(() => {
    const fake = window.fakeStation
    if (fake?.state.log.last) fake.state.log.last = { ...fake.state.log.last, size: 1_281 }
  })
  await page.getByRole('grid').getByRole('row').nth(1).click()
  await expect(page.getByText('No checkpoint covers this entry yet')).toBeVisible()
  await button(page, 'Checkpoint and key …').click()
  await button(page, 'Sign a checkpoint now').click()
  await expect(page.getByText(/Last checkpoint: 1,284 entries/)).toBeVisible()
  await button(page, 'Close').last().click()
  await expect(button(page, 'Copy the proof')).toBeVisible()
})

test('what keeps a checkpoint from its copies is said in full', async ({ page }) => {
  await open(page, 'folder-unplugged', 'audit')
  await expect(page.getByText(/could not be copied to \/media\/audit\/checkpoints/)).toBeVisible()
})

test('a station without a log key is offered one, by an explicit act', async ({ page }) => {
  await open(page, 'no-log-key', 'audit')
  await button(page, 'Make the log’s key …').click()
  await expect(button(page, 'Cancel')).toBeFocused()
  await button(page, 'Make the key').click()
  await expect(page.getByText('No checkpoint was signed yet.')).toBeVisible()
})

test('what a witness answered is kept only if it verifies', async ({ page }) => {
  await open(page, 'folder-unplugged', 'audit')
  await button(page, 'Checkpoint and key …').click()
  await page.getByLabel('What the witness answered').fill('— somebody.example AAAA')
  await button(page, 'Check and keep it').click()
  await expect(page.getByText('It was not kept')).toBeVisible()
  await page.getByLabel('What the witness answered').fill('— witness.example.com/w1 nvcgtwAAAABpVzWl')
  await button(page, 'Check and keep it').click()
  await expect(page.getByText('is part of the checkpoint from now on')).toBeVisible()
})

test('200,000 entries: the list goes to its end and to its middle, and holds only what is near', async ({ page }) => {
  await open(page, 'long-log', 'audit')
  const grid = page.getByRole('grid', { name: 'Audit log' })
  await expect(grid).toHaveAttribute('aria-rowcount', '200001')
  await grid.focus()
  await page.keyboard.press('End')
  await expect(grid.getByText('The log begins')).toBeVisible()
  await grid.evaluate((scroller) => scroller.scrollTo({ top: scroller.scrollHeight / 2 }))
  await expect(grid.getByRole('row').nth(5)).toContainText(/(?:99|100),\d{3}/)
  expect(await grid.getByRole('row').count()).toBeLessThan(80)
  // Not every place on the way was asked for.
  expect((await callsOf(page, 'auditList')).length).toBeLessThan(20)
  await page.getByLabel('Go to entry').fill('77,777')
  await page.getByLabel('Go to entry').press('Enter')
  await expect(page.getByRole('heading', { name: 'Entry 77,777' })).toBeVisible()
})

test('entries that are written meanwhile move nothing that is being read', async ({ page }) => {
  await open(page, 'fine', 'audit')
  const grid = page.getByRole('grid', { name: 'Audit log' })
  const add = () =>
    page.evaluate(() => {
      const fake = window.fakeStation
      const last = fake?.state.audit.at(-1)
      if (fake === undefined || last === undefined) return
      fake.state.audit = [...fake.state.audit, { ...last, seq: (last.seq + 1) as typeof last.seq }]
      fake.emit('audit.changed', { entries: fake.state.audit.length })
    })
  await add()
  await expect(grid.getByText('1,285')).toBeVisible()
  await grid.evaluate((scroller) => scroller.scrollTo({ top: 3_200 }))
  await expect(grid.getByText('1,180', { exact: true })).toBeVisible()
  await add()
  await expect(page.getByText('Newer entries were written.')).toBeVisible()
  await expect(grid).toHaveAttribute('aria-rowcount', '1286')
  await button(page, 'Show them').click()
  await expect(grid.getByText('1,286')).toBeVisible()
})

for (const theme of ['light', 'dark'] as const) {
  test(`the log’s dialogs and reports have nothing that axe objects to (${theme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme })
    const steps: readonly (readonly [scenario: string, press: string, seen: RegExp])[] = [
      ['folder-unplugged', 'Checkpoint and key …', /Signature of a witness/],
      ['fine', 'Export …', /What it holds/],
      ['no-log-key', 'Make the log’s key …', /keeps its key for ever/],
      ['fine', 'Verify now', /^Verified/],
      ['own-tampered', 'Verify now', /^Tampered/],
      ['own-doubtful', 'Verify now', /^Cannot tell/],
    ]
    for (const [scenario, press, seen] of steps) {
      await open(page, scenario, 'audit')
      await button(page, press).click()
      await expect(page.getByText(seen).first()).toBeVisible()
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      expect(
        violations.map(
          ({ id, nodes }) => `${scenario} ${press} ${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`,
        ),
      ).toEqual([])
    }
  })
}

test('the entries of a time are printed: the head, the verdict and each entry, on white paper, without the window around', async ({
  page,
}) => {
  await open(page, 'fine', 'audit')
  await button(page, 'Verify now').click()
  await expect(page.getByText('Verified: 1,284 entries')).toBeVisible()
  await page.getByLabel('From (UTC)').fill('2026-11-20 09:00')
  await button(page, 'Report …').click()
  await expect(page.getByRole('heading', { level: 1, name: 'Audit log report' })).toBeFocused()
  await expect(page.getByText('Those from 2026-11-20 09:00:00 UTC')).toBeVisible()
  await expect(page.getByText('Verified: 1,284 entries.')).toBeVisible()
  await expect(page.locator('.printed-entries tbody tr')).toHaveCount(15)
  // As long as the paper, not as the window.
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  await expect(page.getByRole('navigation', { name: 'Screens' })).toBeHidden()
  await expect(button(page, 'Print …')).toBeHidden()
  const ink = await page.evaluate(() => getComputedStyle(document.querySelector('.printed') as Element).color)
  expect(ink).toBe('rgb(25, 27, 30)')
  const pdf = await page.pdf({ format: 'A4' })
  expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBe(2)
  await page.emulateMedia({ media: 'screen' })
  const asked = await page.evaluate(() => {
    let prints = 0
    window.print = () => (prints += 1)
    ;[...document.querySelectorAll('button')].find((each) => each.textContent === 'Print …')?.click()
    return prints
  })
  expect(asked).toBe(1)
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.map(({ id }) => id)).toEqual([])
  await button(page, 'Back to the log').click()
  await expect(page.getByRole('heading', { level: 1, name: 'Audit log' })).toBeFocused()
  await expect(page.getByLabel('From (UTC)')).toHaveValue('2026-11-20 09:00')
})

test('what is too long for one report is printed in parts, and no entry is in two or in none', async ({ page }) => {
  await open(page, 'three-parts', 'audit')
  await button(page, 'Report …').click()
  const numbers = () => page.locator('.printed-entries tbody td.printed-number').allTextContents()
  await expect(page.getByText('Printed in 3 parts')).toBeVisible()
  await expect(button(page, 'Part before')).toBeDisabled()
  const seen: string[] = []
  for (const [part, rows] of [
    [1, 5_000],
    [2, 5_000],
    [3, 3],
  ] as const) {
    await expect(page.getByRole('status').filter({ hasText: `Part ${part} of 3` })).toBeVisible()
    await expect(page.locator('.printed-entries tbody tr')).toHaveCount(rows)
    await expect(page.getByText(new RegExp(`^${part} of 3: the `))).toBeVisible()
    await expect(button(page, 'Print …')).toBeEnabled()
    seen.push(...(await numbers()))
    if (part < 3) await button(page, 'Next part').click()
  }
  await expect(button(page, 'Next part')).toBeDisabled()
  expect(seen.map((text) => Number(text.replaceAll(',', '')))).toEqual(
    Array.from({ length: 10_003 }, (_, at) => at + 1),
  )
})

test('folders for checkpoints and witnesses are set', async ({ page }) => {
  await open(page, 'fine', 'settings')
  await button(page, 'Add a folder').click()
  await page.getByRole('textbox', { name: 'Folder 1' }).fill('media/audit')
  await expect(page.getByText('“media/audit” is no absolute path.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Folder 1' }).fill('/media/audit')
  await page.getByLabel('Verifier keys of witnesses, one a line').fill('nobody')
  await expect(page.getByText('is no verifier key')).toBeVisible()
  await page.getByLabel('Verifier keys of witnesses, one a line').fill('witness.example.com/w1+9ef720b7+BK8f')
  await button(page, 'Save').click()
  await expect(page.getByText('All saved.')).toBeVisible()
  expect((await callsOf(page, 'settingsSet')).at(-1)).toMatchObject({
    checkpointFolders: ['/media/audit'],
    witnesses: ['witness.example.com/w1+9ef720b7+BK8f'],
  })
})

test('a checkpoint that contradicts the log is shown with its text, and only a reason closes it', async ({ page }) => {
  await open(page, 'log-contradicted', 'audit')
  await expect(page.getByRole('alert').filter({ hasText: 'Read-only.' })).toContainText('for more entries')
  await expect(page.getByText('A checkpoint contradicts this log')).toBeVisible()
  await expect(page.getByText(/^signing1\.example\.org\/signing-log\/0f1e2d3c4b5a6978\s1310/)).toBeVisible()
  await button(page, 'Close the contradiction …').click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog.getByText('does not contain the checkpoint')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Close the contradiction' })).toBeDisabled()
  await dialog.getByRole('textbox').fill('The disk died; this is the evening’s copy.')
  await dialog.getByRole('button', { name: 'Close the contradiction' }).click()
  await expect(page.getByText('A checkpoint contradicts this log')).toBeHidden()
  expect(await callsOf(page, 'auditCloseContradiction')).toMatchObject([
    { contradiction: expect.stringMatching(/^[0-9a-f]{64}$/), reason: 'The disk died; this is the evening’s copy.' },
  ])
})

test('what a device’s log does not say alike is shown until a person explains it', async ({ page }) => {
  await open(page, 'device-incident', 'audit')
  await expect(page.getByText('The log of device 07550140 and this one differ')).toBeVisible()
  await button(page, 'Go to entry 1,203').click()
  await expect(page.getByRole('heading', { name: /^Entry 1,?203/ })).toBeVisible()
  await button(page, 'Close the incident …').click()
  const dialog = page.getByRole('alertdialog')
  await dialog.getByRole('textbox').fill('A test of the custodian’s.')
  await dialog.getByRole('button', { name: 'Close the incident' }).click()
  await expect(page.getByText('and this one differ')).toBeHidden()
  expect(await callsOf(page, 'incidentCloseDevice')).toEqual([{ opened: 1203, note: 'A test of the custodian’s.' }])
})
