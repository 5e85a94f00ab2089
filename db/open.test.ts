import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createStationDatabase } from './create.ts'
import { migrate, migrations, newestVersion } from './migrate.ts'
import { applicationId, openStationDatabase } from './open.ts'
import { tempFolder } from './testing/temp-folder.ts'

const nothing = async () => {}

async function station(folder = tempFolder()): Promise<string> {
  const path = join(folder, 'station.db')
  const made = await createStationDatabase(path, nothing)
  if (!made.ok) throw new Error(made.error.message)
  await made.value.close()
  return path
}

async function codeOf(path: string, mode: 'write' | 'read' = 'write'): Promise<string> {
  const opened = await openStationDatabase(path, mode)
  if (!opened.ok) return opened.error.code
  await opened.value.close()
  return 'opened'
}

function alter(path: string, statement: string): void {
  const file = new BetterSqlite3(path)
  file.exec(statement)
  file.close()
}

describe('opening a station database', () => {
  it('never creates one', async () => {
    const folder = tempFolder()
    expect(await codeOf(join(folder, 'station.db'))).toBe('database-absent')
    expect(await codeOf(join(folder, 'station.db'), 'read')).toBe('database-absent')
    expect(readdirSync(folder)).toEqual([])
  })

  it('opens what was created, for writing and for reading', async () => {
    const path = await station()
    expect(await codeOf(path)).toBe('opened')
    expect(await codeOf(path, 'read')).toBe('opened')
  })

  it('sets its pragmas', async () => {
    const opened = await openStationDatabase(await station())
    if (!opened.ok) throw new Error(opened.error.message)
    const { db } = opened.value
    const read = async (name: string) =>
      (await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db)).rows.map((row) => Object.values(row)[0])
    const found = Object.fromEntries(
      await Promise.all(
        [
          'journal_mode',
          'synchronous',
          'foreign_keys',
          'trusted_schema',
          'cell_size_check',
          'recursive_triggers',
          'application_id',
        ].map(async (name) => [name, (await read(name))[0]] as const),
      ),
    )
    expect(found).toEqual({
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
      trusted_schema: 0,
      cell_size_check: 1,
      recursive_triggers: 1,
      application_id: applicationId,
    })
    await opened.value.close()
  })

  it('refuses a path that could mean another file', async () => {
    await expect(openStationDatabase('station.db')).rejects.toThrow('absolute')
    await expect(openStationDatabase('/tmp/station.db ')).rejects.toThrow('absolute')
    await expect(openStationDatabase('file:/tmp/station.db')).rejects.toThrow('absolute')
  })

  it('refuses what is not a station database', async () => {
    const folder = tempFolder()
    const text = join(folder, 'text')
    writeFileSync(text, 'letters that are long enough to be a header of a database file, but are not one. '.repeat(20))
    expect(await codeOf(text)).toBe('database-foreign')
    writeFileSync(join(folder, 'empty'), '')
    expect(await codeOf(join(folder, 'empty'))).toBe('database-foreign')
    const other = join(folder, 'other.db')
    alter(other, 'create table t (a); pragma user_version = 10;')
    const before = readFileSync(other)
    expect(await codeOf(other)).toBe('database-foreign')
    expect(readFileSync(other).equals(before)).toBe(true)
    mkdirSync(join(folder, 'folder'))
    expect(await codeOf(join(folder, 'folder'))).toBe('database-unreadable')
    symlinkSync(join(folder, 'loop'), join(folder, 'loop'))
    expect(await codeOf(join(folder, 'loop'))).toBe('database-unreadable')
  })

  it('refuses a newer file and leaves it as it is', async () => {
    const path = await station()
    alter(path, `pragma user_version = ${newestVersion() + 10}`)
    const before = readFileSync(path)
    expect(await codeOf(path)).toBe('database-newer')
    expect(await codeOf(path, 'read')).toBe('database-newer')
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('upgrades an older file when it may write, and only says so when it may not', async (ctx) => {
    const first = migrations[0]?.version ?? 0
    if (first === newestVersion()) ctx.skip('there is only one version of the schema yet')
    const path = join(tempFolder(), 'station.db')
    const file = new BetterSqlite3(path)
    file.pragma(`application_id = ${applicationId}`)
    migrate(file, migrations, first)
    file.close()
    expect(await codeOf(path, 'read')).toBe('database-older')
    expect(await codeOf(path)).toBe('opened')
    expect(await codeOf(path, 'read')).toBe('opened')
  })

  it.each([
    ['a trigger that was dropped', 'drop trigger audit_entry_no_update'],
    ['a trigger that was planted', 'create trigger t after insert on setting begin delete from setting; end'],
    ['a view that was planted', 'create view v as select 1'],
    [
      'a trigger that was put back weaker',
      'drop trigger audit_entry_no_delete; create trigger audit_entry_no_delete before delete on audit_entry begin select 1; end',
    ],
    ['an index that is gone', 'drop index request_in_hand'],
  ])('refuses a file with %s', async (_name, statement) => {
    const path = await station()
    alter(path, statement)
    expect(await codeOf(path)).toBe('database-altered')
    expect(await codeOf(path, 'read')).toBe('database-altered')
  })

  it('says when pages are damaged', async () => {
    const path = await station()
    const handle = openSync(path, 'r+')
    // The second page holds the first table's tree; the header on page 1 stays readable.
    writeSync(handle, Buffer.alloc(2000, 0xff), 0, 2000, 4096)
    closeSync(handle)
    expect(await codeOf(path)).toBe('database-corrupt')
  })

  it('says when another program writes, and works once it has ended', async () => {
    const path = await station()
    const other = new BetterSqlite3(path)
    other.exec('begin immediate')
    expect(await codeOf(path)).toBe('database-locked')
    expect(await codeOf(path, 'read')).toBe('opened')
    other.exec('rollback')
    other.close()
    expect(await codeOf(path)).toBe('opened')
  })

  it('says when this user may not write the file, and reads it even where nothing can be made beside it', async (ctx) => {
    const folder = tempFolder()
    const path = await station(folder)
    chmodSync(path, 0o444)
    chmodSync(folder, 0o555)
    const program = `import { openStationDatabase } from ${JSON.stringify(new URL('open.ts', import.meta.url).href)}
      const write = await openStationDatabase(process.argv[1])
      const read = await openStationDatabase(process.argv[1], 'read')
      const rows = read.ok ? await read.value.db.selectFrom('setting').select('name').execute() : read.error.code
      console.log(JSON.stringify([write.ok ? 'opened' : write.error.code, rows]))`
    const node = [process.execPath, '--input-type=module', '-e', program, path]
    const asRoot = process.getuid?.() === 0
    if (asRoot) {
      chownSync(folder, 20_001, 20_001)
      chownSync(path, 20_001, 20_001)
      if (spawnSync('setpriv', ['--version']).error !== undefined) ctx.skip('needs setpriv: root may write any file')
    }
    const [command = '', ...rest] = asRoot
      ? ['setpriv', '--reuid=20001', '--regid=20001', '--clear-groups', ...node]
      : node
    const run = spawnSync(command, rest, { encoding: 'utf8' })
    chmodSync(folder, 0o755)
    expect(run.stdout.trim(), run.stderr).toBe('["database-read-only",[]]')
    expect(readdirSync(folder)).toEqual(['station.db'])
  })

  it('does not let a reader write', async () => {
    const opened = await openStationDatabase(await station(), 'read')
    if (!opened.ok) throw new Error(opened.error.message)
    await expect(
      opened.value.db
        .insertInto('setting')
        .values({ name: 'a', value: '1', updated_at: '2026-01-02T03:04:05.678Z' })
        .execute(),
    ).rejects.toThrow('readonly')
    await opened.value.close()
  })
})
