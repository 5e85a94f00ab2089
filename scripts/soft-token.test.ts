import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parseSoftTokenArguments } from './soft-token.ts'

test('one token with an RSA-4096 key and a certificate where nothing else is said', () => {
  expect(parseSoftTokenArguments(['--dir', 'here'])).toEqual({
    directory: resolve('here'),
    tokens: [
      {
        label: 'signing-station',
        pin: '123456',
        keys: [{ algorithm: 'rsa-4096', commonName: 'Signing Station test key' }],
      },
    ],
  })
})

test('tokens, keys and certificates in the order in which they are named', () => {
  const args = [
    '--dir',
    '/d',
    '--label',
    'a',
    '--pin',
    '1111',
    '--key',
    'rsa-2048',
    '--cert-cn',
    'A',
    '--key',
    'ec-p256',
    '--label',
    'b',
    '--key',
    'ed25519',
  ]
  expect(parseSoftTokenArguments(args).tokens).toEqual([
    { label: 'a', pin: '1111', keys: [{ algorithm: 'rsa-2048', commonName: 'A' }, { algorithm: 'ec-p256' }] },
    { label: 'b', pin: '123456', keys: [{ algorithm: 'ed25519' }] },
  ])
})

test.each([
  [['--label', 'a'], '--dir is missing'],
  [['--dir', '/d', '--key', 'rsa-2048'], '--key comes after the --label of its token'],
  [['--dir', '/d', '--label', 'a', '--cert-cn', 'A'], '--cert-cn comes after its --key'],
  [['--dir', '/d', '--label', 'a', '--key', 'rsa-1024'], '--key is one of'],
  [['--dir', '/d', '--colour', 'red'], 'colour'],
])('%j is refused with a reason', (args, reason) => {
  expect(() => parseSoftTokenArguments(args)).toThrow(reason)
})
