import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { certificatesText } from '../src/main/keys/attestation/certificate-text.ts'
import { putWrapKey, twoConnectors } from './desk/ceremony-bench.ts'
import { makeAttestationAuthority } from './devices/yubihsm/attestation/authority.ts'
import { type StationVendor, vendorForStation } from './devices/yubihsm/testing/vendor-for-station.ts'
import { vendorSoftware } from './devices/yubihsm/testing/vendor-software.ts'
import { defaultPin, YubiHsmBench } from './devices/yubihsm/testing/yubihsm-bench.ts'
import { attach, test as base } from './harness/fixtures.ts'
import { peopleAt, setUpForCeremony } from './workbench/ceremony-person.ts'

// The ready script for a UEFI key in a YubiHSM, held in the window from the choice of the script to the evidence on the disk: the product as
// it is built, the maker's module, two virtual devices. In the middle the station is killed.

interface Bench {
  readonly hsm: YubiHsmBench
  readonly spare: YubiHsmBench
  readonly vendor: StationVendor
  readonly roots: readonly { readonly pem: string; readonly sha256: string }[]
}

const test = base.extend<{ bench: Bench; stationEnv: Record<string, string>; stationWithin: readonly string[] }>({
  bench: async ({ folders }, use) => {
    const software = await vendorSoftware()
    base.skip(!software.ok, software.ok ? '' : software.error)
    if (!software.ok) return
    const vendor = vendorForStation(software.value, folders.base)
    base.skip(!vendor.ok, vendor.ok ? '' : vendor.error)
    if (!vendor.ok) return
    const authority = makeAttestationAuthority()
    const options = { authority, firmware: [2, 4, 0] as const }
    const hsm = await YubiHsmBench.start(software.value, { ...options, serial: 7_550_140 })
    const spare = await YubiHsmBench.start(software.value, { ...options, serial: 7_550_141 })
    for (const one of [hsm, spare]) await putWrapKey(one)
    const roots = [authority.root, authority.intermediate].map((der) => ({
      pem: certificatesText([der]),
      sha256: createHash('sha256').update(der).digest('hex'),
    }))
    await use({ hsm, spare, vendor: vendor.value, roots })
    await hsm.dispose()
    await spare.dispose()
  },
  stationWithin: async ({ bench }, use) => {
    await use(bench.vendor.within)
  },
  stationEnv: async ({ bench, folders }, use) => {
    const conf = twoConnectors(bench.hsm, bench.spare)
    const own = join(folders.base, 'yubihsm_pkcs11.conf')
    execFileSync('/usr/bin/install', ['-m', '0644', conf, own])
    await use({ YUBIHSM_PKCS11_CONF: own })
  },
})

test.setTimeout(400_000)

test('a key ceremony from the script to the evidence, with a crash in the middle', async ({
  page,
  app,
  bench,
  folders,
  stationEnv,
}, info) => {
  page.setDefaultTimeout(30_000)
  const serials = { 'The YubiHSM': '7550140', 'The YubiHSM for the restore': '7550141' }
  const hands = { pin: defaultPin, managementKey: null, serials }
  await setUpForCeremony(page, { module: bench.vendor.module, roots: bench.roots, device: 'yubihsm' })
  await page.reload()
  await page.getByRole('button', { name: /^Ceremony/ }).click()
  const people = peopleAt(page, hands)
  await people.begin('New UEFI key on a YubiHSM, with a wrapped backup', {
    'Organisation in the certificate': 'Example',
  })
  await people.until('Generate the key')
  await page.screenshot({ path: info.outputPath('before-the-key.png') })
  await people.step()

  app.kill('SIGKILL')
  await app.exit
  const again = app.startAnother({ env: stationEnv })
  const { browser, page: second } = await attach(again)
  second.setDefaultTimeout(30_000)
  await second.getByRole('button', { name: /^Ceremony/ }).click()
  const they = peopleAt(second, hands)
  expect(await they.due()).toBe('The certificate')
  await they.until('Custody questions')
  await second.screenshot({ path: info.outputPath('questions.png') })

  await second.getByRole('button', { name: 'Record a deviation …' }).click()
  await second.getByLabel('Who says so').selectOption({ label: 'W. Witness' })
  await second.getByLabel('What happened, and why').fill('The program was stopped once and started again.')
  await second.getByRole('button', { name: 'Record the deviation' }).click()
  await expect(second.getByRole('alertdialog')).toHaveCount(0)

  while ((await they.step()) !== null);
  await second.getByRole('button', { name: 'Seal the transcript' }).click()
  await expect(second.getByRole('article', { name: 'Transcript' })).toBeVisible()
  await second.screenshot({ path: info.outputPath('sealed.png') })
  await second.getByRole('button', { name: 'Save the evidence' }).click()
  await expect(second.getByText('The evidence is saved')).toBeVisible({ timeout: 30_000 })
  await browser.close()

  const exports = join(folders.profile, 'exports')
  const [saved = ''] = readdirSync(exports).filter((name) => name.startsWith('ceremony-'))
  expect(readdirSync(join(exports, saved)).toSorted()).toEqual(['backup.yhw', 'evidence.zip'])
  const unpacked = join(folders.base, 'evidence')
  mkdirSync(unpacked)
  execFileSync('unzip', ['-q', join(exports, saved, 'evidence.zip'), '-d', unpacked])
  const readme = readFileSync(join(unpacked, 'README.txt'), 'utf8')
  const verify = join(import.meta.dirname, '..', 'out', 'main', 'verify-audit.js')
  const commands = [...readme.matchAll(/^ {3}((?:openssl|sha256sum|grep|signing-station-verify) .*)$/gm)].map(
    ([, line = '']) => line.replace(/^signing-station-verify/, `'${process.execPath}' '${verify}'`),
  )
  expect(commands.length).toBeGreaterThan(8)
  for (const command of commands) execFileSync('/bin/sh', ['-c', command], { cwd: unpacked, stdio: 'pipe' })
  expect(readFileSync(join(unpacked, 'transcript.json'), 'utf8')).toContain('The program was stopped once')
  expect(app.log() + again.log()).not.toContain('password')
})
