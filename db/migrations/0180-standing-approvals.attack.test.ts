import type BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-db.ts'

// Whatever the program believes: an approval that was given ahead is used as often as was granted, for its key, and never after its end.

const at = '2026-06-01T12:00:00.000Z'
const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
const [approval, key] = [id(99), 'A'.repeat(40)]
let file: BetterSqlite3.Database

function ask(number: number, { purpose = 'openpgp-repository', fingerprint = key } = {}): void {
  file
    .prepare(
      `INSERT INTO request (id, server, work_request_id, workspace, fetched_at, task_name, raw, created_by, requested_at, retry_count, title, stage, state, file_count, signed_count, received_at, updated_at, purpose, fingerprint)
       VALUES (?, 's', ?, 'w', '${at}', 'signrepositoryindex', '', 0, '${at}', 0, 't', 'preparing', '{"kind":"preparing"}', 1, 0, '${at}', '${at}', ?, ?)`,
    )
    .run(id(number), number, purpose, fingerprint)
}
const grant = (change: { readonly name?: string; readonly used?: number; readonly ended?: number | null } = {}) => {
  const { name = approval, used = 0, ended = null } = change
  file
    .prepare('INSERT INTO standing_approval VALUES (?, ?, ?, ?, 2, ?, 1, ?, ?, ?, ?, ?)')
    .run(name, 'openpgp-repository', key, 'forky', used, at, at, 'Operator', ended, ended === null ? null : 'operator')
}
const use = (request: number, number: number) => {
  file.prepare('INSERT INTO standing_use VALUES (?, ?, ?)').run(id(request), approval, number)
  file.prepare('UPDATE standing_approval SET used = ? WHERE id = ?').run(number, approval)
}

beforeEach(() => {
  ;({ file } = memoryDatabase())
  file.exec(
    `INSERT INTO audit_entry (seq, at, event, entry, leaf_hash, prev_hash) VALUES (1, '${at}', 'station-started', x'7b7d', zeroblob(32), zeroblob(32))`,
  )
  grant()
  for (const number of [1, 2, 3]) ask(number)
})

describe('an approval that was given ahead, as the database keeps it', () => {
  test('is used as often as was granted: of two for the last use one is refused', () => {
    use(1, 1)
    use(2, 2)
    expect(() => use(3, 2)).toThrow(/does not cover it/)
    expect(() => use(3, 3)).toThrow(/does not cover it/)
  })

  test('counts each use once, and only a use', () => {
    expect(() => file.exec('UPDATE standing_approval SET used = 1')).toThrow(/counted once/)
    use(1, 1)
    expect(() => use(1, 2)).toThrow(/there is one already|UNIQUE/)
    expect(() => file.exec('UPDATE standing_approval SET used = 0')).toThrow(/counted once/)
    expect(() => file.exec('UPDATE standing_use SET use = 2')).toThrow(/never changes/)
    expect(() => file.exec('DELETE FROM standing_use')).toThrow(/never forgotten/)
  })

  test('is for its key and purpose', () => {
    ask(4, { fingerprint: 'B'.repeat(40) })
    ask(5, { purpose: 'openpgp' })
    for (const other of [4, 5]) expect(() => use(other, 1)).toThrow(/does not cover it/)
  })

  test('never comes back from its end', () => {
    file.exec("UPDATE standing_approval SET ended_seq = 1, why = 'operator'")
    expect(() => use(1, 1)).toThrow(/does not cover it/)
    expect(() => file.exec('UPDATE standing_approval SET ended_seq = NULL, why = NULL')).toThrow(/stays ended/)
    expect(() => file.exec('DELETE FROM standing_approval')).toThrow(/never forgotten/)
  })

  test('never changes what was granted, and begins unused', () => {
    for (const change of ['uses = 1000', "fingerprint = 'B'", "scope = 'sid'", "ends_at = '2027-06-01T12:00:00.000Z'"])
      expect(() => file.exec(`UPDATE standing_approval SET ${change}`)).toThrow(/never changes/)
    expect(() => grant({ name: id(98), used: 1 })).toThrow(/unused and open/)
    expect(() => grant({ name: id(98), ended: 1 })).toThrow(/unused and open/)
    expect(() => grant()).toThrow(/there is one|UNIQUE/)
  })
})
