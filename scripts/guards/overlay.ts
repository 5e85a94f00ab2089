import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const repository = join(import.meta.dirname, '..', '..')

/** Makes a small tree in a temporary folder: the project's own configuration and packages, and the files given. The caller removes it. */
export function overlay(files: readonly (readonly [file: string, source: string])[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'station-guards-'))
  for (const name of readdirSync(repository)) {
    if (/^(?:tsconfig.*\.json|\.oxlintrc\.json|package\.json)$/.test(name))
      cpSync(join(repository, name), join(folder, name))
  }
  cpSync(join(repository, 'scripts', 'lint'), join(folder, 'scripts', 'lint'), { recursive: true })
  // A folder of links, not one link: the compiler's cache in node_modules/.cache must not be the project's.
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(join(repository, 'node_modules'))) {
    if (name !== '.cache') symlinkSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name))
  }
  for (const [file, source] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), source)
  }
  return folder
}

/** What a tool said: file → rules or error codes, in the order in which they were reported. */
export type Findings = { readonly status: number | null; readonly found: ReadonlyMap<string, readonly string[]> }

function run(
  folder: string,
  tool: string,
  args: readonly string[],
): { readonly status: number | null; readonly output: string } {
  const done = spawnSync(process.execPath, [join(repository, 'node_modules', '.bin', tool), ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return { status: done.status, output: done.stdout + done.stderr }
}

function group(pairs: readonly (readonly [file: string, code: string])[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [file, code] of pairs) found.set(file, [...(found.get(file) ?? []), code])
  return found
}

export function lint(folder: string): Findings {
  const { status, output } = run(folder, 'oxlint', ['--type-aware', '--format=json'])
  const report = JSON.parse(output) as {
    readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
  }
  return { status, found: group(report.diagnostics.map((item) => [item.filename, item.code])) }
}

export function compile(folder: string): Findings {
  const { status, output } = run(folder, 'tsc', ['-b', '--pretty', 'false'])
  return {
    status,
    found: group(
      [...output.matchAll(/^(\S+?)\(\d+,\d+\): error (TS\d+):/gm)].map((match) => [match[1] ?? '', match[2] ?? '']),
    ),
  }
}
