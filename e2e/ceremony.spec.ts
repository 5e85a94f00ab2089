import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { defaultPin } from './devices/yubihsm/testing/yubihsm-bench.ts'
import { attach, test as base } from './harness/fixtures.ts'
import { type CeremonyDesk, makeCeremonyDesk } from './workbench/ceremony-desk.ts'
import { peopleAt, setUpForCeremony } from './workbench/ceremony-person.ts'

// The ready script for a UEFI key in a YubiHSM, held in the window from the choice of the script to the evidence on the disk: the product as
// it is built, the maker's module, two virtual devices. In the middle the station is killed.

const test = base.extend<{ bench: CeremonyDesk; stationEnv: Record<string, string>; stationWithin: readonly string[] }>(
  {
    bench: async ({ folders }, use) => {
      const desk = await makeCeremonyDesk(folders)
      base.skip(typeof desk === 'string', typeof desk === 'string' ? desk : '')
      if (typeof desk === 'string') return
      await use(desk)
      await desk.stop()
    },
    stationWithin: async ({ bench }, use) => {
      await use(bench.vendor.within)
    },
    stationEnv: async ({ bench }, use) => {
      await use({ ...bench.env })
    },
  },
)

test.setTimeout(400_000)

test('a key ceremony from the script to the evidence, with a crash in the middle', async ({
  page,
  app,
  bench,
  folders,
  stationEnv,
}, info) => {
  page.setDefaultTimeout(30_000)
  const hands = { pin: defaultPin, managementKey: null, serials: bench.serials }
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
