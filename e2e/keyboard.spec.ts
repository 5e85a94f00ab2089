import { expect, type Page } from '@playwright/test'
import { test as base } from './harness/fixtures.ts'
import { buildPe } from './workbench/pe-files.ts'
import { makeWorkbench, type Workbench } from './workbench/workbench.ts'

// The whole job without a mouse: from an empty profile to a signed request, a declined one and the log. Nothing here clicks, fills
// or focuses: all goes through the keyboard, and at every stop of Tab the focus has to be seen.

const test = base.extend<{ bench: Workbench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({ folders })
    await use(bench)
    await bench.stop()
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})

interface Focus {
  /** Accessible name, as far as labels and text give it. */
  readonly name: string
  readonly role: string
  /** Something in it or around it is outlined, and it is in sight. */
  readonly seen: boolean
}

function focusOf(page: Page): Promise<Focus | null> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement) || element === document.body) return null
    const labelledBy = element.getAttribute('aria-labelledby')?.split(/\s+/) ?? []
    const labels = 'labels' in element ? [...((element.labels as NodeListOf<Element> | null) ?? [])] : []
    const name =
      element.getAttribute('aria-label') ??
      ([...labelledBy.map((id) => document.getElementById(id)), ...labels]
        .map((label) => label?.textContent ?? '')
        .join(' ')
        .trim() ||
        element.textContent)
    const outlined = (candidate: Element) => {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(candidate)
      return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1.5 && !outlineColor.endsWith(', 0)')
    }
    // A box or a dot inside the label stands for an input that is hidden; a grid shows its active row.
    const around = element.closest('label') ?? element
    const marks = [element, around, ...around.querySelectorAll('*')].filter(outlined)
    const seen = marks.some((mark) => {
      const { top, bottom, left, right } = mark.getBoundingClientRect()
      return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth && bottom - top > 4
    })
    return { name, role: element.getAttribute('role') ?? element.tagName.toLowerCase(), seen }
  })
}

/** Presses Tab until the focus is on that name. Every stop on the way has to be visible. */
async function tabTo(page: Page, name: RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const stops: string[] = []
  for (let presses = 0; presses < 80; presses += 1) {
    const focus = await focusOf(page)
    if (focus !== null && name.test(focus.name)) return
    await page.keyboard.press(key)
    const now = await focusOf(page)
    stops.push(now === null ? '(nothing)' : `${now.role} ${now.name.slice(0, 40)}`)
    // The page scrolls to it, and draws the mark, in a frame to come.
    if (now !== null) {
      const where = `the focus on ${now.role} “${now.name.slice(0, 60)}” is seen`
      await expect.poll(async () => (await focusOf(page))?.seen, where).toBe(true)
    }
  }
  throw new Error(`${key} never reached ${name}; it came past ${stops.join(', ')}`)
}

async function press(page: Page, name: RegExp, key = 'Enter'): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press(key)
}

async function type(page: Page, name: RegExp, text: string): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Control+A')
  await page.keyboard.insertText(text)
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name })

async function go(page: Page, digit: 1 | 2 | 3 | 4 | 5, name: string): Promise<void> {
  await page.keyboard.press(`Alt+${digit}`)
  await expect(heading(page, name)).toBeFocused()
}

