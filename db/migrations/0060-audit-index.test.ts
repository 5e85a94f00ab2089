import { describe, expect, test } from 'vitest'
import { migrate } from '../migrate.ts'
import { memoryDatabase } from '../testing/memory-db.ts'

const columns =
  'at, event, request_id, work_request_id, fingerprint, purpose, operator, input_sha256, output_sha256, signed_digest, sheet_digest'
const request = '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10'
const key = 'C3'.repeat(32)
const digest = (byte: string) => `'${byte.repeat(32)}'`
const rows = [
  `'2026-01-02T03:04:05.678Z', 'station-created', NULL, NULL, NULL, NULL, 'Zoë', NULL, NULL, NULL, NULL`,
  `'2026-01-02T03:04:07.678Z', 'signed', '${request}', 42, '${key}', 'uefi', 'Zoë', ${digest('a1')}, ${digest('e5')}, ${digest('a1')}, ${digest('d4')}`,
  `'2026-01-02T03:04:06.678Z', 'clock-moved-back', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
]

describe('a log that was indexed entry by entry', () => {
  test('is indexed behind the log when it is opened, and has nothing left of before', () => {
    const { file } = memoryDatabase(55)
    let prev = 'zeroblob(32)'
    for (const [index, values] of rows.entries()) {
      const leaf = `x'${String(index + 1)
        .padStart(2, '0')
        .repeat(32)}'`
      file.exec(`INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, ${columns})
        VALUES (${index + 1}, x'7b7d', ${leaf}, ${prev}, ${values})`)
      prev = leaf
    }
    const entries = file.prepare('SELECT * FROM audit_entry').all()
    migrate(file)
    expect(file.prepare('SELECT kind, value, seq FROM audit_index').raw().all()).toEqual([
      [1, 'clock-moved-back', 3],
      [1, 'signed', 2],
      [1, 'station-created', 1],
      [2, 'uefi', 2],
      [3, 'Zoë', 1],
      [3, 'Zoë', 2],
      [4, key, 2],
      [5, request, 2],
      [6, '42', 2],
      [7, 'a1'.repeat(8), 2],
      [7, 'd4'.repeat(8), 2],
      [7, 'e5'.repeat(8), 2],
      [8, '2026-01-02T03:04:06.678Z', 3],
    ])
    expect(file.prepare('SELECT id, seq FROM audit_index_reach').all()).toEqual([{ id: 1, seq: 3 }])
    expect(file.prepare('SELECT * FROM audit_entry').all()).toEqual(entries)
    const left = file
      .prepare(
        `SELECT name FROM sqlite_schema WHERE name LIKE 'audit_digest%' OR (type = 'index' AND tbl_name = 'audit_entry')`,
      )
      .all()
    expect(left).toEqual([])
  })

  test('that is empty reaches nowhere', () => {
    const { file } = memoryDatabase(55)
    migrate(file)
    expect(file.prepare('SELECT id, seq FROM audit_index_reach').all()).toEqual([{ id: 1, seq: 0 }])
  })
})
