import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleIntent } from './testing/sample-entries.ts'

// A copy of row 2 under the number that is given; its hashes are right for number 2 only.
const columns = 'entry, leaf_hash, prev_hash, at, event'
const copy = (verb: string, seq: string, prev = 'prev_hash', rest = '') =>
  `${verb} into audit_entry (seq, ${columns}) select ${seq}, entry, leaf_hash, ${prev}, at, event from audit_entry where seq = 2 ${rest}`
const head = '(select leaf_hash from audit_entry where seq = 3)'

const statements: readonly (readonly [string, string])[] = [
  ['UPDATE of the bytes', `update audit_entry set entry = x'7b7d' where seq = 2`],
  ['UPDATE of a searchable column', `update audit_entry set operator = 'x' where seq = 2`],
  ['UPDATE of a number', 'update audit_entry set seq = 4 where seq = 3'],
  ['UPDATE that changes nothing', 'update audit_entry set at = at'],
  ['UPDATE OR REPLACE', 'update or replace audit_entry set seq = 2 where seq = 3'],
  ['UPDATE OR IGNORE', 'update or ignore audit_entry set seq = 2 where seq = 3'],
  ['UPDATE FROM', 'update audit_entry set at = o.at from audit_entry as o where o.seq = 1'],
  ['DELETE of the last', 'delete from audit_entry where seq = 3'],
  ['DELETE of one in the middle', 'delete from audit_entry where seq = 2'],
  ['DELETE of all (the truncate optimisation)', 'delete from audit_entry'],
  ['REPLACE of the last', copy('replace', '3', head)],
  ['INSERT OR REPLACE in the middle', copy('insert or replace', '2')],
  ['INSERT OR REPLACE of the first', copy('insert or replace', '1', 'zeroblob(32)')],
  ['INSERT OR IGNORE of an old number', copy('insert or ignore', '2')],
  ['INSERT OR FAIL of an old number', copy('insert or fail', '2')],
  ['INSERT OR ROLLBACK of an old number', copy('insert or rollback', '2')],
  ['upsert that updates', copy('insert', '2', 'prev_hash', `and true on conflict (seq) do update set operator = 'x'`)],
  ['upsert that does nothing', copy('insert', '2', 'prev_hash', 'and true on conflict do nothing')],
  ['duplicate', copy('insert', '3', head)],
  ['gap', copy('insert', '5', head)],
  ['number zero', copy('insert', '0', 'zeroblob(32)')],
  ['negative number', copy('insert', '-1', 'zeroblob(32)')],
  ['the largest number', copy('insert', '9223372036854775807', head)],
  ['fork: right number, another predecessor', copy('insert', '4')],
  ['predecessor of zeros', copy('insert', '4', 'zeroblob(32)')],
  [
    'no number',
    `insert into audit_entry (${columns}) select entry, leaf_hash, ${head}, at, event from audit_entry where seq = 2`,
  ],
  ['NULL as number', copy('insert', 'null', head)],
  [
    'rowid instead of number',
    `insert into audit_entry (rowid, ${columns}) select 2, ${columns} from audit_entry where seq = 2`,
  ],
  ['default values', 'insert into audit_entry default values'],
]

describe.each([
  ['recursive_triggers off', 'off'],
  ['recursive_triggers on', 'on'],
])('with %s, the audit table refuses', (_name, recursive) => {
  it.each(statements)('%s', async (_statement, statement) => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent(0), sampleIntent(1), sampleIntent(2))
    await station.close()
    const file = new BetterSqlite3(path)
    file.pragma(`recursive_triggers = ${recursive}`)
    const before = file.prepare('select * from audit_entry').all()
    expect(() => file.exec(statement)).toThrow(/audit-append-only/)
    expect(file.prepare('select * from audit_entry').all()).toEqual(before)
    file.close()
  })
})

describe('the audit table', () => {
  it('takes the next number with the right predecessor: the refusals above are not for want of anything else', async () => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent(0), sampleIntent(1), sampleIntent(2))
    await station.close()
    const file = new BetterSqlite3(path)
    file.exec(copy('insert', '4', head))
    expect(file.prepare('select max(seq) as last from audit_entry').get()).toEqual({ last: 4 })
    file.close()
  })

  it.each([
    ['a short hash', `'x'`, 'cast(leaf_hash as blob)', `x'00'`],
    ['text for bytes', '4', `'text'`, 'leaf_hash'],
  ])('checks what a row may hold: %s', async (_name, _seq, entry, leaf) => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent())
    await station.close()
    const file = new BetterSqlite3(path)
    const insert = `insert into audit_entry (seq, ${columns}) select 2, ${entry}, ${leaf}, leaf_hash, at, event from audit_entry where seq = 1`
    expect(() => file.exec(insert)).toThrow(/CHECK|cannot store/)
    file.close()
  })
})
