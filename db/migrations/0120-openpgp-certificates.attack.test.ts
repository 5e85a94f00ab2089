import BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../migrate.ts'

// Whatever the program believes: a key that signs never becomes another, and no certificate that it had is forgotten.

const at = '2026-06-01T12:00:00.000Z'
const print = 'A1'.repeat(20)

describe('the certificates of an OpenPGP key, as the database keeps them', () => {
  let file: BetterSqlite3.Database
  beforeEach(() => {
    file = new BetterSqlite3(':memory:')
    file.pragma('foreign_keys = ON')
    migrate(file)
    file
      .prepare(
        `INSERT INTO signing_key (purpose, fingerprint, private_key, public_key, created_at, updated_at, description, state, production, origin,
           algorithm, spki_sha256, token_manufacturer, token_model, token_serial, cka_id)
         VALUES ('openpgp', ?, '{"storage":"pkcs11-static"}', x'78', ?, ?, 'key', 'active', 1, 'generated', 'ed25519', ?, 'm', 'm', '1', '01')`,
      )
      .run(print, at, at, 'a'.repeat(64))
  })

  const add = (change: Readonly<Record<string, unknown>> = {}) => {
    const row = {
      purpose: 'openpgp',
      fingerprint: print,
      signing_fingerprint: print,
      created: 1_767_312_000,
      certificate: 'c'.repeat(100),
      revocation: null,
      why: 'made',
      operator: 'Custodian',
      at,
      ...change,
    }
    const names = Object.keys(row)
    return file
      .prepare(
        `INSERT INTO openpgp_certificate (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`,
      )
      .run(row)
  }

  test('are of a key that is registered for OpenPGP', () => {
    expect(() => add({ fingerprint: 'B2'.repeat(20) })).toThrow(/FOREIGN KEY/)
    expect(() => add({ purpose: 'uefi' })).toThrow(/CHECK/)
    expect(() => add({ created: 0 })).toThrow(/CHECK/)
    expect(() => add({ signing_fingerprint: 'a1'.repeat(20) })).toThrow(/CHECK/)
    expect(add().changes).toBe(1)
  })

  test('are all of one key with one creation time', () => {
    add()
    expect(() => add({ created: 1_767_312_001 })).toThrow(/openpgp-certificate-same-key/)
    expect(() => add({ signing_fingerprint: 'C3'.repeat(20) })).toThrow(/openpgp-certificate-same-key/)
    expect(add({ why: 'extended' }).changes).toBe(1)
  })

  test('stay as they were written', () => {
    const { lastInsertRowid } = add()
    expect(() => file.exec(`UPDATE openpgp_certificate SET certificate = '${'d'.repeat(100)}'`)).toThrow(/kept/)
    expect(() => file.exec('DELETE FROM openpgp_certificate')).toThrow(/kept/)
    expect(() => add({ id: lastInsertRowid })).toThrow(/kept|UNIQUE/)
    expect(() =>
      file.exec(`INSERT OR REPLACE INTO openpgp_certificate (id, purpose, fingerprint, signing_fingerprint, created, certificate, why, operator, at)
        VALUES (${lastInsertRowid}, 'openpgp', '${print}', '${print}', 1767312000, '${'e'.repeat(100)}', 'made', 'x', '${at}')`),
    ).toThrow(/kept/)
  })
})
