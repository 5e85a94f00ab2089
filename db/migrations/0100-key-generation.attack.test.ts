import BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../migrate.ts'

// Whatever the program believes: a generation begins with its intent, goes forward only, and is never forgotten or another one.

const id = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
const at = '2026-06-01T12:00:00.000Z'

describe('the making of a key, as the database keeps it', () => {
  let file: BetterSqlite3.Database
  beforeEach(() => {
    file = new BetterSqlite3(':memory:')
    migrate(file)
    file.exec(
      `INSERT INTO audit_entry (seq, at, event, entry, leaf_hash, prev_hash) VALUES (1, '${at}', 'station-started', x'7b7d', zeroblob(32), zeroblob(32))`,
    )
  })

  const begin = (index: number, change: Readonly<Record<string, unknown>> = {}) => {
    const row = {
      id: id(index),
      plan: '{}',
      token_serial: '1',
      cka_id: '02',
      state: 'intended',
      intent_seq: 1,
      operator: 'Custodian',
      begun_at: at,
      updated_at: at,
      ...change,
    }
    const names = Object.keys(row)
    return file
      .prepare(
        `INSERT INTO key_generation (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`,
      )
      .run(row)
  }
  const move = (index: number, state: string, more = '') =>
    file.prepare(`UPDATE key_generation SET state = ?${more} WHERE id = ?`).run(state, id(index))
  const made = `, spki = zeroblob(64), spki_sha256 = '${'a'.repeat(64)}'`

  test('begins with its intent and in no other way', () => {
    for (const state of ['made', 'registered', 'incident', 'closed'])
      expect(() => begin(1, { state })).toThrow(/key-generation-forward|CHECK/)
    expect(() => begin(1, { intent_seq: 7 })).toThrow(/FOREIGN KEY/)
    expect(begin(1).changes).toBe(1)
    expect(() => begin(1, { cka_id: '03' })).toThrow(/key-generation-once|UNIQUE/)
  })

  test('is under way once for each id of a token, and again when that is settled', () => {
    begin(1)
    expect(() => begin(2)).toThrow(/UNIQUE/)
    expect(begin(3, { cka_id: '03' }).changes).toBe(1)
    expect(begin(4, { token_serial: '2' }).changes).toBe(1)
    move(1, 'incident')
    expect(() => begin(2)).toThrow(/UNIQUE/)
    move(1, 'closed')
    expect(begin(2).changes).toBe(1)
  })

  test('goes forward only', () => {
    begin(1)
    expect(() => move(1, 'registered')).toThrow(/key-generation-forward|CHECK/)
    expect(() => move(1, 'made')).toThrow(/CHECK/)
    move(1, 'made', made)
    for (const back of ['intended', 'failed', 'incident']) expect(() => move(1, back)).toThrow(/key-generation-forward/)
    expect(() => move(1, 'awaiting-certificate')).toThrow(/CHECK/)
    expect(() => move(1, 'registered')).toThrow(/CHECK/)
    move(1, 'registered', `, fingerprint = '${'A'.repeat(64)}'`)
    for (const back of ['made', 'closed', 'intended'])
      expect(() => move(1, back, ', fingerprint = NULL')).toThrow(/key-generation-forward/)
    begin(2, { cka_id: '03' })
    move(2, 'failed')
    expect(() => move(2, 'made', made)).toThrow(/key-generation-forward/)
  })

  test('never becomes the making of another key, and is never deleted', () => {
    begin(1)
    for (const change of [
      "plan = '[]'",
      "token_serial = '9'",
      "cka_id = '09'",
      "operator = 'x'",
      `begun_at = '${at.replace('2026', '2027')}'`,
    ])
      expect(() => file.exec(`UPDATE key_generation SET ${change}`)).toThrow(/key-generation-identity/)
    move(1, 'made', made)
    expect(() => file.exec('UPDATE key_generation SET spki = zeroblob(65)')).toThrow(/key-generation-identity/)
    expect(() => file.exec('DELETE FROM key_generation')).toThrow(/key-generation-kept/)
    expect(() => begin(1, { id: id(1), state: 'intended', cka_id: '05' })).toThrow()
    const replace = file.prepare(
      `INSERT OR REPLACE INTO key_generation (id, plan, token_serial, cka_id, state, intent_seq, operator, begun_at, updated_at) VALUES ('${id(1)}', '{}', '1', '02', 'intended', 1, 'x', '${at}', '${at}')`,
    )
    expect(() => replace.run()).toThrow(/key-generation-once/)
  })
})
