import BetterSqlite3 from 'better-sqlite3'
import { beforeEach, expect, test } from 'vitest'
import { migrate } from '../migrate.ts'

// Whatever the program believes: one ceremony at a time, records in order and for good, and nothing after the seal.

const at = '2026-06-01T12:00:00.000Z'
const id = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
const hex = 'a'.repeat(64)
let file: BetterSqlite3.Database
beforeEach(() => {
  file = new BetterSqlite3(':memory:')
  migrate(file)
  for (const seq of [1, 2, 3])
    file.exec(
      `INSERT INTO audit_entry (seq, at, event, entry, leaf_hash, prev_hash) VALUES (${seq}, '${at}', 'station-started', x'7b7d', zeroblob(32), zeroblob(32))`,
    )
})
const begin = (index: number, state = 'open') =>
  file
    .prepare(
      `INSERT INTO ceremony (id, script, script_sha256, plan, plan_sha256, title, state, begun_at) VALUES (?, x'7b7d', '${hex}', '{}', '${hex}', 'T', ?, '${at}')`,
    )
    .run(id(index), state)
const record = (index: number, n: number, seq: number) =>
  file
    .prepare(`INSERT INTO ceremony_record (ceremony_id, n, audit_seq, record) VALUES (?, ?, ?, '{}')`)
    .run(id(index), n, seq)
const keep = (index: number, n: number, name: string) =>
  file
    .prepare(`INSERT INTO ceremony_file (ceremony_id, n, name, sha256, content) VALUES (?, ?, ?, '${hex}', x'00')`)
    .run(id(index), n, name)
const seal = (index: number) =>
  file
    .prepare(
      `UPDATE ceremony SET state = 'completed', ended_at = '${at}', transcript = x'7b7d', transcript_sha256 = '${hex}', sealed_seq = 3 WHERE id = ?`,
    )
    .run(id(index))

test('one is open at a time, and it begins open', () => {
  expect(() => begin(1, 'completed')).toThrow(/ceremony-forward|CHECK/)
  begin(1)
  expect(() => begin(1)).toThrow(/ceremony-once|UNIQUE/)
  expect(() => begin(2)).toThrow(/UNIQUE/)
  seal(1)
  expect(begin(2).changes).toBe(1)
})

test('it ends with its transcript, and in no other way', () => {
  begin(1)
  expect(() => file.exec(`UPDATE ceremony SET state = 'completed'`)).toThrow(/CHECK/)
  expect(() => file.exec(`UPDATE ceremony SET plan = '{"a":1}'`)).toThrow(/ceremony-identity/)
  seal(1)
  expect(() => file.exec(`UPDATE ceremony SET transcript = x'00'`)).toThrow(/ceremony-sealed/)
  expect(() => file.exec(`UPDATE ceremony SET state = 'abandoned'`)).toThrow(/ceremony-sealed/)
  expect(() => file.exec('DELETE FROM ceremony')).toThrow(/ceremony-kept/)
  expect(() => record(1, 1, 1)).toThrow(/ceremony-sealed/)
})

test('records follow each other, each with an entry of its own, and never change', () => {
  begin(1)
  expect(() => record(1, 2, 1)).toThrow(/ceremony-record-next/)
  expect(() => record(1, 1, 9)).toThrow(/FOREIGN KEY/)
  record(1, 1, 1)
  expect(() => record(1, 2, 1)).toThrow(/UNIQUE/)
  expect(() => file.exec(`UPDATE ceremony_record SET record = '[]'`)).toThrow(/ceremony-record-final/)
  expect(() => file.exec('DELETE FROM ceremony_record')).toThrow(/ceremony-record-kept/)
})

test('a file of the evidence belongs to a record, and is never exchanged', () => {
  begin(1)
  expect(() => keep(1, 1, 'a.pem')).toThrow(/FOREIGN KEY/)
  record(1, 1, 1)
  keep(1, 1, 'a.pem')
  expect(() => keep(1, 1, 'a.pem')).toThrow(/ceremony-file-once|UNIQUE/)
  expect(() =>
    file.exec(`INSERT OR REPLACE INTO ceremony_file VALUES ('${id(1)}', 1, 'a.pem', '${hex}', x'01')`),
  ).toThrow(/ceremony-file-once/)
  expect(() => file.exec(`UPDATE ceremony_file SET content = x'01'`)).toThrow(/ceremony-file-final/)
  expect(() => file.exec('DELETE FROM ceremony_file')).toThrow(/ceremony-file-kept/)
})
