import { expect, type Locator, type Page } from '@playwright/test'
import { sampleRelease } from '../../src/main/debian/testing/sample-release.ts'
import { attach } from '../harness/fixtures.ts'
import { makeFolders, removeFolders, startStation } from '../harness/station-process.ts'
import { type Person, personAt } from './person.ts'
import { helloUpload } from './upload-files.ts'
import { makeWorkbench, type Workbench } from './workbench.ts'

/** The screens of whoever signs for an archive, in the order in which `showArchiveWork` comes past them. */
export const archiveScreenNames = ['upload', 'upload-fields', 'index', 'standing', 'waiting', 'by-hand'] as const
export type ArchiveScreenName = (typeof archiveScreenNames)[number]

interface Archivist {
  readonly page: Page
  readonly person: Person
  readonly bench: Workbench
  readonly button: (name: string | RegExp) => Locator
  readonly show: (name: ArchiveScreenName) => Promise<void>
}

/** From an empty profile through uploads, repository indexes, what waits for a person, and files by hand. */
export async function showArchiveWork(visit: (name: ArchiveScreenName, page: Page) => Promise<void>): Promise<void> {
  const folders = makeFolders()
  const bench = await makeWorkbench({
    folders,
    keys: [
      { algorithm: 'rsa-2048', commonName: 'Uploads' },
      { algorithm: 'ec-p256', commonName: 'Archive' },
    ],
  })
  const station = startStation({ window: 'chromium', folders, env: bench.env })
  try {
    const { page } = await attach(station)
    await page.setViewportSize({ width: 1400, height: 900 })
    const hands: Archivist = {
      page,
      person: personAt(page),
      bench,
      button: (name) => page.getByRole('button', { name }),
      show: (name) => visit(name, page),
    }
    await setUp(hands)
    const [uploads, archive] = await fingerprints(page)
    bench.server.addKey({ purpose: 'openpgp', fingerprint: uploads })
    bench.server.addKey({ purpose: 'openpgp-repository', fingerprint: archive })
    await hands.person.go('Requests')
    await hands.person.setDuty(true)
    await signUploads(hands, uploads)
    await signIndexes(hands, archive)
    await whatWaits(hands)
    await byHand(hands)
  } catch (error) {
    throw new Error(`the work did not come to its end; the station said:\n${station.log().slice(-3000)}`, {
      cause: error,
    })
  } finally {
    station.kill('SIGTERM')
    await station.exit
    await bench.stop()
    removeFolders(folders)
  }
}

async function setUp({ page, person, bench, button }: Archivist): Promise<void> {
  await person.createStation({ station: 'signing1.example.org', operator: 'Release Manager' })
  await person.setServer(bench.server, bench.tokens.module)
  await person.enrol()
  bench.server.enableWorker()
  await page.getByLabel('API token', { exact: true }).fill(bench.server.submitterToken)
  await button('Keep this token').click()
  await expect(page.getByLabel('Another API token')).toBeVisible()
  await person.go('Keys & tokens')
  for (const [description, userId, purpose] of [
    ['Uploads 2026', 'Example Uploads <uploads@example.org>', 'OpenPGP'],
    ['Archive 2026', 'Example Archive <archive@example.org>', 'OpenPGP, repositories'],
  ] as const) {
    await button(/^Register/)
      .first()
      .click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Description').fill(description)
    await form.getByRole('radio', { name: /^Production/ }).check({ force: true })
    await form.getByRole('radio', { name: 'Make an OpenPGP certificate' }).check({ force: true })
    if (purpose !== 'OpenPGP') await form.getByRole('radio', { name: new RegExp(`^${purpose}`) }).check({ force: true })
    await form.getByLabel('User id').fill(userId)
    await button('Continue to the PIN …').click()
    await page.getByLabel(/^PIN of/).fill(bench.pin)
    await button('Register the key').click()
    await expect(page.getByRole('dialog')).toHaveCount(0)
    await expect(page.getByText(description).first()).toBeVisible()
  }
}

/** Of the keys for uploads and for indexes. */
async function fingerprints(page: Page): Promise<readonly [string, string]> {
  const found = await page.evaluate(async () => {
    const listed = await window.station.keysList()
    return listed.ok ? listed.value.map(({ purpose, fingerprint }) => ({ purpose, fingerprint })) : []
  })
  const of = (wanted: string) => found.find(({ purpose }) => purpose === wanted)?.fingerprint ?? ''
  return [of('openpgp'), of('openpgp-repository')]
}

const result = (bench: Workbench, id: number) =>
  expect.poll(() => bench.server.workRequest(id)?.result, { timeout: 60_000 }).toBe('success')

