import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configurationText, createYubiHsmConfiguration } from './yubihsm-configuration.ts'

const none = { connectors: [], caPem: null }
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'yubihsm-conf-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('without a choice the operator’s own file is used as it is', () => {
  const configuration = createYubiHsmConfiguration(
    { YUBIHSM_PKCS11_CONF: '/etc/own.conf', SOFTHSM2_CONF: '/s' },
    folder,
  )
  expect(configuration.use(none)).toBe(false)
  expect(configuration.environment).toEqual({ YUBIHSM_PKCS11_CONF: '/etc/own.conf', SOFTHSM2_CONF: '/s' })
})

test('without a choice and without a file, the maker’s default is written', () => {
  const configuration = createYubiHsmConfiguration({}, folder)
  configuration.use(none)
  const file = configuration.environment['YUBIHSM_PKCS11_CONF'] ?? ''
  expect(readFileSync(file, 'utf8')).toBe('connector="http://127.0.0.1:12345"\ntimeout=5\n')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('what is chosen goes before the operator’s file, and follows each change', () => {
  const configuration = createYubiHsmConfiguration({ YUBIHSM_PKCS11_CONF: '/etc/own.conf' }, folder)
  const chosen = { connectors: ['https://hsm.example.org:8443', 'yhusb://serial=7550140'], caPem: 'PEM' }
  expect([configuration.use(none), configuration.use(chosen), configuration.use({ ...chosen })]).toEqual([
    false,
    true,
    false,
  ])
  const file = configuration.environment['YUBIHSM_PKCS11_CONF'] ?? ''
  const ca = join(folder, 'yubihsm-connectors.pem')
  expect(readFileSync(file, 'utf8')).toBe(configurationText(chosen, ca))
  expect(readFileSync(ca, 'utf8')).toBe('PEM')
  expect(configuration.use({ ...chosen, caPem: null })).toBe(true)
  expect(() => readFileSync(ca)).toThrow('ENOENT')
  expect(configuration.use(none)).toBe(true)
  expect(configuration.environment['YUBIHSM_PKCS11_CONF']).toBe('/etc/own.conf')
})

test('the module is never told to print what is in a session', () => {
  const text = configurationText({ connectors: ['yhusb://', 'http://127.0.0.1:1'], caPem: 'PEM' }, '/ca.pem')
  const options = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('=')[0])
  expect(new Set(options)).toEqual(new Set(['connector', 'timeout', 'cacert']))
})
