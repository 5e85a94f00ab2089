import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Whatever the program believes: who opened what never changes, and nothing goes out that has no signature, or twice.

const at = '2026-06-01T12:00:00.000Z'
const request = '00000000-0000-4000-8000-000000000001'
let file: BetterSqlite3.Database

beforeEach(() => {
  ;({ file } = memoryDatabase())
  file.exec(`
    INSERT INTO audit_entry (seq, at, event, entry, leaf_hash, prev_hash) VALUES (1, '${at}', 'station-started', x'7b7d', zeroblob(32), zeroblob(32));
    INSERT INTO audit_entry (seq, at, event, entry, leaf_hash, prev_hash) VALUES (2, '${at}', 'signed', x'7b7d', randomblob(32), zeroblob(32));
    INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by, requested_at, retry_count, title, stage, state, file_count, signed_count, received_at, updated_at, purpose, fingerprint)
      VALUES ('${request}', 'by-hand', 1, 'by-hand', '${at}', 'sign', '', 0, '${at}', 0, 't', 'preparing', '{"kind":"preparing"}', 1, 0, '${at}', '${at}', 'uefi', '${'A'.repeat(64)}');
    INSERT INTO request_file VALUES ('${request}', 0, 0, 1, 'a.efi', 1, '${'a'.repeat(64)}');
    INSERT INTO hand_request VALUES ('${request}', 1, 'uefi-detached', 'Operator', '${at}');
    INSERT INTO hand_file VALUES ('${request}', 0, '/a.efi', '/a.efi', '/a.efi.sig');
  `)
})

const sign = () =>
  file.exec(`
    INSERT INTO review_sheet VALUES ('${request}', '${'b'.repeat(64)}', x'00', '${at}', '${at}');
    INSERT INTO decision VALUES ('${request}', 'approved', '${'b'.repeat(64)}', 'Operator', NULL, '${at}');
    INSERT INTO signature (request_id, ordinal, sheet_digest, purpose, fingerprint, input_sha256, state, intent_seq, at)
      VALUES ('${request}', 0, '${'b'.repeat(64)}', 'uefi', '${'A'.repeat(64)}', '${'a'.repeat(64)}', 'begun', 1, '${at}');
    UPDATE signature SET state = 'signed', outcome_seq = 2, output = x'30', output_sha256 = '${'c'.repeat(64)}';
  `)
const intend = (path = '/a.efi.sig') =>
  file
    .prepare('INSERT INTO hand_output (request_id, ordinal, path, state, may_replace, at) VALUES (?, 0, ?, ?, 0, ?)')
    .run(request, path, 'intended', at)

describe('a request by hand, as the database keeps it', () => {
  test('never says that somebody else opened it, or another file', () => {
    for (const change of ["opened_by = 'x'", 'number = 2', "sign_as = 'openpgp-clear'"])
      expect(() => file.exec(`UPDATE hand_request SET ${change}`)).toThrow(/hand-request-fixed/)
    for (const change of ["named = '/x'", "opened = '/x'", "output = '/x'"])
      expect(() => file.exec(`UPDATE hand_file SET ${change}`)).toThrow(/hand-file-fixed/)
    expect(() => file.exec('DELETE FROM hand_file')).toThrow(/hand-file-fixed/)
    expect(() => file.exec('DELETE FROM hand_request')).toThrow(/hand-request-fixed/)
    expect(() => file.exec(`INSERT OR REPLACE INTO hand_file VALUES ('${request}', 0, '/x', '/x', '/x.sig')`)).toThrow(
      /hand-file-fixed/,
    )
    expect(() =>
      file.exec(`INSERT OR REPLACE INTO hand_request VALUES ('${request}', 1, 'uefi-detached', 'x', '${at}')`),
    ).toThrow(/hand-request-fixed/)
  })

  test('sends nothing out before its signature is on disk, and nothing twice', () => {
    expect(() => intend()).toThrow(/hand-output-signed/)
    sign()
    intend()
    expect(() => intend('/other')).toThrow(/hand-output-once/)
    expect(() => file.exec("UPDATE hand_output SET replaced_sha256 = 'x'")).toThrow(/CHECK/)
    file.exec("UPDATE hand_output SET state = 'written'")
    expect(() => file.exec("UPDATE hand_output SET state = 'intended'")).toThrow(/hand-output-final/)
    expect(() => file.exec("UPDATE hand_output SET path = '/x'")).toThrow(/hand-output-final/)
    expect(() => file.exec('DELETE FROM hand_output')).toThrow(/hand-output-final/)
  })
})

describe('an approval that is given ahead, as the database keeps it', () => {
  const standing = '00000000-0000-4000-8000-000000000002'
  const grant = (change: { readonly used?: number; readonly fingerprint?: string } = {}) =>
    file
      .prepare(
        "INSERT INTO standing_approval (id, purpose, fingerprint, scope, uses, used, granted_seq, granted_at, ends_at, operator) VALUES (?, 'uefi', ?, 's', 1, ?, 1, ?, ?, 'Operator')",
      )
      .run(standing, change.fingerprint ?? 'A'.repeat(64), change.used ?? 0, at, at)
  const use = (count = 1) =>
    file
      .prepare('INSERT INTO standing_use (request_id, standing_id, use) VALUES (?, ?, ?)')
      .run(request, standing, count)

  test('is used for its own key, in order, and no oftener than it was given', () => {
    expect(() => grant({ used: 1 })).toThrow(/begins unused/)
    grant()
    expect(() => file.exec('UPDATE standing_approval SET used = 1')).toThrow(/counted once/)
    expect(() => use(2)).toThrow(/does not cover/)
    use()
    file.exec('UPDATE standing_approval SET used = 1')
    for (const change of ['uses = 9', "scope = 'x'", "ends_at = '2027-01-01T00:00:00.000Z'", 'used = 0'])
      expect(() => file.exec(`UPDATE standing_approval SET ${change}`)).toThrow(/standing-approval/)
    expect(() => use(2)).toThrow(/standing-use/)
    expect(() => file.exec('DELETE FROM standing_use')).toThrow(/standing-use/)
    expect(() => file.exec('DELETE FROM standing_approval')).toThrow(/standing-approval/)
  })

  test('is for no other key, and for nothing when it has ended', () => {
    grant({ fingerprint: 'B'.repeat(64) })
    expect(() => use()).toThrow(/does not cover/)
    file.exec("UPDATE standing_approval SET ended_seq = 1, why = 'operator'")
    expect(() => file.exec('UPDATE standing_approval SET ended_seq = NULL, why = NULL')).toThrow(/stays ended/)
  })
})
