import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { assertMonotonic, fileVersion, migrate, migrations, newestVersion } from './migrate.ts'
import type { Migration } from './migration.ts'

const step = (version: number, statement: string): Migration => ({ version, update: (file) => file.exec(statement) })

describe('upgrading the schema', () => {
  it('has numbers that only grow', () => {
    expect(() => {
      assertMonotonic(migrations)
    }).not.toThrow()
    expect(() => {
      assertMonotonic([step(10, ''), step(10, '')])
    }).toThrow('does not come after')
  })

  it('runs what is missing, in order, and once', () => {
    const file = new BetterSqlite3(':memory:')
    const list = [
      step(10, 'create table a (x)'),
      step(20, 'alter table a add column y'),
      step(30, 'insert into a values (1, 2)'),
    ]
    migrate(file, list, 10)
    expect(fileVersion(file)).toBe(10)
    migrate(file, list)
    migrate(file, list)
    expect({ version: fileVersion(file), rows: file.prepare('select * from a').all() }).toEqual({
      version: 30,
      rows: [{ x: 1, y: 2 }],
    })
  })

  it('leaves the file as it was when a later step fails', () => {
    const file = new BetterSqlite3(':memory:')
    const list = [step(10, 'create table a (x)'), step(20, 'create table b (x); insert into nowhere values (1)')]
    expect(() => {
      migrate(file, list)
    }).toThrow('nowhere')
    expect({ version: fileVersion(file), tables: file.prepare('select name from sqlite_schema').all() }).toEqual({
      version: 0,
      tables: [],
    })
  })

  it('makes only strict tables', () => {
    const file = new BetterSqlite3(':memory:')
    migrate(file)
    expect(fileVersion(file)).toBe(newestVersion())
    const tables = file.pragma('table_list') as readonly {
      readonly schema: string
      readonly name: string
      readonly type: string
      readonly strict: number
    }[]
    const loose = tables.filter(
      ({ schema, name, type, strict }) =>
        schema === 'main' && type === 'table' && !name.startsWith('sqlite_') && strict !== 1,
    )
    expect(loose).toEqual([])
  })
})

describe('migration 10', () => {
  it('takes only JSON as the value of a setting', () => {
    const file = new BetterSqlite3(':memory:')
    migrate(file, migrations, 10)
    const insert = file.prepare('insert into setting values (?, ?, ?)')
    insert.run('a', '{"b":1}', '2026-01-02T03:04:05.678Z')
    expect(() => insert.run('b', '{', '2026-01-02T03:04:05.678Z')).toThrow('CHECK')
    expect(() => insert.run('', '1', '2026-01-02T03:04:05.678Z')).toThrow('CHECK')
    expect(() => insert.run('c', '1', 'yesterday')).toThrow('CHECK')
  })
})
