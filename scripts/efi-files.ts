import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Apt, aptOfSuite, aptOfThisMachine } from './efi-files-apt.ts'

/** A real EFI binary out of one of Debian's packages. */
export interface EfiFile {
  /** Base name, e.g. `systemd-bootx64.efi` or `grubx64.efi.signed`. */
  readonly name: string
  readonly path: string
  readonly package: string
  readonly version: string
}

export interface EfiFiles {
  readonly files: readonly EfiFile[]
  /** Packages that could not be had, each with the reason: what needs them has to skip with it. */
  readonly missing: readonly { readonly package: string; readonly reason: string }[]
}

const bookwormPackages = [
  'systemd-boot-efi',
  'shim-unsigned',
  'shim-signed',
  'shim-helpers-amd64-signed',
  'fwupd-unsigned',
  'fwupd-amd64-signed',
  'refind',
  'memtest86+',
  'grub-efi-amd64-bin',
  'grub-efi-amd64-signed',
]

const trixiePackages = [
  'systemd-boot-efi',
  'systemd-boot-efi-amd64-signed',
  'shim-unsigned',
  'shim-signed',
  'shim-helpers-amd64-signed',
  'fwupd-unsigned',
  'fwupd-amd64-signed',
  'refind',
  'memtest86+',
  'grub-efi-amd64-unsigned',
  'grub-efi-amd64-signed',
]

/** Named with their version, as kernels are: gone from the archive with the next point release but one. */
const kernelPackages = ['linux-image-6.1.0-50-cloud-amd64-unsigned', 'linux-image-6.1.0-50-cloud-amd64']

/** `$XDG_CACHE_HOME/signing-station/efi-files`; downloads there are reused. */
export function efiCacheDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const cache = env['XDG_CACHE_HOME']
  const base = cache === undefined || cache === '' ? join(env['HOME'] ?? homedir(), '.cache') : cache
  return join(base, 'signing-station', 'efi-files')
}

/** EFI binaries of the suite that this machine runs (made for bookworm), from its own sources. Needs no rights. */
export async function fetchEfiFiles(cacheDir: string = efiCacheDir()): Promise<EfiFiles> {
  return await collect(() => aptOfThisMachine(cacheDir, 'systemd-boot-efi'), bookwormPackages)
}

/** Kernel images of bookworm (15 MB each), for the vectors that name them. */
export async function fetchKernelImages(cacheDir: string = efiCacheDir()): Promise<EfiFiles> {
  return await collect(() => aptOfThisMachine(cacheDir, 'systemd-boot-efi'), kernelPackages)
}

/** The same out of trixie, with lists of its own beside the machine's; if it cannot be reached, every package says why. */
export async function fetchTrixieEfiFiles(cacheDir: string = efiCacheDir()): Promise<EfiFiles> {
  return await collect(() => aptOfSuite(cacheDir, 'trixie', 'systemd-boot-efi'), trixiePackages)
}

async function collect(open: () => Promise<Apt>, packages: readonly string[]): Promise<EfiFiles> {
  let apt: Apt
  let candidates: ReadonlyMap<string, string>
  try {
    apt = await open()
    candidates = await apt.candidates(packages)
  } catch (error) {
    return { files: [], missing: packages.map((name) => ({ package: name, reason: reasonOf(error) })) }
  }
  const files: EfiFile[] = []
  const missing: { package: string; reason: string }[] = []
  for (const name of packages) {
    try {
      const version = candidates.get(name)
      if (version === undefined) missing.push({ package: name, reason: `no configured source has ${name}` })
      else files.push(...(await efiFilesIn(await apt.unpacked(name, version), name, version)))
    } catch (error) {
      missing.push({ package: name, reason: reasonOf(error) })
    }
  }
  return { files, missing }
}

async function efiFilesIn(root: string, name: string, version: string): Promise<readonly EfiFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.efi(?:\.signed|\.stub)?$|^vmlinuz-/.test(entry.name))
    .map((entry) => ({ name: entry.name, path: join(entry.parentPath, entry.name), package: name, version }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** What the tool said; the first lines are the ones that matter. */
export function reasonOf(error: unknown): string {
  const stderr = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
  const text = stderr.trim() === '' ? (error instanceof Error ? error.message : String(error)) : stderr
  return text.trim().split('\n').slice(0, 4).join(' ')
}

if (import.meta.main) {
  const found = process.argv.includes('--trixie') ? await fetchTrixieEfiFiles() : await fetchEfiFiles()
  process.stdout.write(`${JSON.stringify(found, null, 1)}\n`)
  process.exitCode = found.files.length === 0 ? 1 : 0
}
