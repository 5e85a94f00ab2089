import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { sampleRelease } from '../src/main/debian/testing/sample-release.ts'
import { test as base } from './harness/fixtures.ts'
import type { SandboxServer } from './sandbox-server/sandbox-server.ts'
import { personAt } from './workbench/person.ts'
import { serverFor } from './workbench/three-hands.ts'
import { makeThreeTokens, type ThreeTokens } from './workbench/three-tokens.ts'
import { goOnDuty, makeWorkbench, setUpStation, type Workbench } from './workbench/workbench.ts'

// Approving a suite ahead, by a person in the real window: the dialog and what it refuses, the band that stays in sight, and its end.

const test = base.extend<{ bench: Workbench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({
      folders,
      keys: [{ algorithm: 'rsa-2048', commonName: 'Workbench archive signer' }],
    })
    await use(bench)
    await bench.stop()
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})

test('a suite is approved ahead, signed without a word, and withdrawn at once', async ({ page, bench }) => {
  test.setTimeout(300_000)
  const certificate = await setUp(page, bench)
  const person = personAt(page)
  const dialog = page.getByRole('alertdialog')
  const band = page.getByRole('status').filter({ hasText: 'Approved ahead.' })
  const indexes = indexesOf(bench.server, certificate.fingerprint)

  // A person's own word on the first.
  const first = await indexes.ask()
  await person.openFirst()
  await person.approve(bench.pin)
  await indexes.completed(first)

  const second = await indexes.ask()
  await person.openFirst()
  const begin = page.getByRole('button', { name: 'Approve ahead …' })
  await expect(begin).toBeEnabled()
  // By the keyboard alone: opened, filled, refused for each reason, and granted.
  await begin.focus()
  await page.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  await expect(dialog).toContainText('forky@debian:suite in')
  const pin = dialog.getByLabel(/^PIN of/)
  await expect(pin).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await expect(dialog.getByLabel('Minutes')).toBeFocused()
  await page.keyboard.press('Control+A')
  await page.keyboard.insertText('999')
  await expect(dialog.getByText('1 to 480')).toBeVisible()
  await page.keyboard.press('Tab')
  await page.keyboard.insertText(bench.pin)
  // Enter in the field is no confirmation.
  await page.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await expect(dialog.getByRole('button', { name: 'Approve ahead' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(dialog.getByText(/none that can be granted\. Nothing was sent/)).toBeVisible()
  await expect(pin).toHaveValue('')
  await picture(page, 'standing-number')

  // This machine has no logind, so that the lock of its screen is not seen.
  await dialog.getByLabel('Minutes').fill('16')
  await pin.fill(bench.pin)
  await dialog.getByRole('button', { name: 'Approve ahead' }).click()
  await expect(dialog.getByText(/lasts 15 minutes at most\. Nothing was granted/)).toBeVisible()
  await picture(page, 'standing-too-long')

  await dialog.getByLabel('Minutes').fill('15')
  await dialog.getByLabel('How many requests').fill('3')
  await pin.fill('000000')
  await dialog.getByRole('button', { name: 'Approve ahead' }).click()
  await expect(dialog.getByText('The token refused the PIN')).toBeVisible()
  await expect(pin).toBeFocused()
  await picture(page, 'standing-wrong-pin')
  await expect(band).toHaveCount(0)

  await pin.fill(bench.pin)
  await dialog.getByRole('button', { name: 'Approve ahead' }).click()
  await expect(dialog).toHaveCount(0)
  await indexes.completed(second)
  await expect(band).toContainText('forky@debian:suite')
  await expect(band).toContainText('1 of 3 used, until')
  await expect(band).toContainText('The lock of this screen is not seen.')

  // Nobody touches the window: the next is signed, the band counts, on whatever screen.
  await person.go('Audit log')
  const third = await indexes.ask()
  await indexes.completed(third)
  await expect(band).toContainText('2 of 3 used')
  const log = page.getByRole('grid', { name: 'Audit log' })
  await expect(log.getByText('Covered ahead').first()).toBeVisible()
  expect(await verdictOf(bench, third, certificate.armored)).toBe('')
  await picture(page, 'standing-band')

  const withdraw = band.getByRole('button', { name: 'Withdraw' })
  await withdraw.focus()
  await page.keyboard.press('Enter')
  await expect(band).toHaveCount(0)
  await expect(log.getByText('Ahead is over').first()).toBeVisible()

  // The next waits for a person, and a person signs it.
  const fourth = await indexes.ask()
  await person.openFirst()
  expect(bench.server.workRequest(fourth)?.status).toBe('running')
  await person.approve(bench.pin)
  await indexes.completed(fourth)
  expect(bench.server.record.violations).toEqual([])
})

const hsmTest = base.extend<{
  three: ThreeTokens
  server: SandboxServer
  stationWithin: readonly string[]
  stationEnv: Record<string, string>
}>({
  three: async ({ folders }, use) => {
    const three = await makeThreeTokens(folders)
    base.skip(typeof three === 'string', typeof three === 'string' ? three : '')
    if (typeof three === 'string') return
    await use(three)
    await three.stop()
  },
  server: async ({ three }, use) => {
    const server = await serverFor(three)
    await use(server)
    await server.stop()
  },
  stationWithin: async ({ three }, use) => {
    await use([...three.within])
  },
  stationEnv: async ({ three }, use) => {
    await use({ ...three.env })
  },
})

hsmTest('a YubiHSM is approved ahead only if it writes no log of its signatures', async ({ page, three, server }) => {
  hsmTest.setTimeout(300_000)
  const { hsm } = three
  const [, , key] = three.keys
  await setUpStation(page, { server, tokens: { module: three.modules[2] }, keys: [], pin: key.pin })
  const made = await page.evaluate(
    async ({ connector, serial, pin }) => {
      const settings = await window.station.settingsGet()
      if (!settings.ok) throw new Error(settings.error.message)
      const yubihsm = { ...settings.value.yubihsm, connectors: [connector] }
      const saved = await window.station.settingsSet({ ...settings.value, yubihsm })
      if (!saved.ok) throw new Error(saved.error.message)
      const listed = await window.station.tokensList({ refresh: true })
      const token = listed.ok ? listed.value.tokens.find((each) => each.token.id.serial === serial) : undefined
      if (token === undefined) throw new Error('the YubiHSM is not there')
      const plan = {
        purpose: 'openpgp-repository' as const,
        description: 'Archive signing key in the machine room',
        production: true,
        token: token.token.id,
        ckaId: '0123',
        label: 'archive',
        algorithm: 'ec-p256' as const,
        policies: { pin: 'default' as const, touch: 'default' as const },
        certificate: { kind: 'openpgp' as const, userId: 'Example Archive <archive@example.org>', days: null },
      }
      const generated = await window.station.generationBegin({ plan, pin, officerPin: null, useLastTry: false })
      if (!generated.ok) throw new Error(generated.error.message)
      return generated.value.fingerprint ?? ''
    },
    { connector: hsm.connector.url, serial: key.serial, pin: key.pin },
  )
  server.addKey({ purpose: 'openpgp-repository', fingerprint: made })
  await goOnDuty(page)
  const auditsSigning = (value: '00' | '01') =>
    hsm.shell('-a', 'put-option', '--opt-name', 'command-audit', '--opt-value', `56${value}`)
  const indexes = indexesOf(server, made)
  const person = personAt(page)
  const dialog = page.getByRole('alertdialog')

  await auditsSigning('01')
  const work = await indexes.ask()
  await person.openFirst()
  await page.getByRole('button', { name: 'Approve ahead …' }).click()
  await dialog.getByLabel(/^PIN of/).fill(key.pin)
  await dialog.getByRole('button', { name: 'Approve ahead' }).click()
  await expect(dialog.getByText(/This YubiHSM keeps a log .* approve these requests one by one\./)).toBeVisible()
  await picture(page, 'standing-device-log')

  await auditsSigning('00')
  await dialog.getByLabel(/^PIN of/).fill(key.pin)
  await dialog.getByRole('button', { name: 'Approve ahead' }).click()
  await expect(dialog).toHaveCount(0)
  await indexes.completed(work)
  await indexes.completed(await indexes.ask())
  const band = page.getByRole('status').filter({ hasText: 'Approved ahead.' })
  await expect(band).toContainText('2 of 10 used')
  hsm.connector.unplug()
  // Nothing tells of it: the station asks the device every quarter of a minute.
  await expect(band).toHaveCount(0, { timeout: 60_000 })
})

interface Certificate {
  readonly fingerprint: string
  readonly armored: string
}

/** The station, with the bench's key certified for indexes as a custodian does it. */
async function setUp(page: Page, bench: Workbench): Promise<Certificate> {
  await setUpStation(page, { ...bench, keys: [] })
  const [token] = bench.tokens.tokens
  const [key] = token?.keys ?? []
  if (token === undefined || key === undefined) throw new Error('the bench has no key')
  const made = await page.evaluate(
    async (input) => {
      const certified = await window.station.keysCertifyOpenpgp({
        ...input,
        purpose: 'openpgp-repository',
        spkiSha256: input.spkiSha256 as never, // branded in the contract, a string here
        description: 'Archive signing key 2026',
        production: true,
        plan: { userId: 'Example Archive <archive@example.org>', days: null },
        useLastTry: false,
      })
      if (!certified.ok) throw new Error(certified.error.message)
      return { fingerprint: certified.value.fingerprint, armored: certified.value.certificatePem }
    },
    { token: token.id, ckaId: key.ckaId, spkiSha256: key.spkiSha256, pin: bench.pin },
  )
  bench.server.addKey({ purpose: 'openpgp-repository', fingerprint: made.fingerprint })
  await goOnDuty(page)
  return made
}

function indexesOf(server: SandboxServer, fingerprint: string) {
  let age = 5_000
  const at = (ms: number) => new Date(Date.now() + ms).toUTCString().replace('GMT', 'UTC')
  return {
    /** The next index of the suite. */
    ask: (): Promise<number> => {
      age -= 1
      const release = sampleRelease({
        date: at(-age * 60_000),
        validUntil: at(7 * 86_400_000),
        indexes: { 'main/binary-amd64/Packages': String(age) },
      })
      return server.addIndex({
        fingerprints: [fingerprint],
        release: Buffer.from(release),
        mode: 'clear',
        suite: 'forky@debian:suite',
        signedName: 'InRelease',
      })
    },
    completed: (id: number) => expect.poll(() => server.workRequest(id)?.result, { timeout: 60_000 }).toBe('success'),
  }
}

/** What gpgv has against it: nothing. */
async function verdictOf(bench: Workbench, id: number, armored: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'standing-'))
  try {
    const [keyring, signed] = [join(folder, 'keyring.gpg'), join(folder, 'InRelease')]
    writeFileSync(keyring, execFileSync('gpg', ['--homedir', folder, '--dearmor'], { input: armored }))
    const [output] = (await bench.server.outputs(id)).flatMap(({ files }) => files)
    if (output === undefined) return 'nothing was returned'
    writeFileSync(signed, output.bytes)
    execFileSync('gpgv', ['--homedir', folder, '--keyring', keyring, signed], { stdio: 'pipe' })
    return ''
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** For a person to look at, where STATION_PICTURES names a folder. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['STATION_PICTURES']
  if (folder === undefined) return
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`), animations: 'disabled' })
  }
}
