const importRule = 'eslint(no-restricted-imports)'

export type LintPlant = {
  readonly guard: string
  readonly file: string
  readonly source: string
  readonly rule: string
}

/** A module that imports `what` for its effect on the lint rules alone. */
const importing = (what: string) => `import * as it from '${what}'\n\nexport const used = it\n`

/** The folder a rule is about, or the one file. */
const scope = (file: string): string => file.replace(/\/x\.tsx?$/, '')

function forbidden(file: string, imports: readonly string[]): LintPlant[] {
  return imports.map((what, index) => ({
    guard: `${scope(file)} imports only what its rule allows`,
    file: file.replace(/\.(tsx?)$/, `-plant-${index}.$1`),
    source: importing(what),
    rule: importRule,
  }))
}

const pureFolders = [
  'src/main/asn1/x.ts',
  'src/main/deb822/x.ts',
  'src/main/debian/x.ts',
  'src/main/policy/x.ts',
  'src/main/review/x.ts',
  'src/main/canonical/x.ts',
  'src/main/audit/format/x.ts',
]

/** Who may import the keys' folder, or is in it, and still must not load the module that reads service keys. */
const withoutServiceKeys: readonly (readonly [file: string, what: string])[] = [
  ['src/main/x.ts', './keys/software/service-keys.ts'],
  ['src/main/ipc/x.ts', '../keys/software/service-keys.ts'],
  ['src/main/requests/x.ts', '../keys/software/service-keys.ts'],
  ['src/main/keys/x.ts', './software/service-keys.ts'],
  ['src/main/keys/software/x.ts', './service-keys.ts'],
  ['src/main/token/x.ts', '../keys/software/service-keys.ts'],
]
const loading: readonly ((what: string) => string)[] = [
  importing,
  (what) => `export { readServiceKeys } from '${what}'\n`,
  (what) => `export * from '${what}'\n`,
  (what) => `export const used = (): Promise<unknown> => import('${what}')\n`,
]

const impurities: readonly (readonly [source: string, rule: string])[] = [
  ['export const x = (): number => Date.now()\n', 'eslint(no-restricted-properties)'],
  ['export const x = (): number => Math.random()\n', 'eslint(no-restricted-properties)'],
  ['export const x = (): Date => new Date()\n', 'station(no-clock)'],
  ['export const x = (): string | undefined => process.env.HOME\n', 'eslint(no-restricted-globals)'],
  ['export const x = (f: () => void): unknown => setTimeout(f, 1)\n', 'eslint(no-restricted-globals)'],
]

