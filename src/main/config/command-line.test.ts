import { expect, test } from 'vitest'
import { parseCommandLine, usage } from './command-line.ts'

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
  for (const word of ['--profile', '--version', '--help', '0 ', '1 ', '2 ', '3 ', '4 ', '5 '])
    expect(usage).toContain(word)
})
