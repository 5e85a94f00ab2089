import { beforeEach, describe, expect, test } from 'vitest'
import {
  keys,
  otherInput,
  otherSheet,
  packet,
  packetSha,
  request,
  type SeveralKeysDb,
  severalKeysDb,
  sheet,
  type Use,
} from '../testing/several-keys-db.ts'

// Statements that somebody with the database open, or a defect in the program, could send. Of a file that several keys sign, no key signs
// twice and no output is begun before every other key has signed, whatever the program believes (invariants I1 and I3).

const hows = ['INSERT', 'REPLACE', 'INSERT OR IGNORE', 'INSERT OR ROLLBACK', 'INSERT OR FAIL']
const three = '00000000-0000-4000-8000-000000000004'
let db: SeveralKeysDb

beforeEach(() => {
  db = severalKeysDb()
})

describe('an intent of a further key', () => {
  test('without a decision, or of a declined request, is refused', () => {
    for (const how of hows) expect(() => db.beginPart({ how }), how).toThrow('signature-needs-approval: no approval')
    db.decide('declined')
    for (const how of hows) expect(() => db.beginPart({ how }), how).toThrow('signature-needs-approval: no approval')
  })
  test('of another sheet than the approved one is refused', () => {
    db.decide()
    for (const how of hows)
      expect(() => db.beginPart({ how, digest: otherSheet }), how).toThrow('signature-needs-approval: no approval')
  })
  test('of a key that the sheet does not name, or names elsewhere, is refused', () => {
    db.decide('approved', otherSheet)
    const digest = otherSheet
    expect(() => db.beginPart({ digest, key: 1, fingerprint: keys[2] })).toThrow('the sheet has another key there')
    expect(() => db.beginPart({ digest, key: 2, fingerprint: keys[1] })).toThrow('the sheet has another key there')
    expect(() => db.beginPart({ digest, key: 1, fingerprint: 'EE'.repeat(20) })).toThrow(
      'the sheet has another key there',
    )
    expect(() => db.beginPart({ digest, position: 3, fingerprint: keys[1] })).toThrow('or none')
    expect(() => db.beginPart({ digest, key: 1 })).not.toThrow()
    expect(() => db.beginPart({ digest, key: 2 })).not.toThrow()
  })
  test('under a sheet with one key is refused', () => {
    const id = '00000000-0000-4000-8000-000000000001'
    db.makeRequest(id, 43)
    db.makeSheet(sheet, [], id)
    db.decide('approved', sheet, id)
    expect(() => db.beginPart({ of: id })).toThrow('or none')
    expect(() => db.begin({ of: id })).not.toThrow()
  })
  test.each([0, 8, -1, 'NULL'])('at position %s is refused', (position) => {
    db.decide()
    for (const how of hows) expect(() => db.beginPart({ how, position }), how).toThrow('signature-needs-approval')
  })
  test.each([1.5, `'one'`])('at position %s is refused for its type', (position) => {
    db.decide()
    expect(() => db.beginPart({ position })).toThrow('in INTEGER column')
  })
  test.each([0, 8, -1])('at position %s is refused by the table alone', (position) => {
    db.decide()
    db.exec('DROP TRIGGER further_signature_needs_approval')
    expect(() => db.beginPart({ position })).toThrow('CHECK')
  })
  test.each([
    ['ordinal', { ordinal: -1 }],
    ['input', { input: 'a1' }],
  ])('with an %s that is none is refused', (_name, change) => {
    db.decide()
    expect(() => db.beginPart(change)).toThrow('CHECK')
  })
  test('without its entry in the log is refused', () => {
    db.decide()
    db.beginPart({ ordinal: 1 })
    expect(() =>
      db.exec(`INSERT INTO further_signature SELECT request_id, 0, position, sheet_digest, purpose, fingerprint, input_sha256,
        state, 999, outcome_seq, packet, packet_sha256, failure, at FROM further_signature`),
    ).toThrow('FOREIGN KEY')
  })
  test('is never written as anything but begun', () => {
    db.decide()
    for (const state of ['made', 'failed', 'unknown', 'withdrawn'])
      for (const how of hows) expect(() => db.beginPart({ how, state }), `${how} ${state}`).toThrow('signature-forward')
  })
})

