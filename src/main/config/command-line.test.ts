import { expect, test } from 'vitest'
import { parseCommandLine, usage } from './command-line.ts'
import { exitCodes } from './exit-codes.ts'

test('the command line knows a profile, help and the version', () => {
  expect(parseCommandLine([])).toEqual({
    ok: true,
    value: { profile: null, help: false, version: false, doctor: null, command: null, open: [] },
  })
  expect(parseCommandLine(['--profile', '/p', '--help', '--version'])).toEqual({
    ok: true,
    value: { profile: '/p', help: true, version: true, doctor: null, command: null, open: [] },
  })
})

test('the doctor takes modules, and nothing of his is taken without him', () => {
  expect(parseCommandLine(['--doctor', '--json', '--module', '/a.so', '--module', '/b.so'])).toMatchObject({
    ok: true,
    value: { doctor: { json: true, modules: ['/a.so', '/b.so'] } },
  })
  for (const argv of [['--json'], ['--module', '/a.so'], ['--doctor', '--module', 'a.so']])
    expect(parseCommandLine(argv).ok, argv.join(' ')).toBe(false)
})

test('what it does not know is wrong use and never ignored', () => {
  for (const argv of [['--no-sandbox'], ['--profile'], ['file'], ['--help=yes']])
    expect(parseCommandLine(argv).ok, argv.join(' ')).toBe(false)
})

test('the usage names every option and exit code', () => {
  for (const option of ['--profile', '--doctor', '--json', '--module', '--version', '--help'])
    expect(usage).toContain(`  ${option} `)
  const codes = usage.slice(usage.indexOf('Exit codes:')).matchAll(/(?<=[:;\s])\d+(?= )/g)
  expect([...codes].map(Number)).toEqual(Object.values(exitCodes))
})

const digest = 'a1'.repeat(32)

test.each([
  [['service-key', 'new'], { kind: 'service-key', action: 'new' }],
  [['--profile', '/p', 'service-key', 'list'], { kind: 'service-key', action: 'list' }],
  [['service-key', 'reencrypt'], { kind: 'service-key', action: 'reencrypt' }],
  [['software-keys', 'preview', 'dump.sql'], { kind: 'software-keys', action: 'preview', dump: 'dump.sql' }],
  [
    ['software-keys', 'import', 'dump.sql', '--sha256', digest],
    { kind: 'software-keys', action: 'import', dump: 'dump.sql', sha256: digest },
  ],
  [['software-keys', 'export'], { kind: 'software-keys', action: 'export' }],
])('the command %j is known, and in the usage', (argv, command) => {
  expect(parseCommandLine(argv)).toMatchObject({ ok: true, value: { command } })
  expect(usage).toContain(`  ${command.kind} ${command.action}`)
})

test.each([
  [['service-key']],
  [['service-key', 'delete']],
  [['service-key', 'new', 'a.key']],
  [['service-key', 'new', '--sha256', digest]],
  [['software-keys', 'import', 'dump.sql']],
  [['software-keys', 'import', 'dump.sql', '--sha256', 'A1']],
  [['software-keys', 'preview']],
  [['software-keys', 'preview', 'a', 'b']],
  [['software-keys', 'export', 'a']],
])('the command %j is wrong use', (argv) => {
  expect(parseCommandLine(argv).ok).toBe(false)
})

test('the command line takes files to be signed by hand, as whole paths', () => {
  const files = (...names: readonly string[]) => parseCommandLine(['open', ...names], '/home/operator')
  expect(files('a.efi', '../b', '/c')).toMatchObject({
    ok: true,
    value: { command: null, open: ['/home/operator/a.efi', '/home/b', '/c'] },
  })
  expect(files()).toMatchObject({ ok: false })
  expect(files('x'.repeat(5000))).toMatchObject({ ok: false })
  expect(files(...Array.from({ length: 201 }, String))).toMatchObject({ ok: false })
  expect(parseCommandLine(['--doctor', 'open', 'a'])).toMatchObject({ ok: false })
})
