import { expect, type Page } from '@playwright/test'
import { attach } from '../harness/fixtures.ts'
import { type StationFolders, type StationProcess, startStation } from '../harness/station-process.ts'
import { untrustedCertificate } from '../sandbox-server/scenarios.ts'
import type { BinaryPackage, InputFile } from '../sandbox-server/seed.ts'
import { logScreenNames, showLogScreens } from './log-screens.ts'
import { approveNext, waitForStage } from './operator.ts'
import { personAt } from './person.ts'
import { type TokenHold, tokenHold } from './token-hold.ts'
import type { Workbench } from './workbench.ts'

/** Every screen of the station, and every stage of a request, in the order in which `showEveryScreen` comes past them. */
export const screenNames = [
  'first-start',
  'getting-started',
  'settings-new',
  'settings-enrol',
  'keys-empty',
  'register',
  'register-pin',
  'generate',
  'generate-pin',
  'generated',
  'duty',
  'next-hidden',
  'nothing-in-hand',
  'nothing-done',
  'requests-in-hand',
  'review',
  'review-files',
  'pin-dialog',
  'pin-wrong',
  'decline-dialog',
  'requests-next',
  'signing',
  'interrupted',
  'go-on-dialog',
  'result',
  'incident',
  'incident-dialog',
  'partly-signed',
  'many-files',
  'review-attention',
  'declined',
  'review-blocked',
  'review-forbidden',
  'review-malformed',
  'requests-done',
  'search-empty',
  'keys',
  ...logScreenNames,
  'settings',
] as const
export type ScreenName = (typeof screenNames)[number]

export interface Package extends BinaryPackage {
  readonly workspace: string
  readonly files: readonly InputFile[]
}

export interface ScreenTour {
  readonly folders: StationFolders
  readonly bench: Workbench
  /** Signed before anybody looks. The first is asked for a second time later. */
  readonly earlier: readonly Package[]
  /** Reviewed and signed in sight. */
  readonly reviewed: Package
  /** At least 16 files: the token is held in the middle of them. */
  readonly many: Package
  /** Their files want another signature than those before, in vain. */
  readonly refused: Package
  readonly malformed: InputFile
  /** 200 files; null leaves that scene out. */
  readonly crowd: Package | null
  readonly waiting: readonly Package[]
  /** Called with each screen in front of it. */
  readonly visit: (name: ScreenName, page: Page) => Promise<void>
}

/** From an empty profile past every screen, by the same clicks that a person makes. The station is ended when this resolves. */
export async function showEveryScreen(tour: ScreenTour): Promise<void> {
  const hold = tokenHold(tour.folders)
  const station = startStation({ window: 'chromium', folders: tour.folders, env: { ...tour.bench.env, ...hold.env } })
  try {
    const { page } = await attach(station)
    await page.setViewportSize({ width: 1400, height: 900 })
    const hands = handsAt(page, tour, hold)
    await setUp(hands)
    await mainJob(hands)
    await tokenLost(hands)
    await whatIsRefused(hands)
    await afterwards(hands)
  } catch (error) {
    throw new Error(`the tour did not come to its end; the station said:\n${station.log().slice(-3000)}`, {
      cause: error,
    })
  } finally {
    await end(station)
  }
}

async function end(station: StationProcess): Promise<void> {
  station.kill('SIGTERM')
  const force = setTimeout(() => station.kill('SIGKILL'), 10_000)
  await station.exit
  clearTimeout(force)
}

type Hands = ReturnType<typeof handsAt>

function handsAt(page: Page, tour: ScreenTour, hold: TokenHold) {
  const { bench } = tour
  const fingerprint = bench.keys[0]?.fingerprint ?? ''
  return {
    page,
    tour,
    hold,
    bench,
    person: personAt(page),
    show: (name: ScreenName) => tour.visit(name, page),
    button: (name: string | RegExp) => page.getByRole('button', { name }),
    dialog: page.getByRole('alertdialog'),
    tab: (name: string) => page.getByRole('tab', { name }).click(),
    ask: (from: Package, more: Parameters<typeof bench.server.addSignRequest>[0] | object = {}) =>
      bench.server.addSignRequest({
        fingerprint,
        files: from.files,
        workspace: from.workspace,
        binaryPackage: from,
        trustedCerts: [],
        ...more,
      }),
    completed: (id: number) =>
      expect.poll(() => bench.server.workRequest(id)?.status, { timeout: 30_000 }).toBe('completed'),
  }
}