describe.each(['off', 'on'])('with recursive_triggers %s, an intent of a further key', (recursive) => {
  beforeEach(() => {
    db.setRecursiveTriggers(recursive)
    db.decide('approved', otherSheet)
  })
  const digest = otherSheet
  test.each([...hows, 'upsert'])('is written once for each file and key, by %s as well', (how) => {
    const again = (change: Use) =>
      how === 'upsert'
        ? db.beginPart({
            digest,
            more: 'ON CONFLICT DO UPDATE SET at = excluded.at, state = excluded.state',
            ...change,
          })
        : db.beginPart({ digest, how, ...change })
    db.beginPart({ digest })
    for (const state of ['begun', 'made', 'failed', 'unknown', 'withdrawn']) {
      if (state !== 'begun') {
        db.exec('SAVEPOINT settled')
        db.settlePart(state)
      }
      const before = db.parts()
      expect(() => again({}), state).toThrow('signature-once')
      expect(db.parts()).toEqual(before)
      if (state !== 'begun' && db.inTransaction()) db.exec('ROLLBACK TO settled; RELEASE settled')
    }
  })
  test('is not written twice for one key that a sheet names twice', () => {
    const id = '00000000-0000-4000-8000-000000000002'
    db.makeRequest(id, 44)
    db.makeSheet(sheet, [keys[1], keys[1]], id)
    db.decide('approved', sheet, id)
    db.beginPart({ of: id })
    for (const how of hows.filter((each) => each !== 'INSERT OR ROLLBACK'))
      expect(() => db.beginPart({ of: id, how, key: 2, fingerprint: keys[1] }), how).toThrow('signature-once')
  })
  test('takes no other row away', () => {
    db.beginPart({ digest })
    db.beginPart({ digest, key: 2 })
    db.settlePart('made', packet, 2)
    const before = db.parts()
    const statements = [
      `UPDATE OR REPLACE further_signature SET state = 'failed', outcome_seq = ${db.entry()}, position = 2 WHERE position = 1`,
      `UPDATE OR REPLACE further_signature SET state = 'failed', outcome_seq = ${db.entry()}, fingerprint = '${keys[2]}' WHERE position = 1`,
      `UPDATE OR REPLACE further_signature SET state = 'failed', outcome_seq = ${db.entry()}, rowid = 2 WHERE position = 1`,
      'REPLACE INTO further_signature SELECT * FROM further_signature WHERE position = 2',
      'DELETE FROM further_signature',
      'DELETE FROM further_signature WHERE position = 2',
      `DELETE FROM request WHERE id = '${request}'`,
      'DELETE FROM review_sheet',
      'DELETE FROM decision',
    ]
    for (const statement of statements) {
      expect(() => db.exec(statement), statement).toThrow()
      expect(db.parts(), statement).toEqual(before)
    }
  })
})