/** One violation a file; `rule` is what oxlint must report for it. */
export const lintPlants: readonly LintPlant[] = [
  ...forbidden('src/shared/x.ts', ['node:fs', '../main/policy/evaluate.ts', 'kysely', 'react', 'electron']),
  ...forbidden('db/x.ts', ['../src/main/audit/append.ts', 'node:net', 'node:child_process', 'electron', 'ws']),
  ...forbidden('src/preload/x.ts', ['node:fs', '../main/ipc/router.ts', 'kysely']),
  ...forbidden('src/renderer/x.tsx', [
    'node:fs',
    '../main/ipc/router.ts',
    '../../db/database.ts',
    '../preload/index.ts',
    'electron',
    'kysely',
    'openpgp',
  ]),
  ...forbidden('src/main/x.ts', [
    'electron',
    'pkcs11js',
    'better-sqlite3',
    '@peculiar/x509',
    'ws',
    './token/host/index.ts',
    './inspector/process/index.ts',
    './usb/process/index.ts',
    'usb',
    '../renderer/app.tsx',
    'node:net',
    'node:child_process',
  ]),
  ...['app', 'config', 'log', 'tools'].flatMap((folder) =>
    forbidden(`src/main/${folder}/x.ts`, [
      '../requests/machine.ts',
      '../index.ts',
      'electron',
      'ws',
      'node:net',
      'node:https',
      'better-sqlite3',
    ]),
  ),
  ...forbidden('src/main/digest/x.ts', ['../requests/machine.ts', 'node:net', 'node:child_process', 'pkcs11js']),
  ...pureFolders.flatMap((file) =>
    forbidden(file, [
      'node:fs',
      'node:fs/promises',
      'node:net',
      'node:child_process',
      'kysely',
      '../token/client.ts',
      '../requests/runner.ts',
      '../../../db/database.ts',
      '@peculiar/x509',
    ]),
  ),
  ...forbidden('src/main/openpgp/x.ts', [
    'node:fs',
    'node:net',
    'kysely',
    '../keys/key-registry.ts',
    '../token/service.ts',
    '../requests/desk.ts',
    'pkcs11js',
  ]),
  ...forbidden('src/main/pki/x.ts', ['node:fs', 'node:net', 'kysely', '../keys/key-store.ts', 'pkcs11js']),
  ...forbidden('src/main/inspector/x.ts', ['./process/index.ts', 'node:net', 'pkcs11js', '../token/token-service.ts']),
  ...forbidden('src/main/inspector/process/x.ts', [
    'node:net',
    'node:child_process',
    'node:https',
    'pkcs11js',
    'better-sqlite3',
    '../../token/client.ts',
    '../../debusine/rest.ts',
    '../../../../db/open.ts',
  ]),
  ...forbidden('src/main/cli/x.ts', [
    'electron',
    'better-sqlite3',
    'kysely',
    'node:net',
    'node:https',
    'node:child_process',
    '../audit/append.ts',
    '../keys/key-registry.ts',
    '../signing/pe/pe.signer.ts',
    '../../../db/open.ts',
  ]),
  ...forbidden('src/main/signing/x.ts', [
    'openpgp',
    '../token/client.ts',
    '../audit/append.ts',
    '../requests/runner.ts',
    'node:net',
    'node:child_process',
    'pkcs11js',
    '@peculiar/x509',
    'kysely',
  ]),
  ...forbidden('src/main/signing/pe/x.ts', ['../../token/client.ts', 'node:net', 'kysely', '@peculiar/x509']),
  ...forbidden('src/main/token/x.ts', [
    './host/index.ts',
    'pkcs11js',
    'electron',
    'node:net',
    '../requests/machine.ts',
    'kysely',
  ]),
  ...forbidden('src/main/token/host/x.ts', [
    'electron',
    'node:net',
    'node:child_process',
    'usb',
    '../../debusine/rest.ts',
    '../../audit/append.ts',
    'better-sqlite3',
    'kysely',
  ]),
  ...forbidden('src/main/usb/x.ts', ['usb', './process/index.ts', 'node:fs', 'node:net', '../token/token-service.ts']),
  ...forbidden('src/main/usb/process/x.ts', [
    'pkcs11js',
    'node:net',
    'node:child_process',
    '../usb-watcher.ts',
    '../../token/token-service.ts',
    '../../../../db/open.ts',
  ]),
  ...forbidden('src/main/modules/x.ts', ['pkcs11js', 'usb', 'node:child_process', 'node:net', '../token/service.ts']),
  ...forbidden('src/main/doctor/x.ts', [
    'pkcs11js',
    'usb',
    'node:child_process',
    'node:http',
    '../usb/process/bell.ts',
    '../token/service.ts',
    '../../../db/open.ts',
  ]),
  ...forbidden('src/main/keys/x.ts', [
    '../ipc/router.ts',
    '../requests/runner.ts',
    '../token/client.ts',
    'pkcs11js',
    'better-sqlite3',
    '@peculiar/x509',
    'node:net',
  ]),
  ...forbidden('src/main/server-link/x.ts', [
    '../requests/runner.ts',
    '../token/token-service.ts',
    '../../../db/database.ts',
    'ws',
    'node:https',
    'kysely',
  ]),
  ...forbidden('src/main/settings/x.ts', [
    '../requests/runner.ts',
    '../token/token-service.ts',
    '../ipc/router.ts',
    'better-sqlite3',
    'node:net',
    'node:fs',
  ]),
  ...forbidden('src/main/audit/x.ts', [
    '../requests/runner.ts',
    '../debusine/rest.ts',
    '../token/token-service.ts',
    '../../../db/open.ts',
    'node:net',
    'better-sqlite3',
  ]),
  ...forbidden('src/main/audit/device-log/x.ts', [
    '../../token/token-service.ts',
    '../append.ts',
    '../../../../db/open.ts',
    'node:child_process',
    'better-sqlite3',
  ]),
  ...forbidden('src/main/log-review/x.ts', [
    './process/open-log.ts',
    '../cli/verify-database.ts',
    '../audit/append.ts',
    '../../../db/open.ts',
    'node:net',
    'node:sqlite',
    'better-sqlite3',
  ]),
  ...forbidden('src/main/log-review/process/x.ts', [
    '../review-desk.ts',
    '../../audit/append.ts',
    '../../keys/key-registry.ts',
    '../../../../db/review-index.ts',
    'better-sqlite3',
    'node:net',
    'node:child_process',
  ]),
  ...forbidden('src/main/media/x.ts', ['./process/index.ts', '../audit/append.ts', 'node:fs', 'node:fs/promises']),
  ...forbidden('src/main/media/process/x.ts', ['../media.ts', '../../log/logger.ts', 'node:child_process', 'zod']),
  ...forbidden('src/main/debusine/x.ts', [
    '../requests/runner.ts',
    '../token/token-service.ts',
    '../audit/append.ts',
    '../../../db/database.ts',
    'kysely',
    'node:child_process',
    'electron',
  ]),
  ...forbidden('src/main/requests/x.ts', [
    '../ipc/router.ts',
    '../desktop/desktop.ts',
    '../token/client.ts',
    '../token/host/index.ts',
    'node:net',
    'node:child_process',
    'ws',
    'better-sqlite3',
    '../index.ts',
  ]),
  ...forbidden('src/main/ipc/x.ts', [
    '../desktop/chromium/cdp.ts',
    '../desktop/electron/adapter.ts',
    '../../../db/open.ts',
    'electron',
    'node:fs',
    'node:net',
    'ws',
    'pkcs11js',
    'usb',
    '../usb/process/index.ts',
  ]),
  ...forbidden('src/main/desktop/x.ts', [
    './chromium/window.ts',
    './electron/window.ts',
    'electron',
    '../requests/machine.ts',
    'node:https',
  ]),
  ...forbidden('src/main/desktop/chromium/x.ts', [
    'electron',
    '../../requests/machine.ts',
    '../../ipc/router.ts',
    'node:https',
    'ws',
    'playwright-core',
  ]),
  ...forbidden('src/main/desktop/electron/x.ts', [
    '../../requests/machine.ts',
    '../../ipc/router.ts',
    'node:net',
    'node:child_process',
    'ws',
    '../chromium/cdp.ts',
  ]),
  ...pureFolders.flatMap((file) =>
    impurities.map(([source, rule], index) => ({
      guard: `${scope(file)} is pure: no clock, no chance, no process`,
      file: file.replace('.ts', `-impure-${index}.ts`),
      source,
      rule,
    })),
  ),
  ...withoutServiceKeys.flatMap(([file, what]) =>
    loading.map((load, index) => ({
      guard: 'service keys are read in the token process alone',
      file: file.replace('x.ts', `service-keys-plant-${index}.ts`),
      source: load(what),
      rule: 'station(no-service-keys)',
    })),
  ),
  {
    guard: 'the request machine is pure',
    file: 'src/main/requests/machine.ts',
    source: importing('node:fs'),
    rule: importRule,
  },
  {
    guard: 'no console in src',
    file: 'src/main/log/console-plant.ts',
    source: "console.log('x')\n",
    rule: 'eslint(no-console)',
  },
  {
    guard: 'no file over 400 lines',
    file: 'src/shared/long-plant.ts',
    source: `${'// a line\n'.repeat(401)}export const x = 1\n`,
    rule: 'eslint(max-lines)',
  },
  {
    guard: 'no any',
    file: 'src/shared/any-plant.ts',
    source: 'export function f(x: any): unknown {\n  return x\n}\n',
    rule: 'typescript(no-explicit-any)',
  },
  {
    guard: 'no non-null assertion',
    file: 'src/shared/bang-plant.ts',
    source: 'export const f = (x: string | null): string => x!\n',
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    guard: 'no floating promise',
    file: 'src/shared/floating-plant.ts',
    source: 'async function f(): Promise<void> {}\n\nexport function g(): void {\n  f()\n}\n',
    rule: 'typescript(no-floating-promises)',
  },
  {
    guard: 'no promise where none is awaited',
    file: 'src/shared/misused-plant.ts',
    source: 'export function g(list: number[]): void {\n  list.forEach(async () => {})\n}\n',
    rule: 'typescript(no-misused-promises)',
  },
  {
    guard: 'a switch over a union handles each case',
    file: 'src/shared/switch-plant.ts',
    source:
      "export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1\n  }\n  return 2\n}\n",
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    guard: 'no condition that is always true',
    file: 'src/shared/condition-plant.ts',
    source:
      "const purpose = { uefi: 'uefi' } as const\n\nexport function f(x: string): number {\n  return x === 'uefi' || purpose.uefi ? 1 : 2\n}\n",
    rule: 'typescript(no-unnecessary-condition)',
  },
  {
    guard: 'no default export',
    file: 'src/shared/export-plant.ts',
    source: 'export default 1\n',
    rule: 'import(no-default-export)',
  },
  {
    guard: 'types are imported as types',
    file: 'src/shared/type-import-plant.ts',
    source: "import { Clean } from './clean.ts'\n\nexport const f = (x: Clean): Clean => x\n",
    rule: 'typescript(consistent-type-imports)',
  },
  {
    guard: 'no cycle',
    file: 'src/shared/cycle-plant.ts',
    source: "import { b } from './cycle-other.ts'\n\nexport const a = (): number => b()\n",
    rule: 'import(no-cycle)',
  },
]

