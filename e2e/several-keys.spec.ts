import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { sampleRelease } from '../src/main/debian/testing/sample-release.ts'
import { makeSoftToken } from '../src/main/token/testing/soft-token.ts'
import { test as base } from './harness/fixtures.ts'
import { startSandboxServer } from './sandbox-server/sandbox-server.ts'
import { personAt } from './workbench/person.ts'
import { type TokenHold, tokenHold } from './workbench/token-hold.ts'
import { goOnDuty, setUpStation, type Workbench } from './workbench/workbench.ts'

// An index that keys of two tokens sign, by a person in the real window.

const vaultPin = '907316'

const test = base.extend<{ bench: Workbench; hold: TokenHold; stationEnv: Record<string, string> }>({
  hold: async ({ folders }, use) => {
    await use(tokenHold(folders))
  },
  bench: async ({ folders }, use) => {
    const directory = join(folders.base, 'token')
    const pin = '648219'
    const server = await startSandboxServer({ dialect: '0.16' })
    const tokens = await makeSoftToken({
      directory,
      tokens: [
        { label: 'Desk', pin, keys: [{ algorithm: 'rsa-2048', commonName: 'Key of the desk' }] },
        { label: 'Vault', pin: vaultPin, keys: [{ algorithm: 'rsa-2048', commonName: 'Key of the vault' }] },
      ],
    })
    // The station runs as another user than root.
    if (process.getuid?.() === 0) execFileSync('/usr/bin/chown', ['-R', '20001:20001', directory])
    const env = { SOFTHSM2_CONF: tokens.configuration }
    await use({ server, tokens, pin, keys: [], env, stop: () => server.stop() })
    await server.stop()
  },
  stationEnv: async ({ bench, hold }, use) => {
    await use({ ...bench.env, ...hold.env })
  },
})

test('keys of two tokens sign one index: a PIN for each, one approval, and gpgv takes both signatures', async ({
  page,
  bench,
}) => {
  test.setTimeout(240_000)
  const { first, second, vault, work } = await asked(page, bench)
  const person = personAt(page)
  await person.openFirst()
  const keys = page.getByRole('region', { name: 'Keys that sign' }).getByRole('listitem')
  await expect(keys).toHaveCount(2)
  await expect(keys.nth(0)).toContainText('Archive signing key 2026 (forky)')
  await expect(keys.nth(1)).toContainText('Archive signing key 2028 (forky)')
  await expect(keys.nth(1)).toContainText('Allowed for')
  await expect(page.getByRole('button', { name: 'Approve …' })).toBeEnabled()
  await picture(page, 'several-sheet')

  await page.getByRole('button', { name: 'Approve …' }).click()
  const dialog = page.getByRole('alertdialog')
  const pins = dialog.getByLabel(/^PIN of/)
  const sign = dialog.getByRole('button', { name: 'Sign 1 file with 2 keys' })
  await expect(pins).toHaveCount(2)
  await expect(pins.nth(0)).toBeFocused()
  await page.keyboard.insertText(bench.pin)
  await page.keyboard.press('Tab')
  await page.keyboard.insertText('000000')
  await sign.click()
  // The first token took its PIN; the second did not, and nothing is approved.
  await expect(dialog.getByText('A token refused its PIN', { exact: true })).toBeVisible()
  await expect(dialog.getByRole('alert')).toContainText(`serial ${vault.id.serial}`)
  await expect(pins.nth(0)).toBeFocused()
  await expect(pins.nth(0)).toHaveValue('')
  await expect(pins.nth(1)).toHaveValue('')
  await picture(page, 'several-refused')
  expect(bench.server.workRequest(work)?.status).toBe('running')

  await pins.nth(0).fill(bench.pin)
  await pins.nth(1).fill(vaultPin)
  await sign.click()
  await expect(dialog).toHaveCount(0)
  await expect.poll(() => bench.server.workRequest(work)?.result, { timeout: 60_000 }).toBe('success')
  await expect(page.getByText('Signed: 1 file')).toBeVisible()
  const signatures = page.getByRole('list', { name: 'Signatures by key' }).getByRole('listitem')
  await expect(signatures).toContainText(['Signed', 'Signed'])
  await picture(page, 'several-signed')
  expect(await signersOf(bench, work, [first.armored, second.armored])).toEqual([first.fingerprint, second.fingerprint])

  await person.go('Audit log')
  const log = page.getByRole('grid', { name: 'Audit log' })
  for (const words of ['Intent, key 2 of 2', 'Signed, key 2 of 2', 'Intent, key 1 of 2', 'Signed, key 1 of 2'])
    await expect(log.getByText(words, { exact: true })).toBeVisible()
  await log.getByText('Signed, key 2 of 2', { exact: true }).click()
  await expect(page.getByText('OpenPGP signature packet of key 2 of 2, SHA-256')).toBeVisible()
  await expect(page.getByText('Signed file, SHA-256')).toHaveCount(0)
  await picture(page, 'several-log')
  expect(bench.server.record.violations).toEqual([])
})

