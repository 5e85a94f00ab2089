import BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../migrate.ts'

const id = '00000000-0000-4000-8000-000000000001'
const at = '2026-06-01T12:00:00.000Z'

describe('what was signed last, as the database keeps it', () => {
  let file: BetterSqlite3.Database
  beforeEach(() => {
    file = new BetterSqlite3(':memory:')
    migrate(file)
    file.pragma('foreign_keys = ON')
  })

  test('belongs to a request that there is', () => {
    const upload = file.prepare(
      `INSERT INTO signed_upload (request_id, source, version, distribution, files, signed_at) VALUES (?, 'hello', '1.0', 'unstable', '[]', ?)`,
    )
    expect(() => upload.run(id, at)).toThrow(/FOREIGN KEY/)
    const release = file.prepare(
      `INSERT INTO signed_release (suite, request_id, release_date, release, signed_at) VALUES ('s', ?, NULL, x'41', ?)`,
    )
    expect(() => release.run(id, at)).toThrow(/FOREIGN KEY/)
  })

  test('is bounded, and of the right kind', () => {
    file.pragma('foreign_keys = OFF')
    const upload = (source: string, files: string) =>
      file
        .prepare(
          `INSERT INTO signed_upload (request_id, source, version, distribution, files, signed_at) VALUES (?, ?, '1.0', '', ?, ?)`,
        )
        .run(id, source, files, at)
    expect(() => upload('', '[]')).toThrow(/CHECK/)
    expect(() => upload('x'.repeat(501), '[]')).toThrow(/CHECK/)
    expect(() => upload('hello', 'not JSON')).toThrow(/CHECK/)
    expect(upload('hello', '[]').changes).toBe(1)
    const release = (bytes: string) =>
      file
        .prepare(
          `INSERT INTO signed_release (suite, request_id, release_date, release, signed_at) VALUES ('s', ?, NULL, ${bytes}, ?)`,
        )
        .run(id, at)
    expect(() => release("x''")).toThrow(/CHECK/)
    expect(() => release('zeroblob(33554433)')).toThrow(/CHECK/)
    expect(release("x'41'").changes).toBe(1)
  })
})
