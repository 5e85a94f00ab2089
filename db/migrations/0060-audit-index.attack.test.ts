import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Statements by which an entry would stay in the log and not be found any more, or be found by what it does not say.

const at = '2026-06-01T12:00:00.000Z'
let file: BetterSqlite3.Database

const lines = () => file.prepare('SELECT kind, value, seq FROM audit_index ORDER BY 1, 2, 3').all()
const reach = () => file.prepare('SELECT id, seq FROM audit_index_reach').all()

beforeEach(() => {
  ;({ file } = memoryDatabase())
  file.exec(`INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
    VALUES (1, x'7b7d', x'${'01'.repeat(32)}', zeroblob(32), '${at}', 'test');
    INSERT INTO audit_index VALUES (1, 'test', 1);
    UPDATE audit_index_reach SET seq = 1;
    INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
    VALUES (2, x'7b7d', x'${'02'.repeat(32)}', x'${'01'.repeat(32)}', '${at}', 'test')`)
})

describe.each(['off', 'on'])('with recursive_triggers %s, the schema refuses', (recursive) => {
  test.each([
    ['a change of a value', `UPDATE audit_index SET value = 'other'`],
    ['a change of a kind', 'UPDATE audit_index SET kind = 2'],
    ['a line that leads elsewhere', 'UPDATE audit_index SET seq = 2'],
    [
      'a line that leads elsewhere, by an upsert',
      `INSERT INTO audit_index VALUES (1, 'test', 1) ON CONFLICT DO UPDATE SET seq = 2`,
    ],
    ['the end of a line', 'DELETE FROM audit_index'],
    ['a line for an entry that has its lines', `INSERT INTO audit_index VALUES (1, 'other', 1)`],
    ['the same in place of one', `REPLACE INTO audit_index VALUES (1, 'other', 1)`],
    ['the same without a word', `INSERT OR IGNORE INTO audit_index VALUES (1, 'other', 1)`],
    ['a line for an entry that is still to come', `INSERT INTO audit_index VALUES (1, 'test', 3)`],
    ['a line of no kind', `INSERT INTO audit_index VALUES (9, 'test', 2)`],
    ['a shorter reach', 'UPDATE audit_index_reach SET seq = 0'],
    ['a reach beyond the log, which would leave out what comes', 'UPDATE audit_index_reach SET seq = 3'],
    ['the end of the reach', 'DELETE FROM audit_index_reach'],
    ['another reach', 'INSERT INTO audit_index_reach VALUES (2, 1)'],
    ['a reach in place of the reach', 'REPLACE INTO audit_index_reach VALUES (1, 0)'],
  ])('%s', (_name, statement) => {
    file.pragma(`recursive_triggers = ${recursive}`)
    expect(() => file.exec(statement)).toThrow(/audit-append-only|CHECK/)
    expect({ lines: lines(), reach: reach() }).toEqual({
      lines: [{ kind: 1, value: 'test', seq: 1 }],
      reach: [{ id: 1, seq: 1 }],
    })
  })
})

test('the schema takes the lines of the entry after the reach, and then the reach', () => {
  file.exec(`INSERT INTO audit_index VALUES (1, 'test', 2); UPDATE audit_index_reach SET seq = 2`)
  expect({ lines: lines().length, reach: reach() }).toEqual({ lines: 2, reach: [{ id: 1, seq: 2 }] })
})
