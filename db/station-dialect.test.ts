import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createStationDatabase } from './create.ts'
import { databaseFailureOf } from './database-failure.ts'
import { memoryDatabase } from './testing/memory-db.ts'
import { tempFolder } from './testing/temp-folder.ts'
import { writeTransaction } from './write-transaction.ts'

const at = '2026-01-02T03:04:05.678Z'

describe('transactions', () => {
  it('take the write lock when they begin, not at their first write', async () => {
    const path = join(tempFolder(), 'station.db')
    const made = await createStationDatabase(path, async () => {})
    if (!made.ok) throw new Error(made.error.message)
    const other = new BetterSqlite3(path, { timeout: 0 })
    await made.value.db.transaction().execute(async (trx) => {
      await trx.selectFrom('setting').select('name').execute()
      expect(() => other.exec('begin immediate')).toThrow('locked')
    })
    other.exec('begin immediate; rollback')
    other.close()
    await made.value.close()
  })

  it('roll back schema changes with everything else', async () => {
    const { db, close } = memoryDatabase()
    const failing = db.transaction().execute(async (trx) => {
      await trx.schema.createTable('t').addColumn('a', 'text').execute()
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
    await expect(sql`select * from t`.execute(db)).rejects.toThrow('no such table')
    await close()
  })

  it('keep a prepared statement right when the schema changes under it', async () => {
    const { db, file, close } = memoryDatabase()
    file.exec('create table t (a); insert into t values (1)')
    const read = async () => (await sql`select * from t`.execute(db)).rows
    expect(await read()).toEqual([{ a: 1 }])
    file.exec('alter table t add column b default 2')
    expect(await read()).toEqual([{ a: 1, b: 2 }])
    await close()
  })
})

describe('a write transaction', () => {
  it('gives what the work gave, committed', async () => {
    const { db, close } = memoryDatabase()
    const written = await writeTransaction(db, async (trx) => {
      await trx.insertInto('setting').values({ name: 'a', value: '1', updated_at: at }).execute()
      return 7
    })
    expect(written).toEqual({ ok: true, value: 7 })
    expect(await db.selectFrom('setting').select('name').execute()).toEqual([{ name: 'a' }])
    await close()
  })

  it('says that the log cannot be written when another program holds the lock, keeps nothing, and works afterwards', async () => {
    const path = join(tempFolder(), 'station.db')
    const made = await createStationDatabase(path, async () => {})
    if (!made.ok) throw new Error(made.error.message)
    const { db, close } = made.value
    const other = new BetterSqlite3(path)
    other.exec('begin immediate')
    const write = () =>
      writeTransaction(db, async (trx) => {
        await trx.insertInto('setting').values({ name: 'a', value: '1', updated_at: at }).execute()
      })
    expect(await write()).toMatchObject({
      ok: false,
      error: {
        code: 'log-unwritable',
        kind: 'unavailable',
        message:
          'The audit log cannot be written: another program is writing to the database. Nothing is signed until it can; what was recorded before is kept.',
      },
    })
    other.exec('rollback')
    other.close()
    expect(await write()).toEqual({ ok: true, value: undefined })
    await close()
  })

  it('throws a defect on, rolled back', async () => {
    const { db, close } = memoryDatabase()
    const failing = writeTransaction(db, async (trx) => {
      await trx.insertInto('setting').values({ name: 'a', value: '1', updated_at: at }).execute()
      throw new Error('a defect')
    })
    await expect(failing).rejects.toThrow('a defect')
    expect(await db.selectFrom('setting').select('name').execute()).toEqual([])
    await close()
  })

  it('takes a broken constraint for a defect, not for a failing disk', () => {
    expect(databaseFailureOf(new BetterSqlite3.SqliteError('x', 'SQLITE_CONSTRAINT_CHECK'))).toBeNull()
    expect(databaseFailureOf(new TypeError('x'))).toBeNull()
  })
})