async function setUp({ page, tour, bench, person, show, button, tab, ask, completed }: Hands): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: 'Create this station' })).toBeVisible()
  await show('first-start')
  await person.createStation({ station: 'signing1.example.org', operator: 'Release Manager' })
  await expect(page.getByText('Before the first request')).toBeVisible()
  await show('getting-started')
  await person.go('Settings')
  await show('settings-new')
  await person.setServer(bench.server, bench.tokens.module)
  await show('settings-enrol')
  await person.enrol()
  bench.server.enableWorker()

  await person.go('Keys & tokens')
  await expect(button(/^Register/).first()).toBeVisible()
  await show('keys-empty')
  await button(/^Register/)
    .first()
    .click()
  await page.getByRole('textbox', { name: 'Description' }).fill('Secure Boot signer 2026')
  await page.getByText('Production', { exact: true }).first().click()
  await show('register')
  await button('Continue to the PIN …').click()
  await page.getByLabel(/^PIN of/).fill(bench.pin)
  await show('register-pin')
  await button('Register the key').click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)
  if (bench.keys.length > 1) await person.registerKey({ description: 'Rehearsals', production: false, pin: bench.pin })

  await button(/^Generate a key on/)
    .first()
    .click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Description').fill('Secure Boot signer 2027')
  await form.getByText('Production', { exact: true }).first().click()
  await form.getByText('RSA 3072', { exact: true }).click()
  await form.getByLabel('Id (CKA_ID)').fill('2027')
  await show('generate')
  await button('Continue to the PIN …').click()
  await page.getByLabel(/^PIN of/).fill(bench.pin)
  await show('generate-pin')
  await button('Make the key').click()
  await expect(page.getByRole('dialog', { name: 'The new key' })).toBeVisible({ timeout: 60_000 })
  await show('generated')
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()

  await person.go('Requests')
  await tab('Next')
  await expect(page.getByText('Waiting work is not visible')).toBeVisible()
  await show('next-hidden')
  await tab('Done')
  await expect(page.getByText('Nothing is done yet')).toBeVisible()
  await show('nothing-done')
  await button('Off duty').click()
  await show('duty')
  await page.getByRole('dialog').getByRole('button', { name: 'Go on duty' }).click()
  await expect(button('On duty')).toBeVisible()
  await tab('In hand')
  await expect(page.getByText('Nothing in hand')).toBeVisible()
  await show('nothing-in-hand')

  await person.go('Settings')
  await page.getByLabel('API token', { exact: true }).fill(bench.server.userToken)
  await button('Keep this token').click()
  await expect(page.getByLabel('Another API token')).toBeVisible()
  for (const each of tour.earlier) {
    const id = await ask(each)
    expect((await approveNext(page, bench.pin)).refusal, each.name).toBeNull()
    await completed(id)
  }
}

async function mainJob({
  page,
  tour,
  bench,
  person,
  show,
  button,
  dialog,
  tab,
  ask,
  completed,
  hold,
}: Hands): Promise<void> {
  const id = await ask(tour.reviewed)
  for (const each of tour.waiting) await ask(each)
  await person.go('Requests')
  await expect(page.getByRole('grid', { name: 'Requests in hand' }).getByText('To review')).toBeVisible()
  await show('requests-in-hand')
  await tab('Next')
  await expect(
    page
      .getByRole('grid', { name: /waits at the server/ })
      .getByRole('row')
      .nth(1),
  ).toBeVisible()
  await show('requests-next')
  await tab('In hand')
  await person.openFirst()
  await expect(button('Approve …')).toBeVisible()
  await show('review')
  await page.locator('#sheet-files').scrollIntoViewIfNeeded()
  await page.locator('.file-line').first().click()
  await page
    .locator('.file')
    .first()
    .evaluate((file) => file.scrollIntoView({ block: 'start' }))
  await show('review-files')
  for (const box of await page.getByRole('group', { name: 'To be acknowledged' }).getByRole('checkbox').all())
    await box.check({ force: true })
  await button('Approve …').click()
  await page.getByLabel(/^PIN of/).fill(bench.pin)
  await show('pin-dialog')
  await page.getByLabel(/^PIN of/).fill('000000')
  await dialog.getByRole('button', { name: /^Sign \d/ }).click()
  await expect(page.getByText('pin-incorrect')).toBeVisible()
  await show('pin-wrong')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await button('Decline …').click()
  await page.getByRole('textbox', { name: /^Reason/ }).fill('Not announced on the release channel.')
  await show('decline-dialog')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await person.approve(bench.pin)
  await completed(id)
  // What waited is worked off before the next scene: one request is in hand at a time.
  for (const _ of tour.waiting) {
    const { detail, refusal } = await approveNext(page, bench.pin)
    expect(refusal, detail.summary.title).toBeNull()
    await completed(detail.summary.workRequestId)
  }

  const many = await ask(tour.many)
  await person.openFirst()
  // A batch in the middle: more wait behind it, however fast the token was before.
  hold.arm(4)
  await person.approve(bench.pin)
  await hold.held()
  await expect(page.getByRole('progressbar', { name: 'Files signed' })).toHaveAttribute('value', /^[1-9]/)
  await show('signing')
  await button('Cancel after this file').click()
  hold.release()
  await expect(button('Go on …')).toBeVisible({ timeout: 20_000 })
  await show('interrupted')
  await button('Go on …').click()
  await page.getByLabel(/^PIN of/).fill(bench.pin)
  await show('go-on-dialog')
  await dialog.getByRole('button', { name: /^Sign \d/ }).click()
  await completed(many)
  await expect(page.getByText('Signed', { exact: true }).first()).toBeVisible()
  await show('result')
}

