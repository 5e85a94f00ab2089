import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Statements that somebody with the database open, or a defect in the program, could send. The schema refuses what the program
// must never do, whatever the program believes (invariants I1 and I3).

const at = '2026-06-01T12:00:00.000Z'
const request = '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10'
const sheet = 'd4'.repeat(32)
const otherSheet = 'e5'.repeat(32)
const input = 'a1'.repeat(32)
let file: BetterSqlite3.Database

const entry = (seq: number) =>
  file.exec(`INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
    SELECT ${seq}, x'7b7d', randomblob(32), coalesce((SELECT leaf_hash FROM audit_entry ORDER BY seq DESC LIMIT 1), zeroblob(32)), '${at}', 'test'`)
const makeRequest = (id: string, work: number, more = '') =>
  file.exec(`INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by,
      requested_at, retry_count, title, stage, outcome, state, file_count, signed_count, received_at, updated_at)
    VALUES ('${id}', 'https://s/api', ${work}, 'w', '${at}', 'sign', '{}', 1, '${at}', 0, 't', 'review', NULL,
      '{"kind":"review"}', 2, 0, '${at}', '${at}') ${more}`)
const makeSheet = (digest: string) =>
  file.exec(`INSERT INTO review_sheet VALUES ('${request}', '${digest}', x'7b7d', '${at}', '${at}')`)
const decide = (kind: string, digest: string | null, reason: string | null = null) =>
  file.exec(`INSERT INTO decision VALUES ('${request}', '${kind}', ${text(digest)}, 'rm', ${text(reason)}, '${at}')`)
const sign = (
  change: { ordinal?: number; digest?: string; state?: string; output?: boolean; outcome?: number } = {},
) => {
  const { ordinal = 0, digest = sheet, state = 'begun', output = false, outcome = null } = change
  file.exec(`INSERT INTO signature VALUES ('${request}', ${ordinal}, '${digest}', 'uefi', '${'C3'.repeat(32)}', '${input}',
    '${state}', 1, ${outcome}, ${output ? "x'00'" : 'NULL'}, ${output ? `'${input}'` : 'NULL'}, NULL, '${at}')`)
}
const settle = (state: string, more = '') =>
  file.exec(`UPDATE signature SET state = '${state}', outcome_seq = 2 ${more} WHERE ordinal = 0`)
const signed = `, output = x'00', output_sha256 = '${'0f'.repeat(32)}'`
const text = (value: string | null) => (value === null ? 'NULL' : `'${value}'`)

beforeEach(() => {
  ;({ file } = memoryDatabase())
  for (const seq of [1, 2, 3]) entry(seq)
  makeRequest(request, 42)
  makeSheet(sheet)
  makeSheet(otherSheet)
})

describe('a request', () => {
  test('that the server hands out again is the same request', () => {
    expect(() => makeRequest('00000000-0000-4000-8000-000000000000', 42)).toThrow('UNIQUE')
    expect(() => makeRequest('00000000-0000-4000-8000-000000000000', 43)).not.toThrow()
  })
  test.each([
    ['is done without an outcome', `stage = 'done', state = '{"kind":"done"}'`],
    ['has an outcome and is not done', `outcome = 'signed'`],
    ['has a stage that its state does not have', `stage = 'signing'`],
    ['is at no stage that there is', `stage = 'approved', state = '{"kind":"approved"}'`],
    ['has more signed files than files', `signed_count = 3`],
    ['has fewer than no signed files', `signed_count = -1`],
    ['has a state that is no JSON', `state = 'review'`],
  ])('never %s', (_, change) => {
    expect(() => file.exec(`UPDATE request SET ${change}`)).toThrow('CHECK')
  })
})