describe('a part', () => {
  beforeEach(() => {
    db.decide()
    db.beginPart()
  })
  test.each(['made', 'failed', 'unknown'])('that is %s is final', (state) => {
    db.settlePart(state)
    const before = db.parts()
    for (const next of ['begun', 'made', 'failed', 'unknown', 'withdrawn']) {
      expect(
        () => db.settlePart(next, next === 'made' ? packet : ', packet = NULL, packet_sha256 = NULL'),
        next,
      ).toThrow('signature-final')
      expect(() => db.beginPartAgain(), next).toThrow('signature-final')
    }
    for (const change of ['at = at', `at = '2027-01-01T00:00:00.000Z'`, 'packet = packet', `failure = '{}'`])
      expect(() => db.exec(`UPDATE further_signature SET ${change}`), change).toThrow('signature-final')
    expect(db.parts()).toEqual(before)
  })
  test('keeps its packet', () => {
    db.settlePart('made')
    for (const how of ['UPDATE', 'UPDATE OR REPLACE', 'UPDATE OR IGNORE', 'UPDATE OR FAIL'])
      for (const change of [
        `packet = x'c1'`,
        `packet_sha256 = '${'1f'.repeat(32)}'`,
        `packet = x'c1', state = 'begun', outcome_seq = NULL`,
        `packet = NULL, packet_sha256 = NULL, state = 'withdrawn'`,
      ])
        expect(() => db.exec(`${how} further_signature SET ${change}`), `${how} ${change}`).toThrow('signature-final')
    expect(db.parts()).toMatchObject([{ state: 'made', packet: Buffer.from([0xc0]), packet_sha256: packetSha }])
  })
  test('that is begun changes in no way but to its outcome', () => {
    for (const change of ['at = at', `packet = x'c0'`, `failure = '{}'`, 'intent_seq = 1'])
      expect(() => db.exec(`UPDATE further_signature SET ${change}`), change).toThrow('signature-final')
  })
  test('that is withdrawn can only be begun anew, with an intent of its own', () => {
    const first = 3
    db.settlePart('withdrawn')
    for (const next of ['made', 'failed', 'unknown', 'withdrawn'])
      expect(() => db.settlePart(next), next).toThrow('signature-final')
    for (const old of [1, first - 1, first])
      expect(() => db.beginPartAgain(1, old), `${old}`).toThrow('signature-final')
    expect(() => db.beginPartAgain(1, 999)).toThrow('FOREIGN KEY')
    db.beginPartAgain()
    db.settlePart('made')
    expect(db.parts()).toMatchObject([{ state: 'made' }])
  })
  test('has an outcome of its own intent, which is in the log and younger', () => {
    expect(() => db.exec(`UPDATE further_signature SET state = 'failed'`)).toThrow('CHECK')
    expect(() => db.exec(`UPDATE further_signature SET state = 'failed', outcome_seq = 999`)).toThrow('FOREIGN KEY')
    for (const seq of ['intent_seq', '1'])
      expect(() => db.exec(`UPDATE further_signature SET state = 'failed', outcome_seq = ${seq}`)).toThrow('CHECK')
    expect(() => db.settlePart('failed', ', intent_seq = 1')).toThrow('signature-final: another intent')
  })
  test('that is made has its packet and the digest of it, and no other has either', () => {
    const sha = `, packet_sha256 = '${packetSha}'`
    for (const more of ['', `, packet = x'c0'`, sha, `, packet = x'' ${sha}`, `, packet = zeroblob(65537) ${sha}`])
      expect(() => db.settlePart('made', more || ', failure = NULL'), more).toThrow('CHECK')
    expect(() => db.settlePart('made', `, packet = x'c0', packet_sha256 = 'short'`)).toThrow('CHECK')
    expect(() => db.settlePart('made', `, packet = 'text' ${sha}`)).toThrow('cannot store TEXT')
    for (const state of ['failed', 'unknown', 'withdrawn'])
      for (const more of [packet, `, packet = x'c0'`, sha])
        expect(() => db.settlePart(state, more), `${state}${more}`).toThrow('CHECK')
    expect(() => db.settlePart('failed', `, failure = 'no json'`)).toThrow('CHECK')
    expect(() => db.settlePart('signed', packet)).toThrow('CHECK')
    expect(() => db.settlePart('made')).not.toThrow()
  })
  test.each([
    ['ordinal', '7'],
    ['position', '2'],
    ['sheet_digest', `'${otherSheet}'`],
    ['fingerprint', `'${keys[0]}'`],
    ['purpose', `'openpgp'`],
    ['input_sha256', `'${otherInput}'`],
    ['request_id', `'00000000-0000-4000-8000-000000000000'`],
  ])('never changes the %s that was approved', (column, value) => {
    for (const state of ['made', 'failed', 'unknown', 'withdrawn'])
      expect(() => db.settlePart(state, `, ${column} = ${value} ${state === 'made' ? packet : ''}`)).toThrow(
        'signature-final',
      )
    db.settlePart('withdrawn')
    expect(() =>
      db.exec(
        `UPDATE further_signature SET state = 'begun', intent_seq = ${db.entry()}, outcome_seq = NULL, ${column} = ${value}`,
      ),
    ).toThrow('signature-final')
  })
  test.each(['begun', 'made', 'failed', 'unknown', 'withdrawn'])('that is %s is not deleted', (state) => {
    if (state !== 'begun') db.settlePart(state)
    expect(() => db.exec('DELETE FROM further_signature')).toThrow('never deleted')
  })
})

