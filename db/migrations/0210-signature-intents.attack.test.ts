import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// What a defect, or somebody with the database open, could file under a signature that is under way (invariant I1).

const at = '2026-06-01T12:00:00.000Z'
const request = '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10'
const sheet = 'd4'.repeat(32)
let file: BetterSqlite3.Database
const update = (values: string) => () => file.exec(`UPDATE signature SET ${values}`)

beforeEach(() => {
  ;({ file } = memoryDatabase())
  for (const seq of [1, 2, 3, 4])
    file.exec(`INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, event)
      SELECT ${seq}, x'7b7d', randomblob(32), coalesce((SELECT leaf_hash FROM audit_entry ORDER BY seq DESC LIMIT 1), zeroblob(32)), '${at}', 'test'`)
  file.exec(`INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by, requested_at, retry_count,
      title, stage, outcome, state, file_count, signed_count, received_at, updated_at)
    VALUES ('${request}', 'https://s/api', 1, 'w', '${at}', 'sign', '{}', 1, '${at}', 0, 't', 'review', NULL, '{"kind":"review"}', 1, 0, '${at}', '${at}');
    INSERT INTO review_sheet VALUES ('${request}', '${sheet}', x'7b7d', '${at}', '${at}');
    INSERT INTO decision VALUES ('${request}', 'approved', '${sheet}', 'rm', NULL, '${at}');
    INSERT INTO signature VALUES ('${request}', 0, '${sheet}', 'uefi', 'C3', '${'a1'.repeat(32)}', 'begun', 2, NULL, NULL, NULL, NULL, '${at}')`)
})

describe('an outcome', () => {
  test('is of the intent that was written', () => {
    expect(update(`state = 'failed', intent_seq = 1, outcome_seq = 3`)).toThrow('another intent')
    expect(update(`state = 'failed', outcome_seq = 3`)).not.toThrow()
  })
  test.each([1, 2])('is younger than its intent: not entry %i', (seq) => {
    expect(update(`state = 'failed', outcome_seq = ${seq}`)).toThrow('younger than its intent')
  })
  test('without an output has no digest of one', () => {
    for (const state of ['failed', 'unknown', 'withdrawn'])
      expect(update(`state = '${state}', outcome_seq = 3, output_sha256 = '${'0f'.repeat(32)}'`), state).toThrow(
        'not released',
      )
  })
})

test('what is begun again has an intent of its own, younger than the word that withdrew it', () => {
  update(`state = 'withdrawn', outcome_seq = 3`)()
  for (const seq of [1, 2, 3])
    expect(update(`state = 'begun', outcome_seq = NULL, intent_seq = ${seq}`), String(seq)).toThrow('another intent')
  expect(update(`state = 'begun', outcome_seq = NULL, intent_seq = 4`)).not.toThrow()
})
