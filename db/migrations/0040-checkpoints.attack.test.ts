import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Statements that somebody with the database open, or a defect in the program, could send (invariant I4).

const at = '2026-06-01T12:00:00.000Z'
const note = 'n'.repeat(100)
const vkey = 'v'.repeat(60)
let file: BetterSqlite3.Database

beforeEach(() => {
  ;({ file } = memoryDatabase())
  for (const seq of [1, 2, 3, 4])
    file.exec(`INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
      SELECT ${seq}, x'7b7d', randomblob(32), coalesce((SELECT leaf_hash FROM audit_entry ORDER BY seq DESC LIMIT 1), zeroblob(32)), '${at}', 'test'`)
  file.exec(`INSERT INTO audit_log_key VALUES (1, '${vkey}', '${at}');
    INSERT INTO audit_checkpoint VALUES (1, '${note}', '${at}'), (3, '${note}', '${at}');
    INSERT INTO audit_cosignature VALUES (3, 'w', '— w AAAAAAA=', '${at}');
    INSERT INTO audit_node VALUES (8, 0, zeroblob(32)), (8, 1, zeroblob(32)), (16, 0, zeroblob(32))`)
})

describe.each(['off', 'on'])('with recursive_triggers %s, the schema refuses', (recursive) => {
  test.each([
    ['another key', `INSERT INTO audit_log_key VALUES (2, '${vkey}', '${at}')`],
    ['a key in place of the key', `REPLACE INTO audit_log_key VALUES (1, '${vkey}', '${at}')`],
    ['a change of the key', `UPDATE audit_log_key SET vkey = vkey`],
    ['the end of the key', 'DELETE FROM audit_log_key'],
    ['a change of a checkpoint', `UPDATE audit_checkpoint SET note = note || 'x'`],
    ['another size of a checkpoint', 'UPDATE audit_checkpoint SET size = 4 WHERE size = 3'],
    ['the end of a checkpoint', 'DELETE FROM audit_checkpoint WHERE size = 3'],
    ['a checkpoint in place of one', `REPLACE INTO audit_checkpoint VALUES (3, '${note}', '${at}')`],
    ['a checkpoint between two', `INSERT INTO audit_checkpoint VALUES (2, '${note}', '${at}')`],
    [
      'an upsert of a checkpoint',
      `INSERT INTO audit_checkpoint VALUES (3, '${note}', '${at}') ON CONFLICT DO UPDATE SET note = excluded.note`,
    ],
    ['a checkpoint of entries that are not there', `INSERT INTO audit_checkpoint VALUES (5, '${note}', '${at}')`],
    ['a checkpoint of nothing', `INSERT INTO audit_checkpoint VALUES (0, '${note}', '${at}')`],
    ['a checkpoint without a size', `INSERT INTO audit_checkpoint (note, at) VALUES ('${note}', '${at}')`],
    ['a change of a cosignature', `UPDATE audit_cosignature SET line = line`],
    ['the end of a cosignature', 'DELETE FROM audit_cosignature'],
    ['a cosignature in place of one', `REPLACE INTO audit_cosignature VALUES (3, 'w', '— w AAAAAAB=', '${at}')`],
    ['a cosignature of no checkpoint', `INSERT INTO audit_cosignature VALUES (4, 'w', '— w AAAAAAA=', '${at}')`],
    ['a change of a tree hash', 'UPDATE audit_node SET hash = randomblob(32)'],
    ['the end of a tree hash', 'DELETE FROM audit_node'],
    ['a tree hash in place of one', 'REPLACE INTO audit_node VALUES (8, 1, zeroblob(32))'],
    ['a gap in the tree', 'INSERT INTO audit_node VALUES (8, 3, zeroblob(32))'],
    ['a tree hash of another level', 'INSERT INTO audit_node VALUES (9, 0, zeroblob(32))'],
  ])('%s', (_name, statement) => {
    file.pragma(`recursive_triggers = ${recursive}`)
    const all = () =>
      ['audit_log_key', 'audit_checkpoint', 'audit_cosignature', 'audit_node'].map((table) =>
        file.prepare(`SELECT * FROM ${table}`).all(),
      )
    const before = all()
    expect(() => file.exec(statement)).toThrow()
    expect(all()).toEqual(before)
  })
})

test('the next checkpoint and the next tree hash are taken', () => {
  expect(() =>
    file.exec(
      `INSERT INTO audit_checkpoint VALUES (4, '${note}', '${at}'); INSERT INTO audit_node VALUES (8, 2, zeroblob(32))`,
    ),
  ).not.toThrow()
})
