import BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../migrate.ts'

// Whatever the program believes: a primary key stays where it was, certifies one certificate, and is never its own subkey.

const at = '2026-06-01T12:00:00.000Z'
const print = 'A1'.repeat(20)

describe('the primary key of a certificate with a signing subkey, as the database keeps it', () => {
  let file: BetterSqlite3.Database
  beforeEach(() => {
    file = new BetterSqlite3(':memory:')
    file.pragma('foreign_keys = ON')
    migrate(file)
    register(print, 'a', 'B2'.repeat(20))
  })

  function register(fingerprint: string, spki: string, signing: string): void {
    file
      .prepare(
        `INSERT INTO signing_key (purpose, fingerprint, private_key, public_key, created_at, updated_at, description, state, production, origin,
           algorithm, spki_sha256, token_manufacturer, token_model, token_serial, cka_id)
         VALUES ('openpgp', ?, '{"storage":"pkcs11-static"}', x'78', ?, ?, 'key', 'active', 1, 'generated', 'ed25519', ?, 'm', 'm', '1', '01')`,
      )
      .run(fingerprint, at, at, spki.repeat(64))
    file
      .prepare(
        `INSERT INTO openpgp_certificate (purpose, fingerprint, signing_fingerprint, created, certificate, why, operator, at)
         VALUES ('openpgp', ?, ?, 1767312000, ?, 'made', 'Custodian', ?)`,
      )
      .run(fingerprint, signing, 'c'.repeat(100), at)
  }
  const add = (change: Readonly<Record<string, unknown>> = {}) => {
    const row = {
      purpose: 'openpgp',
      fingerprint: print,
      algorithm: 'rsa-4096',
      spki_sha256: 'b'.repeat(64),
      created: 1_767_312_000,
      token_manufacturer: 'm',
      token_model: 'm',
      token_serial: '2',
      cka_id: '02',
      at,
      ...change,
    }
    const names = Object.keys(row)
    return file
      .prepare(
        `INSERT INTO openpgp_primary (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`,
      )
      .run(row)
  }

  test('is one key, of a registered certificate whose subkey signs', () => {
    expect(() => add({ spki_sha256: 'a'.repeat(64) })).toThrow(/openpgp-primary-not-subkey/)
    expect(() => add({ fingerprint: 'C3'.repeat(20) })).toThrow(/openpgp-primary-signs-itself|FOREIGN KEY/)
    register('D4'.repeat(20), 'd', 'D4'.repeat(20))
    expect(() => add({ fingerprint: 'D4'.repeat(20) })).toThrow(/openpgp-primary-signs-itself/)
    expect(() => add({ spki_sha256: 'B'.repeat(64) })).toThrow(/CHECK/)
    expect(add().changes).toBe(1)
  })

  test('certifies one certificate', () => {
    add()
    register('E5'.repeat(20), 'e', 'F6'.repeat(20))
    expect(() => add({ fingerprint: 'E5'.repeat(20) })).toThrow(/openpgp-primary-kept/)
  })

  test('binds a key that no other certificate has', () => {
    register('E5'.repeat(20), 'a', 'F6'.repeat(20))
    expect(() => add()).toThrow(/openpgp-primary-one-subkey/)
  })

  test('stays as it was written', () => {
    add()
    expect(() => add({ spki_sha256: 'c'.repeat(64) })).toThrow(/openpgp-primary-kept/)
    expect(() => file.exec("UPDATE openpgp_primary SET token_serial = '3'")).toThrow(/openpgp-primary-kept/)
    expect(() => file.exec('DELETE FROM openpgp_primary')).toThrow(/openpgp-primary-kept/)
    expect(() => file.exec('INSERT OR REPLACE INTO openpgp_primary SELECT * FROM openpgp_primary')).toThrow(
      /openpgp-primary-kept/,
    )
  })
})