test('an index that was stopped between two keys goes on with the key that is left', async ({ page, bench, hold }) => {
  test.setTimeout(240_000)
  const { first, second, work } = await asked(page, bench)
  await personAt(page).openFirst()
  const dialog = page.getByRole('alertdialog')
  const pins = dialog.getByLabel(/^PIN of/)
  await page.getByRole('button', { name: 'Approve …' }).click()
  await pins.nth(0).fill(bench.pin)
  await pins.nth(1).fill(vaultPin)
  // The second key signs first; its token takes its time.
  hold.arm(1)
  await dialog.getByRole('button', { name: 'Sign 1 file with 2 keys' }).click()
  await hold.held()
  const progress = page.getByRole('region', { name: 'Progress of the signing' })
  await expect(progress.getByRole('listitem')).toContainText(['Waiting', 'Begun'])
  await picture(page, 'several-held')
  await progress.getByRole('button', { name: 'Cancel after this signature' }).click()
  hold.release()

  await expect(page.getByText('Key 2 has signed; continue with the PIN.')).toBeVisible()
  const signatures = page.getByRole('list', { name: 'Signatures by key' }).first().getByRole('listitem')
  await expect(signatures).toContainText(['Waiting', 'Kept here until the file is complete.'])
  await picture(page, 'several-interrupted')
  expect(bench.server.workRequest(work)?.result ?? '').toBe('')
  await page.getByRole('button', { name: 'Go on …' }).click()
  await pins.nth(0).fill(bench.pin)
  await pins.nth(1).fill(vaultPin)
  await picture(page, 'several-go-on')
  await dialog.getByRole('button', { name: 'Sign with key 1' }).click()
  await expect.poll(() => bench.server.workRequest(work)?.result, { timeout: 60_000 }).toBe('success')
  expect(await signersOf(bench, work, [first.armored, second.armored])).toEqual([first.fingerprint, second.fingerprint])
  // The second key was asked once.
  await personAt(page).go('Audit log')
  const log = page.getByRole('grid', { name: 'Audit log' })
  await expect(log.getByText('Signed, key 1 of 2', { exact: true })).toBeVisible()
  await expect(log.getByText('Intent, key 2 of 2', { exact: true })).toHaveCount(1)
  expect(bench.server.record.violations).toEqual([])
})

/** The station with a key on each token, and an index that both have to sign. */
async function asked(page: Page, bench: Workbench) {
  const [desk, vault] = bench.tokens.tokens
  if (desk === undefined || vault === undefined) throw new Error('there are two tokens')
  await setUpStation(page, bench)
  const first = await certify(page, desk, bench.pin, 'Archive signing key 2026 (forky)')
  const second = await certify(page, vault, vaultPin, 'Archive signing key 2028 (forky)')
  for (const { fingerprint } of [first, second]) bench.server.addKey({ purpose: 'openpgp-repository', fingerprint })
  await goOnDuty(page)
  const at = (ms: number) => new Date(Date.now() + ms).toUTCString().replace('GMT', 'UTC')
  const work = await bench.server.addIndex({
    fingerprints: [first.fingerprint, second.fingerprint],
    release: Buffer.from(sampleRelease({ date: at(-60_000), validUntil: at(7 * 86_400_000) })),
    mode: 'clear',
    suite: 'forky@debian:suite',
    signedName: 'InRelease',
  })
  return { first, second, vault, work }
}

type Certificate = { readonly fingerprint: string; readonly armored: string }

/** The token's only key, certified for indexes as a custodian does it. */
async function certify(
  page: Page,
  token: Workbench['tokens']['tokens'][number],
  pin: string,
  description: string,
): Promise<Certificate> {
  const [key] = token.keys
  if (key === undefined) throw new Error('the token has no key')
  return page.evaluate(
    async (input) => {
      const certified = await window.station.keysCertifyOpenpgp({
        ...input,
        purpose: 'openpgp-repository',
        spkiSha256: input.spkiSha256 as never, // branded in the contract, a string here
        production: true,
        plan: { userId: 'Example Archive <archive@example.org>', days: null },
        useLastTry: false,
      })
      if (!certified.ok) throw new Error(certified.error.message)
      return { fingerprint: certified.value.fingerprint, armored: certified.value.certificatePem }
    },
    { token: token.id, ckaId: key.ckaId, spkiSha256: key.spkiSha256, pin, description },
  )
}

/** Fingerprints of the keys whose signatures gpgv takes, in its order; every signature has to be good. */
async function signersOf(bench: Workbench, work: number, certificates: readonly string[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'several-keys-'))
  try {
    const [keyring, signed] = [join(folder, 'keyring.gpg'), join(folder, 'InRelease')]
    const dearmored = certificates.map((input) => execFileSync('gpg', ['--homedir', folder, '--dearmor'], { input }))
    writeFileSync(keyring, Buffer.concat(dearmored))
    const [output] = (await bench.server.outputs(work)).flatMap(({ files }) => files)
    if (output === undefined) return ['nothing was returned']
    writeFileSync(signed, output.bytes)
    const args = ['--homedir', folder, '--status-fd', '1', '--keyring', keyring, signed]
    const run = spawnSync('gpgv', args, { encoding: 'utf8' })
    expect(run.status, run.stderr).toBe(0)
    return [...run.stdout.matchAll(/VALIDSIG ([0-9A-F]{40})/g)].map(([, print]) => print ?? '')
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
