import { expect, test } from 'vitest'
import { connectorPattern, connectorProblem, isDirect } from './yubihsm-connector.ts'

test.each([
  'http://127.0.0.1:12345',
  'http://localhost',
  'http://[::1]:12345',
  'https://hsm-1.example.org:8443',
  'yhusb://',
  'yhusb://serial=7550140',
])('%s names a YubiHSM', (connector) => {
  expect(connectorProblem(connector)).toBeNull()
})

test.each([
  '',
  'http://',
  'http://127.0.0.1:12345/',
  'http://name:password@127.0.0.1',
  'http://127.0.0.1:12345\ndebug',
  'http://127.0.0.1:12345 libdebug',
  'http://127.0.0.1:12345"#',
  'yhusb://serial=',
  'yhusb://serial=12 debug',
  'yhusb://serial=12345678901',
  'file:///etc/passwd',
  'HTTP://127.0.0.1',
])('%j is refused', (connector) => {
  expect(connectorPattern.test(connector)).toBe(false)
  expect(connectorProblem(connector)).not.toBeNull()
})

test('only USB is direct', () => {
  expect(['yhusb://', 'yhusb://serial=1', 'http://127.0.0.1:12345'].map(isDirect)).toEqual([true, true, false])
})
