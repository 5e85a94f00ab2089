import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { certificatesText } from '../src/main/keys/attestation/certificate-text.ts'
import { ReaderRoom, whyNoReader } from './devices/reader.ts'
import { testAuthority } from './devices/yubikey/attestation.ts'
import { makeCard } from './devices/yubikey/card.ts'
import { sharedKey } from './devices/yubikey/testing/card-talk.ts'
import { installedYkcs11 } from './devices/yubikey/testing/vendor-modules.ts'
import { VirtualYubiKey } from './devices/yubikey/virtual-yubikey.ts'
import { test as base } from './harness/fixtures.ts'
import { peopleAt, setUpForCeremony } from './workbench/ceremony-person.ts'

// The ready script for an OpenPGP key on a YubiKey, held in the window with Yubico's own module as the machine has it.

const serial = '20000054'
const test = base.extend<{ room: ReaderRoom; stationWithin: readonly string[] }>({
  // oxlint-disable-next-line no-empty-pattern
  room: async ({}, use) => {
    const why = whyNoReader()
    base.skip(why !== null, why ?? '')
    base.skip(installedYkcs11() === null, 'the Debian package ykcs11 is not installed')
    base.skip(process.getuid?.() !== 0, 'only root may enter the room as another user')
    const room = await ReaderRoom.open()
    const made = makeCard({ firmware: '5.4.3', serial: Number(serial) })
    await room.plug(new VirtualYubiKey({ made, generate: sharedKey }), 0)
    await use(room)
    await room.close()
  },
  stationWithin: async ({ room }, use) => {
    await use(room.inside(['/usr/bin/env']))
  },
})

test.setTimeout(200_000)

test('a ceremony for an OpenPGP key on a YubiKey, with a step left out for a reason', async ({
  page,
  folders,
}, info) => {
  page.setDefaultTimeout(30_000)
  const { certificate } = testAuthority()
  const roots = [
    { pem: certificatesText([certificate]), sha256: createHash('sha256').update(certificate).digest('hex') },
  ]
  await setUpForCeremony(page, { module: installedYkcs11()?.path ?? '', roots, device: 'yubikey-piv' })
  await page.reload()
  await page.getByRole('button', { name: /^Ceremony/ }).click()
  const managementKey = '010203040506070801020304050607080102030405060708'
  const people = peopleAt(page, { pin: '123456', managementKey, serials: { 'The YubiKey': serial } })
  await people.begin('New OpenPGP key on a YubiKey', {})

  await people.until('The program')
  await page.getByRole('button', { name: 'Record a deviation …' }).click()
  await page.getByText('The step is left out', { exact: true }).click()
  await page.getByLabel('Who says so').selectOption({ label: 'W. Witness' })
  await page.getByLabel('What happened, and why').fill('It was compared yesterday.')
  await page.getByRole('button', { name: 'Leave the step out' }).click()
  await expect(page.getByRole('alertdialog')).toHaveCount(0)

  while ((await people.step()) !== null);
  await page.getByRole('button', { name: 'Seal the transcript' }).click()
  const transcript = page.getByRole('article', { name: 'Transcript' })
  await expect(transcript.getByText('It was compared yesterday.').first()).toBeVisible()
  await expect(transcript.getByText('verified up to a root that is trusted here')).toBeVisible()
  await page.screenshot({ path: info.outputPath('sealed.png') })
  await page.getByRole('button', { name: 'Save the evidence' }).click()
  await expect(page.getByText('The evidence is saved')).toBeVisible()

  const exports = join(folders.profile, 'exports')
  const [saved = ''] = readdirSync(exports).filter((name) => name.startsWith('ceremony-'))
  const unpacked = join(folders.base, 'evidence')
  mkdirSync(unpacked)
  execFileSync('unzip', ['-q', join(exports, saved, 'evidence.zip'), '-d', unpacked])
  const readme = readFileSync(join(unpacked, 'README.txt'), 'utf8')
  const verify = join(import.meta.dirname, '..', 'out', 'main', 'verify-audit.js')
  const commands = [...readme.matchAll(/^ {3}((?:openssl|sha256sum|grep|signing-station-verify) .*)$/gm)].map(
    ([, line = '']) => line.replace(/^signing-station-verify/, `'${process.execPath}' '${verify}'`),
  )
  expect(commands.length).toBeGreaterThan(5)
  for (const command of commands) execFileSync('/bin/sh', ['-c', command], { cwd: unpacked, stdio: 'pipe' })
})