async function setUp(page: Page, bench: Workbench): Promise<void> {
  await expect(page.getByLabel('Name of the station')).toBeFocused()
  await page.keyboard.type('desk.example.org')
  await type(page, /^Your name/, 'Release Manager')
  await press(page, /^Create the station/)
  await expect(heading(page, 'Requests')).toBeVisible()

  await go(page, 5, 'Settings')
  await type(page, /^Address of the API/, bench.server.apiUrl)
  await type(page, /^Certificate authority/, bench.server.caPem)
  await press(page, /^Add a module/)
  await type(page, /^Module 1/, bench.tokens.module)
  await press(page, /^Save$/)
  await expect(page.getByText('All saved.')).toBeVisible()
  await press(page, /^Enrol this station/)
  await expect(
    page
      .getByRole('group', { name: 'Enrolment' })
      .getByText(/Enrolled|Waiting/)
      .first(),
  ).toBeVisible()
  bench.server.enableWorker()

  await go(page, 2, 'Keys & tokens')
  await expect(page.getByRole('button', { name: /^Register/ })).toBeVisible()
  await press(page, /^Register/)
  await expect(page.getByRole('dialog')).toBeVisible()
  await type(page, /^Description/, 'Secure Boot signer 2026')
  await tabTo(page, /^Production|^Test/)
  await page.keyboard.press('Space')
  const whatFor = page.getByRole('radiogroup', { name: 'What it is for' })
  await expect(whatFor.getByRole('radio', { checked: true })).toHaveCount(1)
  await press(page, /^Continue to the PIN/)
  await expect(page.getByLabel(/^PIN of/)).toBeFocused()
  await page.keyboard.type(bench.pin)
  await press(page, /^Register the key/)
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect(page.getByText('Secure Boot signer 2026').first()).toBeVisible()

  await press(page, /^Off duty/)
  await press(page, /^Go on duty/)
  await expect(page.getByRole('button', { name: 'On duty' })).toBeVisible()
}

/** Opens the first request in hand; the focus is on its title, never on what decides. */
async function openFirst(page: Page): Promise<void> {
  await go(page, 1, 'Requests')
  const grid = page.getByRole('grid', { name: 'Requests in hand' })
  await expect(grid.getByText('To review').first()).toBeVisible({ timeout: 60_000 })
  await tabTo(page, /^Requests in hand$/)
  await page.keyboard.press('Home')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
  await expect(page.getByRole('heading', { name: 'Decision' })).toBeVisible()
}

function ask(bench: Workbench, n: number): Promise<number> {
  return bench.server.addSignRequest({
    fingerprint: bench.keys[0]?.fingerprint ?? '',
    files: [
      { name: `example/usr/lib/${n}-a.efi`, bytes: buildPe(n) },
      { name: `example/usr/lib/${n}-b.efi`, bytes: buildPe(n + 1) },
    ],
    binaryPackage: { name: `example-${n}`, source: 'example', architecture: 'amd64', version: '1.0' },
    trustedCerts: [],
  })
}

/** The log goes into a file, and the file is read as another's. */
async function exportAndReview(page: Page): Promise<void> {
  await press(page, /^Export …/)
  await expect(page.getByRole('dialog')).toBeVisible()
  await press(page, /^Export$/)
  await expect(page.getByText(/^Exported: \d+ entries/)).toBeVisible()
  await press(page, /^Other logs …/)
  await expect(heading(page, 'Other logs')).toBeFocused()
  await tabTo(page, /^signing-log-/)
  await page.keyboard.press('Space')
  await press(page, /^Open and verify/)
  await expect(heading(page, 'Log under review')).toBeFocused()
  // Past the heading, which has the same name.
  await page.keyboard.press('Tab')
  await tabTo(page, /^Log under review$/)
  await page.keyboard.press('End')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Entry 1', exact: true })).toBeVisible()
  await press(page, /^Report …/)
  await expect(heading(page, 'Audit log report')).toBeFocused()
  await press(page, /^Back to the log/)
  await expect(heading(page, 'Log under review')).toBeFocused()
  await press(page, /^Close this log/)
  await expect(heading(page, 'Other logs')).toBeFocused()
}