async function whatIsRefused({ page, tour, person, show, button, ask, completed }: Hands): Promise<void> {
  const [again] = tour.earlier
  if (again === undefined) throw new Error('the tour wants a package that was signed before')
  const attention = await ask(again, { trustedCerts: null })
  await person.openFirst()
  await expect(page.getByRole('group', { name: 'To be acknowledged' })).toBeVisible()
  await show('review-attention')
  await person.decline('Signed last week; nobody announced another one.')
  await completed(attention)
  await show('declined')

  for (const [name, more] of [
    ['review-blocked', { trustedCerts: [untrustedCertificate] }],
    ['review-forbidden', { allowed: false }],
    ['review-malformed', { files: [...tour.refused.files.slice(0, 1), tour.malformed] }],
  ] as const) {
    const id = await ask(tour.refused, more)
    await person.openFirst()
    await expect(page.getByText('This request cannot be approved')).toBeVisible()
    await expect(button('Approve …')).toHaveCount(0)
    await show(name)
    await person.decline('It cannot be approved as it is.')
    await completed(id)
  }
}

async function tokenLost({
  page,
  tour,
  bench,
  person,
  show,
  button,
  dialog,
  ask,
  completed,
  hold,
}: Hands): Promise<void> {
  const id = await ask(tour.many)
  await person.openFirst()
  hold.arm(5)
  await person.approve(bench.pin)
  await hold.held()
  hold.lose()
  await expect(button('Close the incident …')).toBeVisible({ timeout: 20_000 })
  await show('incident')
  await button('Close the incident …').click()
  await page
    .getByRole('textbox', { name: /What happened/ })
    .fill('The token was pulled out while it signed. Its own counter shows four signatures more than this log.')
  await show('incident-dialog')
  await dialog.getByRole('button', { name: 'Close the incident' }).click()
  await expect(dialog).toHaveCount(0)
  const row = await waitForStage(page, ['interrupted', 'done'])
  if (row.stage === 'interrupted') {
    await button('Stop here …').click()
    await page.getByRole('textbox', { name: /^Reason/ }).fill('The token is looked at first.')
    await dialog.getByRole('button', { name: 'Stop and return' }).click()
  }
  await completed(id)
  await expect(page.getByText('Partly signed').first()).toBeVisible()
  await show('partly-signed')

  if (tour.crowd === null) return
  const crowd = await ask(tour.crowd)
  await person.openFirst()
  await expect(page.locator('.file')).toHaveCount(tour.crowd.files.length)
  await page
    .locator('.file')
    .nth(40)
    .evaluate((file) => file.scrollIntoView({ block: 'start' }))
  await show('many-files')
  await person.approve(bench.pin)
  await completed(crowd)
}

async function afterwards({ page, person, show, button, tab, tour }: Hands): Promise<void> {
  await person.go('Requests')
  await tab('Done')
  await expect(page.getByRole('grid', { name: 'Requests that are done' })).toBeVisible()
  await show('requests-done')
  await page.getByRole('searchbox').fill('no such thing')
  await expect(page.getByText('Nothing found')).toBeVisible()
  await show('search-empty')
  await person.go('Keys & tokens')
  await expect(page.getByText('Secure Boot signer 2026').first()).toBeVisible()
  await show('keys')
  await showLogScreens({ page, person, show, button, folders: tour.folders })
  await person.go('Settings')
  await show('settings')
}
