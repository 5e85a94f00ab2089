import { expect, test } from 'vitest'
import { parseCommandLine, usage } from './command-line.ts'
import { exitCodes } from './exit-codes.ts'

test('the command line knows a profile, help and the version', () => {
  expect(parseCommandLine([])).toEqual({ ok: true, value: { profile: null, help: false, version: false } })
  expect(parseCommandLine(['--profile', '/p', '--help', '--version'])).toEqual({
    ok: true,
    value: { profile: '/p', help: true, version: true },
  })
})

test('what it does not know is wrong use and never ignored', () => {
  for (const argv of [['--no-sandbox'], ['--profile'], ['file'], ['--help=yes']])
    expect(parseCommandLine(argv).ok, argv.join(' ')).toBe(false)
})

test('the usage names every option and exit code', () => {
  for (const option of ['--profile', '--version', '--help']) expect(usage).toContain(`  ${option} `)
  const codes = usage.slice(usage.indexOf('Exit codes:')).matchAll(/(?<=[:;\s])\d+(?= )/g)
  expect([...codes].map(Number)).toEqual(Object.values(exitCodes))
})