test('from an empty profile to a signed request, a declined one and the log, with the keyboard alone', async ({
  page,
  bench,
}) => {
  test.setTimeout(240_000)
  await setUp(page, bench)

  // Signed.
  const signed = await ask(bench, 1)
  await openFirst(page)
  // Enter and Space on the title, and on a file, decide nothing.
  await page.keyboard.press('Enter')
  await page.keyboard.press('Space')
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await tabTo(page, /1-a\.efi/)
  await page.keyboard.press('Enter')
  await expect(page.getByText('SHA-256 of the file').first()).toBeVisible()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Approve …' })).toBeEnabled()
  await press(page, /^Approve …/)
  await expect(page.getByLabel(/^PIN of/)).toBeFocused()
  // No shortcut leads out of a question, and Escape does, without an answer.
  await page.keyboard.press('Alt+3')
  await expect(page.getByRole('alertdialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect
    .poll(async () => (await focusOf(page))?.name, 'the focus is back where the question came from')
    .toBe('Approve …')
  await page.keyboard.press('Enter')
  await expect(page.getByLabel(/^PIN of/)).toBeFocused()
  await page.keyboard.type(bench.pin)
  // In the field, Enter is not an answer.
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alertdialog')).toBeVisible()
  expect(bench.server.workRequest(signed)?.status).not.toBe('completed')
  await press(page, /^Sign 2 files/)
  await expect.poll(() => bench.server.workRequest(signed)?.result, { timeout: 30_000 }).toBe('success')
  await expect(page.getByText('Signed', { exact: true }).first()).toBeVisible()

  // Declined.
  const declined = await ask(bench, 11)
  await openFirst(page)
  await press(page, /^Decline …/)
  await expect(page.getByLabel(/^Reason/)).toBeFocused()
  await page.keyboard.type('Not announced.')
  await press(page, /^Decline$/)
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  await expect.poll(() => bench.server.workRequest(declined)?.result, { timeout: 30_000 }).toBe('failure')

  // The tabs with the arrows, the done list with the keys of a list.
  await go(page, 1, 'Requests')
  await tabTo(page, /^In hand/)
  await page.keyboard.press('End')
  const done = page.getByRole('grid', { name: 'Requests that are done' })
  await expect(done.getByRole('row')).toHaveCount(3)
  await tabTo(page, /^Requests that are done$/)
  await page.keyboard.press('End')
  await page.keyboard.press('Enter')
  await expect(heading(page, 'example-1 1.0')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(heading(page, 'Requests')).toBeVisible()

  // The log: search, open, close.
  await go(page, 4, 'Audit log')
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox')).toBeFocused()
  await page.keyboard.type(`#${signed}`)
  const log = page.getByRole('grid', { name: 'Audit log' })
  await expect(log.getByText('Approved', { exact: true })).toBeVisible()
  await tabTo(page, /^Audit log$/)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: /^Entry/ })).toBeVisible()
  await press(page, /^Verify now/)
  await expect(page.getByText('Cannot tell', { exact: true })).toBeVisible()
  await expect(page.getByText(/No checkpoint is kept outside this station’s folder/)).toBeVisible()
  await exportAndReview(page)
  expect(bench.server.record.violations).toEqual([])
})

test('a key that is held down opens one question and answers none', async ({ page, bench }) => {
  test.setTimeout(120_000)
  await setUp(page, bench)
  const id = await ask(bench, 21)
  await openFirst(page)
  await expect(page.getByRole('button', { name: 'Approve …' })).toBeEnabled()
  await tabTo(page, /^Approve …/)
  // Playwright sends the second and later ones as repeats of the first.
  await page.keyboard.down('Enter')
  for (let times = 0; times < 30; times += 1) await page.keyboard.down('Enter')
  await page.keyboard.up('Enter')
  await expect(page.getByRole('alertdialog')).toHaveCount(1)
  await expect(page.getByLabel(/^PIN of/)).toBeFocused()
  await page.keyboard.type(bench.pin)
  await tabTo(page, /^Sign 2 files/)
  await page.keyboard.down('Enter')
  for (let times = 0; times < 30; times += 1) await page.keyboard.down('Enter')
  await page.keyboard.up('Enter')
  await expect.poll(() => bench.server.workRequest(id)?.result, { timeout: 30_000 }).toBe('success')
  // One decision, one signature for each file.
  const counted = await page.evaluate(async () => {
    const listed = await window.station.auditList({ source: 'station', filter: {}, cursor: null, skip: 0, limit: 500 })
    if (!listed.ok) throw new Error(listed.error.message)
    const of = (event: string) => listed.value.rows.filter((row) => row.event === event).length
    return { approved: of('approved'), intent: of('intent'), signed: of('signed') }
  })
  expect(counted).toEqual({ approved: 1, intent: 2, signed: 2 })
})
