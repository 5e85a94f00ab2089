import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Statements by which an entry would stay in the log and not be found by its digest any more.

const at = '2026-06-01T12:00:00.000Z'
let file: BetterSqlite3.Database

beforeEach(() => {
  ;({ file } = memoryDatabase())
  file.exec(`INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
    VALUES (1, x'7b7d', randomblob(32), zeroblob(32), '${at}', 'test');
    INSERT INTO audit_digest VALUES ('0123456789abcdef', 1);
    UPDATE audit_digest_reach SET seq = 1`)
})

describe.each(['off', 'on'])('with recursive_triggers %s, the schema refuses', (recursive) => {
  test.each([
    ['a change of a digest', `UPDATE audit_digest SET prefix = 'ffffffffffffffff'`],
    ['a digest that leads elsewhere', 'UPDATE audit_digest SET seq = 2'],
    ['the end of a digest', 'DELETE FROM audit_digest'],
    ['a shorter reach', 'UPDATE audit_digest_reach SET seq = 0'],
    ['a reach beyond the log, which would leave out what comes', 'UPDATE audit_digest_reach SET seq = 2'],
    ['the end of the reach', 'DELETE FROM audit_digest_reach'],
    ['another reach', 'INSERT INTO audit_digest_reach VALUES (2, 1)'],
    ['a reach in place of the reach', 'REPLACE INTO audit_digest_reach VALUES (1, 0)'],
  ])('%s', (_name, statement) => {
    file.pragma(`recursive_triggers = ${recursive}`)
    expect(() => file.exec(statement)).toThrow(/audit-append-only|CHECK/)
    expect(file.prepare('SELECT prefix, seq FROM audit_digest').all()).toEqual([{ prefix: '0123456789abcdef', seq: 1 }])
    expect(file.prepare('SELECT seq FROM audit_digest_reach').all()).toEqual([{ seq: 1 }])
  })
})
