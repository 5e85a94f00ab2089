import { constants } from 'node:fs'
import { open, readdir, realpath } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import type { FoundModule, ModuleDiscovery, ModuleKind } from '../../shared/modules.ts'
import type { Settings } from '../../shared/settings.ts'
import { examineLibrary } from './elf.ts'
import { isDisabledIn, maxP11KitBytes, type P11KitEntry, p11KitEntry, parseP11KitFile } from './p11-kit-file.ts'

export type DiscoveryOptions = {
  readonly chosen: Settings['modules']
  /** Node's `process.arch`. */
  readonly architecture: string
  /** What stands before every path that is read: empty, or a folder of a test. Never in an answer. */
  readonly root?: string
}

/** Package's files first, the administrator's after them. */
const p11KitFolders = ['/usr/share/p11-kit/modules', '/etc/pkcs11/modules'] as const
const maxFiles = 200
/** Under this name the administrator can leave us in or out. */
const program = 'signing-station'

/** Debian's multiarch folders by `process.arch`. */
const triplets: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  arm: 'arm-linux-gnueabihf',
  ia32: 'i386-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  s390x: 's390x-linux-gnu',
}

const kinds: readonly (readonly [pattern: RegExp, kind: ModuleKind, name: string])[] = [
  [/^libykcs11\.so/, 'ykcs11', 'YubiKey (ykcs11)'],
  [/^yubihsm_pkcs11\.so/, 'yubihsm', 'YubiHSM (yubihsm_pkcs11)'],
  [/^(?:onepin-)?opensc-pkcs11\.so/, 'opensc', 'Smart cards (OpenSC)'],
  [/^libsofthsm2\.so/, 'softhsm', 'SoftHSM, for tests'],
]

type Candidate = {
  readonly path: string
  readonly foundIn: FoundModule['foundIn']
  readonly named: string | null
  readonly disabledHere: boolean
}

/**
 * All PKCS#11 modules of this machine: what p11-kit's files name, what lies where Debian puts the known ones, and what the operator
 * has in the settings. Files are read, none is loaded. A module that is known by several paths is told once, by the operator's path
 * if he has one.
 */
export async function discoverModules(options: DiscoveryOptions): Promise<ModuleDiscovery> {
  const { chosen } = options
  const configured = await p11KitModules(options)
  const settings = chosen.map(({ path }) => ({ path, foundIn: 'settings' as const, named: null, disabledHere: false }))
  const known = knownPlaces(options.architecture).map((path) => ({
    path,
    foundIn: 'known-place' as const,
    named: null,
    disabledHere: false,
  }))
  const examined = await Promise.all([...settings, ...configured.modules, ...known].map((one) => examine(one, options)))
  const inUse = new Set(examined.filter((_, index) => chosen[index]?.enabled === true).map(({ file }) => file))
  const told = new Map<string, FoundModule>()
  for (const one of examined) {
    // Nobody named it: that it is not there is no news.
    if (one.foundIn === 'known-place' && one.state.kind === 'missing') continue
    const before = told.get(one.file)
    if (before === undefined) told.set(one.file, { ...one, chosen: inUse.has(one.file) })
    else if (one.disabledHere) told.set(one.file, { ...before, disabledHere: true })
  }
  return { modules: [...told.values()].slice(0, maxFiles), ignored: [...configured.ignored].slice(0, maxFiles) }
}

/** What kind of module a file is, by its name; what it is called. */
export function moduleKindOf(path: string): { readonly kind: ModuleKind; readonly name: string | null } {
  const base = path.slice(path.lastIndexOf('/') + 1)
  const [, kind, name] = kinds.find(([pattern]) => pattern.test(base)) ?? []
  return { kind: kind ?? 'other', name: name ?? null }
}

/**
 * The paths of modules to load: each file once, by the first path that leads to it. A path that leads nowhere stays, so that its
 * failure is told.
 */
