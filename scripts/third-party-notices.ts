import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'

// `npm run notices` writes THIRD-PARTY-NOTICES.md: what is inside the program as it is shipped, with each licence in full.

const repository = join(import.meta.dirname, '..')

type Locked = {
  readonly version?: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
}
type Lock = { readonly packages: Readonly<Record<string, Locked>> }

/** Names of the packages that the sources import, tests aside: what the bundler puts into out/, and what is loaded beside it. */
export function importedPackages(root: string): readonly string[] {
  const names = new Set<string>()
  for (const file of globSync(['src/**/*.{ts,tsx}', 'db/**/*.ts'], { cwd: root })) {
    if (/\.test\.tsx?$|(?:^|\/)(?:testing|testdata)\//.test(file)) continue
    const source = readFileSync(join(root, file), 'utf8')
    for (const match of source.matchAll(
      /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'".][^'"]*)['"]/gm,
    )) {
      const specifier = match[2] ?? ''
      if (match[1] !== undefined || specifier.startsWith('node:') || builtinModules.includes(specifier)) continue
      const [scope = '', name = ''] = specifier.split('/')
      names.add(scope.startsWith('@') ? `${scope}/${name}` : scope)
    }
    // Loaded when it is first needed.
    for (const [, name = ''] of source.matchAll(/\bimport\('([^'".:][^'":]*)'\)/g)) names.add(name)
  }
  // Provided by the runtime that opens the window, and shipped with it, not with the bundles.
  names.delete('electron')
  return [...names].sort()
}

/** Lock-file paths of the packages named and of all that they need, found as Node finds them. */
export function closure(lock: Lock, roots: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string, from: string): void => {
    const path = locate(lock, name, from)
    if (path === null || found.has(path)) return
    found.add(path)
    const entry = lock.packages[path]
    for (const needed of Object.keys(entry?.dependencies ?? {})) visit(needed, path)
    for (const needed of Object.keys(entry?.optionalDependencies ?? {})) {
      const at = locate(lock, needed, path)
      if (at !== null && isNativePart(lock.packages[at])) visit(needed, path)
    }
    for (const needed of Object.keys(entry?.peerDependencies ?? {})) {
      if (entry?.peerDependenciesMeta?.[needed]?.optional !== true) visit(needed, path)
    }
  }
  for (const name of roots) visit(name, '')
  return [...found].sort()
}

/** Binaries of a package, one package for each kind of machine: those for the machines that the program is shipped to. */
function isNativePart(entry: Locked | undefined): boolean {
  return (
    entry?.os?.includes('linux') === true &&
    entry.libc?.includes('glibc') === true &&
    (entry.cpu?.includes('x64') === true || entry.cpu?.includes('arm64') === true)
  )
}

function locate(lock: Lock, name: string, from: string): string | null {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (lock.packages[path] !== undefined) return path
    if (folder === '') return null
  }
}

function licenceText(folder: string): string | null {
  if (!existsSync(folder)) return null
  const names = readdirSync(folder).filter((name) => /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i.test(name))
  if (names.length === 0) return null
  return names
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim())
    .join('\n\n')
}

/** The lesser licence adds to the general one: both texts go with a work that is under it (LGPL 3, section 4 b). */
function lesserNote(license: string): string {
  return license.includes('LGPL')
    ? 'The GNU Lesser General Public License is in [resources/licenses/LGPL-3](resources/licenses/LGPL-3), the GNU General Public\nLicense that it adds to in [resources/licenses/GPL-3](resources/licenses/GPL-3).\n\n'
    : ''
}

export function notices(root: string): string {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
  // Of the native parts only the one for this machine is installed; the notices are the same everywhere.
  const paths = closure(lock, importedPackages(root)).filter(
    (path) => isNativePart(lock.packages[path]) || existsSync(join(root, path, 'package.json')),
  )
  const sections = paths.map((path) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const { version = '', license = 'see below' } = lock.packages[path] ?? {}
    const text =
      licenceText(join(root, path)) ?? `The package carries no licence file; its package.json says: ${license}.`
    const fence = text.includes('```') ? '````' : '```'
    return `## ${name} ${version}\n\nLicence: ${license}\n\n${lesserNote(license)}${fence}text\n${text}\n${fence}\n`
  })
  return `# Third-party notices

What Signing Station's bundles contain and what is installed beside them, with each licence in full. Made by \`npm run notices\`
from the imports of the sources and the lock file; a test fails when it is out of date. Types that are erased, and the tools
that build and test the program, are not shipped and not listed (docs/dependencies.md lists them).

The program is run by Node.js, which is shipped as it was published, its own LICENSE file beside it. The window is drawn by the
system's Chromium or by Electron, which bring their own notices.

${sections.join('\n')}`
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  writeFileSync(join(dirname(import.meta.dirname), 'THIRD-PARTY-NOTICES.md'), notices(repository))
}
