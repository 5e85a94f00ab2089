import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

const at = '2026-06-01T12:00:00.000Z'
let file: BetterSqlite3.Database

function insertKey(id: number, record: string, token: string | null): void {
  file
    .prepare(
      `INSERT INTO signing_key (id, purpose, fingerprint, private_key, public_key, created_at, updated_at, description, state,
        production, origin, algorithm, spki_sha256, token_manufacturer, token_model, token_serial, cka_id)
       VALUES (?, 'uefi', ?, ?, x'00', ?, ?, 'Key', 'active', 0, ?, 'rsa-2048', ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      String(id).repeat(64),
      record,
      at,
      at,
      token === null ? 'software' : 'generated',
      '07'.repeat(32),
      token,
      token,
      token,
      token === null ? null : '02',
    )
}

const sealed = (box: string) => `{"storage":"nacl","public_key":"AA==","encrypted":"${box}"}`
const uri = '{"storage":"pkcs11-static","pkcs11_uri":"pkcs11:serial=1;id=%02"}'
const setRecord = (id: number, record: string) =>
  file.prepare('UPDATE signing_key SET private_key = ? WHERE id = ?').run(record, id)
const markImported = (id: number, verb = 'INSERT') =>
  file
    .prepare(`${verb} INTO imported_key (key_id, dump_sha256, imported_at, made_at) VALUES (?, ?, ?, NULL)`)
    .run(id, 'a1'.repeat(32), at)

beforeEach(() => {
  ;({ file } = memoryDatabase())
  insertKey(1, sealed('AA=='), null)
  insertKey(2, uri, '1')
})

describe('a sealed record', () => {
  test('is exchanged for another', () => {
    setRecord(1, sealed('AQ=='))
    expect(file.prepare('SELECT private_key FROM signing_key WHERE id = 1').pluck().get()).toBe(sealed('AQ=='))
  })
  test('never becomes a place on a token, nor a place on a token anything else', () => {
    expect(() => setRecord(1, uri)).toThrow('signing-key-identity')
    expect(() => setRecord(2, sealed('AQ=='))).toThrow('signing-key-identity')
    expect(() => setRecord(2, uri.replace('serial=1', 'serial=2'))).toThrow('signing-key-identity')
  })
})

describe('an imported key', () => {
  test('stays one: its mark is not changed, taken away or set again', () => {
    markImported(1)
    expect(() => file.exec(`UPDATE imported_key SET dump_sha256 = '${'b2'.repeat(32)}'`)).toThrow('imported-key')
    expect(() => file.exec('DELETE FROM imported_key')).toThrow('imported-key')
    for (const verb of ['INSERT', 'INSERT OR REPLACE', 'INSERT OR IGNORE'])
      expect(() => markImported(1, verb)).toThrow('imported-key')
    expect(file.prepare('SELECT dump_sha256 FROM imported_key').pluck().all()).toEqual(['a1'.repeat(32)])
  })
  test('is a software key that is here', () => {
    expect(() => markImported(2)).toThrow('imported-key')
    expect(() => markImported(3)).toThrow('imported-key')
  })
  test('cannot be deleted from under its mark', () => {
    markImported(1)
    expect(() => file.exec('DELETE FROM signing_key WHERE id = 1')).toThrow()
  })
})
