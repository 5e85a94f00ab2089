// `npm run screenshots`: the pictures in docs/screenshots, taken of the built program in its real window on believable work: boot
// loaders out of Debian's packages, a sandbox server that speaks debusine's protocol, a soft token. 1400 × 900, light and dark.
import { copyFileSync, mkdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { makeFolders, removeFolders } from '../e2e/harness/station-process.ts'
import type { InputFile } from '../e2e/sandbox-server/seed.ts'
import { type ArchiveScreenName, showArchiveWork } from '../e2e/workbench/archive-screens.ts'
import { showCeremonyStep } from '../e2e/workbench/ceremony-screens.ts'
import { type Package, type ScreenName, showEveryScreen } from '../e2e/workbench/every-screen.ts'
import { showThreeTokens } from '../e2e/workbench/three-hands.ts'
import { makeWorkbench } from '../e2e/workbench/workbench.ts'
import { type EfiFile, fetchEfiFiles } from './efi-files.ts'

const output = process.env['STATION_SCREENSHOTS'] ?? join(import.meta.dirname, '..', 'docs', 'screenshots')
/** Every screen, also those that no document shows. */
const all = process.argv.includes('--all')
/** `--only=archive,ceremony`: some of the four tours. */
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length)
const wanted = (tour: 'station' | 'tokens' | 'archive' | 'ceremony') =>
  only === undefined || only.split(',').includes(tour)
const largest = 300 * 1024

const shown: ReadonlySet<string> = new Set<ScreenName | ArchiveScreenName | 'tokens' | 'touch' | 'ceremony'>([
  'tokens',
  'touch',
  'first-start',
  'requests-in-hand',
  'requests-next',
  'requests-done',
  'review',
  'review-files',
  'review-blocked',
  'review-attention',
  'pin-dialog',
  'signing',
  'result',
  'incident',
  'keys',
  'register',
  'audit',
  'audit-verified',
  'audit-entry',
  'audit-report',
  'other-logs',
  'log-review',
  'settings',
  'upload',
  'upload-fields',
  'index',
  'standing',
  'waiting',
  'by-hand',
  'ceremony',
])
/** The name under which README.md has a picture, where that is another one. */
const alias: Readonly<Partial<Record<string, string>>> = { 'requests-in-hand': 'requests' }

let files: readonly EfiFile[] = []

function of(name: string): readonly EfiFile[] {
  const found = files.filter((file) => file.package === name && file.name.endsWith('.efi'))
  if (found.length === 0) throw new Error(`Debian’s package ${name} gave no EFI file`)
  return found
}

const input = (file: EfiFile, prefix = ''): InputFile => ({
  name: `${file.package}/${prefix}usr/lib/${file.package.split('-')[0]}/${file.name}`,
  file: file.path,
})

function pack(name: string, workspace: string, source: string): Package {
  const found = of(name)
  return {
    name,
    source,
    architecture: 'amd64',
    version: found[0]?.version ?? '',
    workspace,
    files: found.map((file) => input(file)),
  }
}

/** A package of many files: the real ones, again and again under other names. */
function crowd(name: string, workspace: string, source: string, count: number): Package {
  const found = of(name)
  const base = pack(name, workspace, source)
  return {
    ...base,
    files: Array.from({ length: count }, (_, index) => {
      const file = found[index % found.length]
      if (file === undefined) throw new Error('a package without files')
      return input(file, `${String(Math.floor(index / found.length) + 1).padStart(2, '0')}/`)
    }),
  }
}

async function malformed(file: EfiFile): Promise<InputFile> {
  const bytes = (await readFile(file.path)).subarray(0, 4096)
  bytes.writeUInt32LE(0x7fff_ff00, 0x3c)
  return { name: `${file.package}/usr/lib/damaged.efi`, bytes }
}

async function take(name: string, page: Page): Promise<void> {
  if (!all && !shown.has(name)) return
  // The mouse is out of the picture: nothing is hovered.
  await page.mouse.move(700, 893)
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    const path = join(output, `${name}-${theme}.png`)
    await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
    const { size } = statSync(path)
    if (size > largest) throw new Error(`${path} has ${Math.round(size / 1024)} KiB; ${largest / 1024} are allowed`)
    process.stdout.write(`${name}-${theme}.png, ${Math.round(size / 1024)} KiB\n`)
    const other = alias[name]
    if (other !== undefined) copyFileSync(path, join(output, `${other}-${theme}.png`))
  }
}

async function showStation(): Promise<void> {
  const fetched = await fetchEfiFiles()
  for (const each of fetched.missing) process.stderr.write(`${each.package} could not be had: ${each.reason}\n`)
  files = fetched.files
  const folders = makeFolders()
  const bench = await makeWorkbench({
    folders,
    keys: [
      { algorithm: 'rsa-2048', commonName: 'Example Secure Boot signer 2026' },
      { algorithm: 'rsa-4096', commonName: 'Example rehearsal signer' },
    ],
  })
  try {
    const [broken] = of('refind')
    if (broken === undefined) throw new Error('there is no file to damage')
    await showEveryScreen({
      folders,
      bench,
      earlier: [
        pack('fwupd-unsigned', 'firmware', 'fwupd-efi'),
        pack('grub-efi-amd64-bin', 'boot-loaders', 'grub2'),
        pack('systemd-boot-efi', 'boot-loaders', 'systemd'),
      ],
      reviewed: pack('shim-unsigned', 'boot-loaders', 'shim'),
      many: crowd('refind', 'boot-tools', 'refind', 40),
      refused: pack('refind', 'boot-tools', 'refind'),
      malformed: await malformed(broken),
      crowd: all ? crowd('fwupd-unsigned', 'firmware', 'fwupd-efi', 200) : null,
      waiting: [pack('refind', 'boot-tools', 'refind'), pack('fwupd-unsigned', 'firmware', 'fwupd-efi')],
      visit: take,
    })
  } finally {
    await bench.stop()
    removeFolders(folders)
  }
}

mkdirSync(output, { recursive: true })
if (wanted('station')) await showStation()
if (wanted('archive')) await showArchiveWork(take)
if (wanted('ceremony')) saysWhy('a key ceremony', await showCeremonyStep(take))
// A desk with three tokens at once, of which two are devices that a test plugs in.
if (wanted('tokens')) {
  const look = (name: string, page: Page) =>
    name === 'tokens' || name === 'touch' ? take(name, page) : Promise.resolve()
  saysWhy('the desk with three tokens', await showThreeTokens(look))
}

function saysWhy(what: string, why: string | null): void {
  if (why !== null) process.stderr.write(`${what} is not shown: ${why}\n`)
}
