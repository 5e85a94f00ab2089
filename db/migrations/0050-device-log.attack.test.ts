import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Statements that somebody with the database open, or a defect in the program, could send.

const at = '2026-06-01T12:00:00.000Z'
/** 16 bytes of an entry, and a digest of one repeated byte. */
const bytes = (data: string, digest: string) => `x'${data}${digest.repeat(16)}'`
const login = bytes('00030300 0affff0001ffff830000008b'.replaceAll(' ', ''), 'aa')
const sign = bytes('0004470035000100 64ffffc700000096'.replaceAll(' ', ''), 'bb')
const next = bytes('000540000000 01ffffffffc0000000a0'.replaceAll(' ', ''), 'cc')
const boot = bytes('0005000000ffff000000000000000000', 'dd')
const drain = (id: number, serial = '07550140', askedSeq = 0, given = 2) =>
  `INSERT INTO device_drain VALUES (${id}, '${serial}', ${askedSeq}, 0, '${at}', '${at}', 0, 0, ${given}, 0)`
const entry = (place: number, raw: string, rest: string, serial = '07550140', id = 1) =>
  `INSERT INTO device_entry VALUES ('${serial}', ${place}, ${id}, ${raw}, ${rest})`
const parts = { login: '3, 3, 1, 65535, 0, 0', sign: '4, 71, 100, 65535, 0, 0', next: '5, 64, 65535, 65535, 0, 0' }
let file: BetterSqlite3.Database

beforeEach(() => {
  ;({ file } = memoryDatabase())
  file.exec(
    `${drain(1, undefined, 0, 3)}; ${drain(2, '07550421', 0, 1)};
     ${entry(1, login, parts.login)}; ${entry(2, sign, parts.sign)}`,
  )
})

describe.each(['off', 'on'])('with recursive_triggers %s, the schema refuses', (recursive) => {
  test.each([
    ['a change of a drain', 'UPDATE device_drain SET unlogged_boots = 0'],
    ['the end of a drain', 'DELETE FROM device_drain WHERE id = 2'],
    ['a drain in place of one', drain(2, '07550421').replace('INSERT', 'REPLACE')],
    ['a gap in the drains', drain(4)],
    ['a drain of a serial number that is none', drain(3, "0755014'||'x")],
    ['a drain that was asked for before the first entry', drain(3, '07550140', -1)],
    ['a drain at another place of the audit log', drain(3).replace('0, 0,', '0, 7,')],
    ['more entries than a device gives', drain(3, '07550140', 0, 65)],
    ['a change of an entry', `UPDATE device_entry SET raw = raw`],
    ['another device for an entry', `UPDATE device_entry SET device_serial = '07550421'`],
    ['the end of an entry', 'DELETE FROM device_entry WHERE place = 2'],
    ['an entry in place of one', entry(2, next, parts.next).replace('INSERT', 'REPLACE')],
    ['an upsert of an entry', `${entry(2, next, parts.next)} ON CONFLICT DO UPDATE SET raw = excluded.raw`],
    ['an entry twice', entry(3, sign, parts.sign)],
    ['an entry twice, in place of itself', entry(3, sign, '4, 71, 100, 65535, 1, 0').replace('INSERT', 'REPLACE')],
    ['an entry of one device for another', entry(1, sign, parts.sign, '07550421', 2)],
    ['a gap in the places', entry(4, next, parts.next)],
    ['an entry without a drain', entry(3, next, parts.next, '07550140', 9)],
    ['an entry in the drain of another device', entry(3, next, parts.next, '07550140', 2)],
    ['a lap that does not follow', entry(3, next, '5, 64, 65535, 65535, 1, 0')],
    ['a boot that does not follow', entry(3, next, '5, 64, 65535, 65535, 0, 1')],
    ['a boot that is not counted', entry(3, boot, '5, 0, 0, 0, 0, 0')],
    ['a number that is not in the bytes', entry(3, next, '6, 64, 65535, 65535, 0, 0')],
    ['a command that is not in the bytes', entry(3, next, '5, 65, 65535, 65535, 0, 0')],
    ['a key that is not in the bytes', entry(3, next, '5, 64, 1, 65535, 0, 0')],
    ['31 bytes', entry(3, `x'${'00'.repeat(31)}'`, '0, 0, 0, 0, 1, 0')],
  ])('%s', (_name, statement) => {
    file.pragma(`recursive_triggers = ${recursive}`)
    const all = () => ['device_drain', 'device_entry'].map((table) => file.prepare(`SELECT * FROM ${table}`).all())
    const before = all()
    // By a rule of the schema, not for a slip in the statement.
    expect(() => file.exec(statement)).toThrow(/device-log-append-only|constraint failed/)
    expect(all()).toEqual(before)
  })
})

test('what follows is taken, up to what the drain brought', () => {
  expect(() => file.exec(entry(3, boot, '5, 0, 0, 0, 0, 1'))).not.toThrow()
  const after = bytes('00060300 0affff0001ffff830000008b'.replaceAll(' ', ''), 'ee')
  expect(() => file.exec(entry(4, after, '6, 3, 1, 65535, 0, 1'))).toThrow('brought no more entries')
})

test('an older drain gets no entries any more', () => {
  file.exec(drain(3))
  expect(() => file.exec(entry(3, next, parts.next))).toThrow('newest drain')
  expect(() => file.exec(entry(3, next, parts.next, '07550140', 3))).not.toThrow()
})