describe('a sheet', () => {
  test.each(['sheet', 'digest', 'request_id', 'made_at'])('never gets another %s', (column) => {
    expect(() => file.exec(`UPDATE review_sheet SET ${column} = ${column}`)).toThrow('review-sheet-fixed')
  })
  test('is not deleted, whether it was decided on or not', () => {
    expect(() => file.exec('DELETE FROM review_sheet')).toThrow('review-sheet-fixed')
    decide('approved', sheet)
    expect(() => file.exec(`DELETE FROM review_sheet WHERE digest = '${sheet}'`)).toThrow('review-sheet-fixed')
  })
  test('is not replaced by another under its digest', () => {
    const rows = () => file.prepare('SELECT * FROM review_sheet ORDER BY digest').all()
    const before = rows()
    file.exec(`REPLACE INTO review_sheet VALUES ('${request}', '${sheet}', x'00', '${at}', NULL)`)
    file.exec(`INSERT INTO review_sheet VALUES ('${request}', '${sheet}', x'00', '${at}', NULL)`)
    expect(rows()).toEqual(before)
  })
  test('was shown for the first time only once', () => {
    expect(() => file.exec('UPDATE review_sheet SET shown_at = NULL')).toThrow('review-sheet-fixed')
    file.exec(`INSERT INTO review_sheet VALUES ('${request}', '${'f6'.repeat(32)}', x'7b7d', '${at}', NULL)`)
    expect(() => file.exec(`UPDATE review_sheet SET shown_at = '${at}' WHERE shown_at IS NULL`)).not.toThrow()
  })
})

describe('a fetched file', () => {
  beforeEach(() => file.exec(`INSERT INTO request_file VALUES ('${request}', 0, 0, 7, 'a.efi', 5, '${input}')`))
  test('never gets another name, size or digest (invariant I2)', () => {
    for (const column of ['path', 'size', 'sha256', 'artifact_id', 'ordinal'])
      expect(() => file.exec(`UPDATE request_file SET ${column} = ${column}`)).toThrow('request-file-fixed')
    expect(() => file.exec('DELETE FROM request_file')).toThrow('request-file-fixed')
    for (const how of ['INSERT', 'REPLACE', 'INSERT OR IGNORE'])
      expect(() =>
        file.exec(`${how} INTO request_file VALUES ('${request}', 0, 0, 7, 'b.efi', 6, '${input}')`),
      ).toThrow('request-file-fixed')
  })
})

describe('a decision', () => {
  test('is made once, whatever the second one says and however it is written', () => {
    decide('approved', sheet)
    for (const again of [
      () => decide('approved', sheet),
      () => decide('approved', otherSheet),
      () => decide('declined', null, 'no'),
    ])
      expect(again).toThrow('decision-final: there is one already')
    const row = `('${request}', 'approved', '${otherSheet}', 'rm', NULL, '${at}')`
    expect(() => file.exec(`REPLACE INTO decision VALUES ${row}`)).toThrow('decision-final')
    expect(() => file.exec(`INSERT OR IGNORE INTO decision VALUES ${row}`)).toThrow('decision-final')
    expect(() =>
      file.exec(`INSERT INTO decision VALUES ${row} ON CONFLICT DO UPDATE SET sheet_digest = excluded.sheet_digest`),
    ).toThrow('decision-final')
  })
  test('is never changed, not even to itself, and never deleted', () => {
    decide('declined', sheet, 'no')
    for (const column of ['kind', 'sheet_digest', 'operator', 'reason', 'at', 'request_id'])
      expect(() => file.exec(`UPDATE decision SET ${column} = ${column}`)).toThrow('never changed')
    expect(() => file.exec('DELETE FROM decision')).toThrow('never deleted')
    expect(() => file.exec(`DELETE FROM request WHERE id = '${request}'`)).toThrow('FOREIGN KEY')
  })
  test('approves only a sheet that is there, and declines only with a reason', () => {
    expect(() => decide('approved', null)).toThrow('CHECK')
    expect(() => decide('approved', 'ff'.repeat(32))).toThrow('FOREIGN KEY')
    expect(() => decide('declined', null)).toThrow('CHECK')
    expect(() => decide('maybe', sheet)).toThrow('CHECK')
  })
})

