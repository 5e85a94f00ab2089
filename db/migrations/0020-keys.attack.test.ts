import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

const at = '2026-06-01T12:00:00.000Z'
const print = 'C3'.repeat(32)
const onToken: Readonly<Record<string, string | number | null>> = {
  purpose: 'uefi',
  fingerprint: print,
  private_key: '{"storage":"pkcs11-static","pkcs11_uri":"pkcs11:serial=1;id=%02"}',
  public_key: 'PEM',
  created_at: at,
  updated_at: at,
  description: 'Secure Boot',
  state: 'active',
  production: 1,
  origin: 'generated',
  algorithm: 'rsa-2048',
  spki_sha256: '07'.repeat(32),
  token_manufacturer: 'Yubico',
  token_model: 'YubiKey',
  token_serial: '1',
  cka_id: '02',
}
const noToken = { token_manufacturer: null, token_model: null, token_serial: null, cka_id: null }
const inSoftware = {
  ...onToken,
  ...noToken,
  private_key: '{"storage":"nacl","public_key":"AA==","encrypted":"AA=="}',
  origin: 'software',
}
let file: BetterSqlite3.Database
beforeEach(() => {
  ;({ file } = memoryDatabase())
})

function insert(row: Readonly<Record<string, string | number | null>>): void {
  const values = { ...row, public_key: Buffer.from(String(row['public_key'])) }
  const names = Object.keys(values)
  file
    .prepare(`INSERT INTO signing_key (${names.join()}) VALUES (${names.map((name) => `@${name}`).join()})`)
    .run(values)
}

describe('a key', () => {
  test('is on a token, with all that names it there, or sealed here', () => {
    expect(() => insert(onToken)).not.toThrow()
    expect(() => insert({ ...inSoftware, fingerprint: 'D4'.repeat(32) })).not.toThrow()
  })
  test.each(['token_manufacturer', 'token_model', 'token_serial', 'cka_id'])('on a token has its %s', (column) => {
    expect(() => insert({ ...onToken, [column]: null })).toThrow('CHECK')
  })
  test.each([
    ['is never both', { ...inSoftware, token_serial: '1' }],
    ['is never neither', { ...onToken, ...noToken }],
    ['has no private key in clear', { ...onToken, private_key: '{"storage":"clear","key":"-----BEGIN"}' }],
    ['has a record that is JSON', { ...onToken, private_key: '-----BEGIN PRIVATE KEY-----' }],
    ['that is sealed here is never called generated on a token', { ...inSoftware, origin: 'generated' }],
    ['has a fingerprint in upper-case hex', { ...onToken, fingerprint: print.toLowerCase() }],
    ['has a fingerprint of the right length', { ...onToken, fingerprint: 'C3' }],
    ['has an id in lower-case hex', { ...onToken, cka_id: '0G' }],
    ['has a token with a serial', { ...onToken, token_serial: '' }],
    ['has a state that there is', { ...onToken, state: 'revoked' }],
    ['has an origin that there is', { ...onToken, origin: 'elsewhere' }],
    ['is for production or not', { ...onToken, production: 2 }],
  ])('%s', (_, row) => {
    expect(() => insert(row)).toThrow('CHECK')
  })
  test('is registered once for a purpose', () => {
    insert(onToken)
    expect(() => insert(onToken)).toThrow('UNIQUE')
  })
  test.each(['id', 'purpose', 'fingerprint', 'public_key', 'spki_sha256', 'origin', 'created_at'])(
    'never gets another %s',
    (column) => {
      insert(onToken)
      expect(() => file.exec(`UPDATE signing_key SET ${column} = ${column}`)).toThrow('signing-key-identity')
    },
  )
  test('can be renamed and suspended', () => {
    insert(onToken)
    expect(() => file.exec(`UPDATE signing_key SET description = 'Old', state = 'suspended'`)).not.toThrow()
  })
})