/** Files that follow every rule: what each folder needs most is allowed. */
export const lintControls: Readonly<Record<string, string>> = {
  'src/shared/clean.ts':
    "import { z } from 'zod'\n\nexport const clean = z.string()\nexport type Clean = z.infer<typeof clean>\n",
  'src/shared/cycle-other.ts': "import { a } from './cycle-plant.ts'\n\nexport const b = (): number => a()\n",
  'db/clean.ts': importing('better-sqlite3'),
  'src/preload/clean.ts': importing('electron'),
  'src/renderer/clean.tsx': importing('../preload/api.ts'),
  'src/main/clean.ts': importing('./requests/runner.ts'),
  'src/main/policy/clean.ts':
    "import { createHash } from 'node:crypto'\n\nexport const at = (iso: string): Date => new Date(createHash('sha256').update(iso).digest('hex'))\n",
  'src/main/pki/clean.ts': importing('@peculiar/x509'),
  'src/main/token/clean.ts': importing('node:child_process'),
  'src/main/token/host/clean.ts': importing('pkcs11js'),
  'src/main/usb/process/clean.ts': importing('usb'),
  'src/main/doctor/clean.ts': importing('../usb/process/scan.ts'),
  'src/main/token/host/service-keys-clean.ts': importing('../../keys/software/service-keys.ts'),
  'src/main/keys/software/service-keys.ts': 'export type ServiceKey = string\n',
  'src/main/keys/software/service-keys-clean.ts':
    "import type { ServiceKey } from './service-keys.ts'\n\nexport const file = (key: ServiceKey): string => key\n",
  'src/main/cli/clean.ts': importing('node:sqlite'),
  'src/main/debusine/clean.ts': importing('ws'),
  'src/main/desktop/chromium/clean.ts': importing('node:child_process'),
  'src/main/desktop/electron/clean.ts': importing('electron'),
  'src/main/requests/clean.ts': importing('../policy/evaluate.ts'),
  'src/main/requests/clean.test.ts': importing('../token/host/index.ts'),
}