describe('an intent', () => {
  test('without a decision is refused', () => {
    expect(() => sign()).toThrow('signature-needs-approval')
  })
  test('under a declined request is refused', () => {
    decide('declined', sheet, 'no')
    expect(() => sign()).toThrow('signature-needs-approval')
  })
  test('for another sheet than the approved one is refused', () => {
    decide('approved', sheet)
    expect(() => sign({ digest: otherSheet })).toThrow('signature-needs-approval')
  })
  test('without its entry in the log is refused', () => {
    decide('approved', sheet)
    expect(() =>
      file.exec(
        `INSERT INTO signature VALUES ('${request}', 0, '${sheet}', 'uefi', 'C3', '${input}', 'begun', 99, NULL, NULL, NULL, NULL, '${at}')`,
      ),
    ).toThrow('FOREIGN KEY')
  })
  test('is written once for each file, and replaced by nothing', () => {
    decide('approved', sheet)
    sign()
    sign({ ordinal: 1 })
    expect(() => sign()).toThrow('signature-once')
    expect(() => file.exec(`REPLACE INTO signature SELECT * FROM signature WHERE ordinal = 0`)).toThrow(
      'signature-once',
    )
  })
  test('is never deleted', () => {
    decide('approved', sheet)
    sign()
    expect(() => file.exec('DELETE FROM signature')).toThrow('never deleted')
  })
})

describe('an outcome', () => {
  beforeEach(() => {
    decide('approved', sheet)
    sign()
  })
  test.each([
    ['signed', signed],
    ['failed', ''],
    ['unknown', ''],
  ])('that is %s is final', (state, more) => {
    settle(state, more)
    for (const next of ['begun', 'signed', 'failed', 'unknown', 'withdrawn']) {
      const output = next === 'signed' ? signed : ', output = NULL, output_sha256 = NULL'
      const seq = next === 'begun' ? 'NULL' : '3'
      expect(() => file.exec(`UPDATE signature SET state = '${next}', outcome_seq = ${seq} ${output}`), next).toThrow(
        'signature-final',
      )
    }
    expect(() => file.exec(`UPDATE signature SET at = '2027-01-01T00:00:00.000Z'`)).toThrow('signature-final')
  })
  test('that is withdrawn can only be begun anew', () => {
    settle('withdrawn')
    for (const next of ['failed', 'unknown', 'withdrawn'])
      expect(() => file.exec(`UPDATE signature SET state = '${next}', outcome_seq = 3`)).toThrow('signature-final')
    expect(() => settle('signed', signed)).toThrow('signature-final')
    expect(() => file.exec(`UPDATE signature SET state = 'begun', intent_seq = 3, outcome_seq = NULL`)).not.toThrow()
  })
  test('needs its own entry in the log', () => {
    expect(() => file.exec(`UPDATE signature SET state = 'failed'`)).toThrow('CHECK')
    expect(() => file.exec(`UPDATE signature SET state = 'failed', outcome_seq = 99`)).toThrow('FOREIGN KEY')
  })
  test('that is signed has its output, and no other has one', () => {
    expect(() => settle('signed')).toThrow('CHECK')
    expect(() => settle('signed', `, output = x'00'`)).toThrow('CHECK')
    for (const state of ['failed', 'unknown', 'withdrawn']) expect(() => settle(state, signed)).toThrow('CHECK')
  })
  test.each([
    ['ordinal', '7'],
    ['sheet_digest', `'${otherSheet}'`],
    ['fingerprint', `'${'D4'.repeat(32)}'`],
    ['purpose', `'openpgp'`],
    ['input_sha256', `'${'ff'.repeat(32)}'`],
    ['request_id', `'00000000-0000-4000-8000-000000000000'`],
  ])('never changes the %s that was approved', (column, value) => {
    expect(() => settle('failed', `, ${column} = ${value}`)).toThrow('signature-final')
  })
  test('a signature cannot be written at once as signed without having been begun', () => {
    expect(() => sign({ ordinal: 1, state: 'signed', output: true, outcome: 2 })).toThrow('signature-forward')
    for (const state of ['failed', 'unknown', 'withdrawn'])
      expect(() => sign({ ordinal: 1, state, outcome: 2 })).toThrow('signature-forward')
  })
})