describe('the first key', () => {
  test('is not asked while a further key was not', () => {
    db.decide()
    for (const how of hows) expect(() => db.begin({ how }), how).toThrow('signature-order: a further key was not asked')
    db.makeRequest(three, 46)
    db.makeSheet(otherSheet, [keys[1], keys[2]], three)
    db.decide('approved', otherSheet, three)
    db.beginPart({ of: three, digest: otherSheet })
    db.settlePart('made')
    expect(() => db.begin({ of: three, digest: otherSheet })).toThrow('signature-order: a further key was not asked')
    db.beginPart({ of: three, digest: otherSheet, key: 2 })
    db.settlePart('made', packet, 2)
    expect(() => db.begin({ of: three, digest: otherSheet })).not.toThrow()
  })
  test('is not asked because a further key signed another file', () => {
    db.decide()
    db.beginPart({ ordinal: 1 })
    db.settlePart('made')
    expect(() => db.begin()).toThrow('signature-order: a further key was not asked')
    expect(() => db.begin({ ordinal: 1 })).not.toThrow()
  })
  test.each(['begun', 'failed', 'unknown', 'withdrawn'])('is not asked while a part is %s', (state) => {
    db.decide()
    db.beginPart()
    if (state !== 'begun') db.settlePart(state)
    for (const how of hows)
      expect(() => db.begin({ how }), how).toThrow('signature-order: a further key has not signed')
    expect(db.rows()[1]).toEqual([])
  })
  test('is not asked about other bytes than the parts are of', () => {
    db.decide()
    db.beginPart({ input: otherInput })
    db.settlePart('made')
    expect(() => db.begin()).toThrow('signature-order: a further key has not signed')
  })
  test('is not one that has made a part of the file', () => {
    db.decide()
    db.beginPart()
    db.settlePart('made')
    for (const how of hows)
      expect(() => db.begin({ how, fingerprint: keys[1] }), how).toThrow(
        'signature-once: this key has signed this file',
      )
    db.begin()
    expect(() => db.exec(`UPDATE signature SET fingerprint = '${keys[1]}'`)).toThrow('signature-final')
  })
  test('asked, signed, failed or in doubt, leaves no further key to be asked', () => {
    db.decide()
    for (const state of ['begun', 'signed', 'failed', 'unknown']) {
      db.exec('SAVEPOINT asked')
      db.withoutFurther(() => db.begin())
      if (state !== 'begun') db.settle(state)
      const before = db.rows()
      for (const how of hows.filter((each) => each !== 'INSERT OR ROLLBACK')) {
        expect(() => db.beginPart({ how }), `${state} ${how}`).toThrow('signature-order: the first key')
        expect(() => db.beginPart({ how, fingerprint: keys[0] })).toThrow()
      }
      expect(db.rows()).toEqual(before)
      db.exec('ROLLBACK TO asked; RELEASE asked')
    }
  })
  test('that was withdrawn lets a further key be asked, and is not asked again before that has signed', () => {
    db.decide()
    db.withoutFurther(() => {
      db.begin()
      db.settle('withdrawn')
    })
    db.beginPart()
    for (const state of ['begun', 'withdrawn', 'begun again', 'unknown']) {
      if (state === 'begun again') db.beginPartAgain()
      else if (state !== 'begun') db.settlePart(state)
      expect(() => db.beginAgain(), state).toThrow('signature-order: a further key has not signed')
    }
  })
  test('completes what it was asked for once all have signed, and after a withdrawal again', () => {
    db.decide()
    db.beginPart()
    db.settlePart('made')
    db.begin()
    db.settle('withdrawn')
    db.beginAgain()
    db.settle('signed')
    expect(db.rows()).toMatchObject([[{ state: 'made' }], [{ state: 'signed' }]])
  })
  test('is not signed with while a part is in doubt, whatever came to be in the table', () => {
    db.decide()
    db.withoutFurther(() => db.begin())
    db.exec(`DROP TRIGGER further_signature_needs_approval`)
    db.beginPart()
    for (const state of ['begun', 'unknown']) {
      if (state !== 'begun') db.settlePart(state)
      expect(() => db.settle('signed'), state).toThrow('signature-order: a further key has not signed')
    }
    expect(() => db.settle('unknown')).not.toThrow()
  })
  test('alone on its sheet, or of another task, is asked as ever', () => {
    const id = '00000000-0000-4000-8000-000000000003'
    db.makeRequest(id, 45, 'sign')
    db.makeSheet(sheet, [], id)
    db.decide('approved', sheet, id)
    db.begin({ of: id })
    db.begin({ of: id, ordinal: 1 })
    db.settle('signed')
    expect(db.rows()[1]).toMatchObject([{ state: 'signed' }, { state: 'signed' }])
  })
})

test('no order of statements leads to an output without every part, of all that there are', () => {
  db.decide('approved', otherSheet)
  const stateOf = (table: string, where = '') =>
    db.all(`SELECT state FROM ${table} ${where}`).map(({ state }) => String(state))[0] ?? 'none'
  const states = () => [
    stateOf('signature'),
    ...[1, 2].map((position) => stateOf('further_signature', `WHERE position = ${position}`)),
  ]
  const ends = ['failed', 'unknown', 'withdrawn']
  const acts: readonly (() => void)[] = [
    () => db.begin({ digest: otherSheet }),
    db.beginAgain,
    ...['signed', ...ends].map((state) => () => db.settle(state)),
    ...[1, 2].flatMap((key) => [
      () => db.beginPart({ digest: otherSheet, key }),
      () => db.beginPartAgain(key),
      ...['made', ...ends].map((state) => () => db.settlePart(state, undefined, key)),
    ]),
  ]
  const reached = new Map<string, readonly string[]>()
  const walk = () => {
    const here = states()
    if (reached.has(here.join())) return
    reached.set(here.join(), here)
    for (const act of acts) {
      db.exec('SAVEPOINT here')
      try {
        act()
        walk()
      } catch (error) {
        // What the schema refuses leads nowhere.
        if (!/^(signature-|CHECK|UNIQUE)/.test(String(error instanceof Error ? error.message : error))) throw error
      }
      db.exec('ROLLBACK TO here; RELEASE here')
    }
  }
  walk()
  for (const [whole, ...each] of reached.values()) if (whole !== 'none') expect(each).toEqual(['made', 'made'])
  // Every state of two parts without an output, and every state of an output with both.
  expect(reached.size).toBe(6 * 6 + 5)
})