async function signUploads({ page, person, bench, show }: Archivist, fingerprint: string): Promise<void> {
  const ask = (version: string, changes: string) =>
    bench.server.addDebsign({ fingerprint, files: helloUpload(version, changes) })
  const first = await ask('2.11-2', '   * Build the documents apart.')
  await person.openFirst()
  await person.approve(bench.pin)
  await result(bench, first)
  const second = await ask(
    '2.12-1',
    '   * New upstream release. (Closes: #1012345)\n   * Raise the standards version to 4.7.2; nothing had to change.',
  )
  await person.openFirst()
  await atTop(page.locator('.artifact').first())
  await show('upload')
  const build = page.locator('.document').filter({ hasText: 'amd64.buildinfo' }).first()
  await build.getByRole('button', { name: /^Installed-Build-Depends/ }).click()
  await atTop(build)
  await show('upload-fields')
  await person.approve(bench.pin)
  await result(bench, second)
}

async function signIndexes({ page, person, bench, button, show }: Archivist, fingerprint: string): Promise<void> {
  const ask = (hours: number, indexes: Readonly<Record<string, string>>) => {
    const at = (offset: number) => new Date(Date.now() + offset * 3_600_000).toUTCString().replace('GMT', 'UTC')
    const release = sampleRelease({ date: at(-hours), validUntil: at(7 * 24), indexes })
    return bench.server.addIndex({
      fingerprints: [fingerprint],
      release: Buffer.from(release),
      mode: 'clear',
      signedName: 'InRelease',
      suite: 'forky@debian:suite',
    })
  }
  const names = ['main', 'contrib'].flatMap((component) =>
    ['binary-all', 'binary-amd64', 'binary-arm64', 'source'].flatMap((part) => {
      const name = part === 'source' ? 'Sources' : 'Packages'
      return [name, `${name}.xz`].map((file) => `${component}/${part}/${file}`)
    }),
  )
  const indexes = (change: (name: string) => boolean) =>
    Object.fromEntries(names.map((name) => [name, `${name}${change(name) ? ', changed' : ''}`]))
  const first = await ask(
    12,
    indexes(() => false),
  )
  await person.openFirst()
  await person.approve(bench.pin)
  await result(bench, first)
  const second = await ask(6, { ...indexes((name) => name.includes('amd64')), 'main/i18n/Translation-en.xz': 'new' })
  await person.openFirst()
  await atTop(page.locator('.artifact').first())
  await show('index')
  await button('Approve ahead …').click()
  // Longer only where the machine tells of the lock of its screen.
  await page.getByRole('textbox', { name: 'Minutes' }).fill('15')
  await page.getByLabel(/^PIN of/).fill(bench.pin)
  await show('standing')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Approve ahead' }).click()
  await expect(page.getByText('Approved ahead.')).toBeVisible()
  await result(bench, second)
}

async function whatWaits({ page, person, bench, button, show }: Archivist): Promise<void> {
  const workflow = (subject: string) => ({ workflow: { template: 'sid-upload', subject, summary: `${subject} → sid` } })
  bench.server.addConfirm(
    { confirm_label: 'Publish it', deny_label: 'Do not publish', deny_action: 'abort-workflow' },
    { ...workflow('hello_2.12-1'), displayName: 'Confirm the upload to the archive' },
  )
  const files = helloUpload('2.12-2', '   * Bring back the translations.')
  bench.server.addExternalDebsign(
    bench.server.addUpload({
      data: {
        type: 'dpkg',
        changes_fields: { Source: 'hello', Version: '2.12-2', Architecture: 'source', Distribution: 'unstable' },
      },
      files,
    }),
    workflow('hello_2.12-2'),
  )
  await person.go('Requests')
  await page.getByRole('tab', { name: /Waiting for you/ }).click()
  await button('Ask again').click()
  await expect(page.getByRole('listitem', { name: 'Confirm the upload to the archive' })).toBeVisible()
  await show('waiting')
  await page.getByRole('tab', { name: 'In hand' }).click()
}

async function byHand({ page, button, show }: Archivist): Promise<void> {
  const path = '/home/release/14.1/announcement.txt'
  await button('Sign files …').click()
  const dialog = page.getByRole('dialog', { name: 'Sign files by hand' })
  // Nothing is read before the review is opened.
  await dialog.getByLabel('Or a path').fill(path)
  await dialog.getByRole('button', { name: 'Add' }).click()
  await expect(dialog.getByText(path)).toBeVisible()
  await dialog.getByLabel('Sign as').selectOption('openpgp-clear')
  await show('by-hand')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
}

async function atTop(element: Locator): Promise<void> {
  await element.evaluate((shown) => shown.scrollIntoView({ block: 'start' }))
}