export async function onePathForEachFile(paths: readonly string[]): Promise<readonly string[]> {
  const kept = new Map<string, string>()
  for (const path of paths) {
    const file = await fileBehind(path, '')
    if (!kept.has(file)) kept.set(file, path)
  }
  return [...kept.values()]
}

async function examine(candidate: Candidate, { architecture, root = '' }: DiscoveryOptions): Promise<FoundModule> {
  const file = await fileBehind(candidate.path, root)
  const byPath = moduleKindOf(candidate.path)
  const { kind, name } = byPath.kind === 'other' ? moduleKindOf(file) : byPath
  return {
    path: candidate.path,
    file,
    kind,
    name: (name ?? candidate.named ?? candidate.path.slice(candidate.path.lastIndexOf('/') + 1)).slice(0, 200),
    foundIn: candidate.foundIn,
    disabledHere: candidate.disabledHere,
    state: await examineLibrary(join(root, file), architecture),
    chosen: false,
  }
}

/** The file behind all links; the path itself if it leads nowhere. */
async function fileBehind(path: string, root: string): Promise<string> {
  try {
    const [real, base] = [await realpath(join(root, path)), root === '' ? '' : await realpath(root)]
    return real.startsWith(`${base}/`) ? real.slice(base.length) : path
  } catch {
    return normalize(path)
  }
}

function knownPlaces(architecture: string): readonly string[] {
  const library = `/usr/lib/${triplets[architecture] ?? 'nowhere'}`
  return [
    // Debian's development link is not always installed; the module itself has the version in its name.
    `${library}/libykcs11.so.2`,
    `${library}/libykcs11.so`,
    `${library}/pkcs11/yubihsm_pkcs11.so`,
    `${library}/opensc-pkcs11.so`,
    '/usr/lib/softhsm/libsofthsm2.so',
    `${library}/softhsm/libsofthsm2.so`,
  ]
}

async function p11KitModules({ architecture, root = '' }: DiscoveryOptions) {
  const ignored: { file: string; why: string }[] = []
  const byName = new Map<string, { readonly file: string; readonly fields: ReadonlyMap<string, string> }[]>()
  for (const folder of p11KitFolders) {
    const names = (await readdir(join(root, folder)).catch(() => [])).filter((name) => name.endsWith('.module')).sort()
    for (const name of names.slice(0, maxFiles)) {
      const file = `${folder}/${name}`
      const text = await readWhole(join(root, file))
      if (text === null) ignored.push({ file, why: 'It is no readable file of at most 64 kB.' })
      else byName.set(name, [...(byName.get(name) ?? []), { file, fields: parseP11KitFile(text) }])
    }
  }
  const modules: Candidate[] = []
  for (const [name, files] of byName) {
    const entry = p11KitEntry(
      name.replace(/\.module$/, ''),
      files.map(({ fields }) => fields),
    )
    const file = files.at(-1)?.file ?? name
    if (entry === null) ignored.push({ file, why: 'It names no module.' })
    else if (!entry.isTrust) {
      const path = pathOf(entry, architecture)
      if (path === null) ignored.push({ file, why: 'Its module is no path of a library below p11-kit’s folder.' })
      else modules.push({ path, foundIn: 'p11-kit', named: entry.name, disabledHere: isDisabledIn(entry, program) })
    }
  }
  return { modules, ignored }
}

/** A relative name is below p11-kit's folder of modules; one that climbs out of it was not written by a package. */
function pathOf({ module }: P11KitEntry, architecture: string): string | null {
  if (module.length > 4096 || module.includes('\0') || !module.isWellFormed()) return null
  if (module.startsWith('/')) return normalize(module)
  if (module.split('/').includes('..')) return null
  return normalize(`/usr/lib/${triplets[architecture] ?? 'nowhere'}/pkcs11/${module}`)
}

async function readWhole(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { size } = await file.stat()
      if (!(await file.stat()).isFile() || size > maxP11KitBytes) return null
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxP11KitBytes), 0, maxP11KitBytes, 0)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}
