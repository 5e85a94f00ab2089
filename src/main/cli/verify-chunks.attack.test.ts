import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleIntent } from '../audit/testing/sample-entries.ts'
import { sampleKey } from '../audit/testing/sample-log.ts'
import { parseCommandLine } from './verify-arguments.ts'
import { verifyTarget } from './verify-target.ts'

// A long log is read many rows at once. Whatever is wrong is still named at its own entry: at the edges of what is read together, in the
// middle of it, and behind it.

const folder = mkdtempSync(join(tmpdir(), 'station-chunks-'))
const at = (name: string) => join(folder, name)
const size = 300
const places = [1, 2, 127, 128, 129, 200, 256, 257, size]

beforeAll(async () => {
  const station = await checkpointedStation(at('station.db'))
  await station.write(...Array.from({ length: 130 }, sampleIntent))
  await station.checkpoint()
  await station.write(...Array.from({ length: size - 130 }, sampleIntent))
  writeFileSync(at('last.checkpoint'), await station.checkpoint())
  await station.close()
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function verifyAfter(change: (file: BetterSqlite3.Database) => void) {
  copyFileSync(at('station.db'), at('copy.db'))
  const file = new BetterSqlite3(at('copy.db'))
  file.pragma('ignore_check_constraints = ON')
  for (const { name } of file
    .prepare<[], { name: string }>(`select name from sqlite_schema where type = 'trigger'`)
    .all())
    file.exec(`drop trigger ${name}`)
  change(file)
  file.close()
  return verify(at('copy.db'))
}

/** An index that answers a query in place of the table, and holds another entry than it. Only one of the two is forged. */
function plantIndex(file: BetterSqlite3.Database, seq: number, forged: 'table' | 'index'): void {
  const forge = `update audit_entry set entry = cast(replace(cast(entry as text), 'builder', 'mallory') as blob) where seq = ${seq}`
  const undo = forge.replace(`'builder', 'mallory'`, `'mallory', 'builder'`)
  file.unsafeMode(true)
  if (forged === 'index') file.exec(forge)
  file.exec(`create index planted on audit_entry (seq, entry, leaf_hash, prev_hash); analyze; delete from sqlite_stat1;
    insert into sqlite_stat1 values ('audit_entry', 'planted', '1000000 1 1 1 1')`)
  const row = file
    .prepare(`select type, name, tbl_name, rootpage, sql from sqlite_schema where name = 'planted'`)
    .raw()
    .get()
  file.pragma('writable_schema = ON')
  file.exec(`delete from sqlite_schema where name = 'planted'`)
  // Without the index in the schema, the table is changed alone.
  const alone = new BetterSqlite3(file.name)
  alone.unsafeMode(true)
  alone.pragma('ignore_check_constraints = ON')
  expect(alone.prepare(forged === 'table' ? forge : undo).run().changes).toBe(1)
  alone.pragma('writable_schema = ON')
  alone.prepare('insert into sqlite_schema values (?, ?, ?, ?, ?)').run(row)
  alone.close()
}

function verify(target: string, checkpoint = at('last.checkpoint')) {
  const wanted = parseCommandLine(['--vkey', formatVerifierKey(sampleKey().key), '--checkpoint', checkpoint, target])
  if (wanted.kind !== 'wanted') throw new Error('wrong usage')
  return verifyTarget(wanted.wanted)
}

const run = (statement: string) => (file: BetterSqlite3.Database) => {
  expect(file.prepare(statement).run().changes).toBeGreaterThan(0)
}

describe('in a log that is read in parts', () => {
  it('verifies what nobody touched, to the last entry', () => {
    expect(verifyAfter(() => {})).toMatchObject({ kind: 'verified', facts: { size, read: size, checkpoints: 2 } })
  })

  describe.each(places)('at entry %i', (seq) => {
    it.each([
      [
        'changed',
        `update audit_entry set entry = cast(replace(cast(entry as text), 'builder', 'mallory') as blob) where seq = ${seq}`,
        'entry-changed',
        seq,
      ],
      [
        'changed in length',
        `update audit_entry set entry = cast(replace(cast(entry as text), 'builder', 'me') as blob) where seq = ${seq}`,
        'entry-changed',
        seq,
      ],
      [
        'given another stored hash',
        `update audit_entry set leaf_hash = randomblob(32) where seq = ${seq}`,
        'entry-changed',
        seq,
      ],
      [
        'given another stored link',
        `update audit_entry set prev_hash = randomblob(32) where seq = ${seq}`,
        'entry-unlinked',
        Math.max(seq - 1, 1),
      ],
      ['emptied', `update audit_entry set entry = x'' where seq = ${seq}`, 'entry-changed', seq],
      ['made too long', `update audit_entry set entry = zeroblob(262145) where seq = ${seq}`, 'entry-malformed', seq],
      [
        'given a short hash, and its neighbour a long one',
        `update audit_entry set leaf_hash = zeroblob(31) where seq = ${seq}`,
        'entry-malformed',
        seq,
      ],
    ])('names an entry that was %s', (_name, statement, code, first) => {
      expect(verifyAfter(run(statement))).toMatchObject({ kind: 'tampered', finding: { code, first } })
    })

    it('names an entry that was deleted', () => {
      expect(verifyAfter(run(`delete from audit_entry where seq = ${seq}`))).toMatchObject({
        kind: 'tampered',
        finding: { code: seq === size ? 'log-shorter' : 'entry-missing', first: seq, last: seq },
      })
    })
  })

  it.each(['9223372036854775807', '-9223372036854775808'])(
    'refuses a row of number %s, which no program counts to',
    (seq) => {
      expect(
        verifyAfter((file) => {
          file.exec(`update audit_entry set seq = ${seq} where seq = ${size}`)
        }),
      ).toMatchObject({ kind: 'tampered', finding: { code: 'entry-malformed' } })
    },
  )

  it('refuses a checkpoint of more entries than any program counts', () => {
    expect(
      verifyAfter((file) => {
        file.exec(`update audit_checkpoint set size = 9223372036854775807 where size = ${size}`)
      }),
    ).toMatchObject({ kind: 'tampered' })
  })

  it('refuses rows before the first', () => {
    expect(
      verifyAfter(
        run(
          `insert into audit_entry select 0, entry, leaf_hash, prev_hash, at, event, null, null, null, null, null, null, null, null, null from audit_entry where seq = 1`,
        ),
      ),
    ).toMatchObject({ kind: 'tampered', finding: { code: 'entry-malformed', first: 1 } })
  })

  describe.each([5, 128, 290, size])('with a planted index that covers the log and differs at entry %i', (seq) => {
    const wanted = (file: BetterSqlite3.Database) =>
      file.prepare<[number], { entry: Buffer }>('select entry from audit_entry not indexed where seq = ?').get(seq)
        ?.entry
    it('names the entry that is forged in the table', () => {
      expect(verifyAfter((file) => plantIndex(file, seq, 'table'))).toMatchObject({
        kind: 'tampered',
        finding: { code: 'entry-changed', first: seq },
      })
    })
    it('reads the table, whatever the index holds', () => {
      let before: Buffer | undefined
      const outcome = verifyAfter((file) => {
        before = wanted(file)
        plantIndex(file, seq, 'index')
        expect(wanted(file)).toEqual(before)
      })
      expect(outcome).toMatchObject({ kind: 'verified', facts: { size, read: size } })
    })
  })

  it.each([
    ['a view', (file: BetterSqlite3.Database) => file.exec('create view audit_entry as select * from kept')],
    [
      'a virtual table',
      (file: BetterSqlite3.Database) =>
        file.exec(`create view answers as select seq as id, seq, entry, leaf_hash, prev_hash from kept;
          create virtual table audit_entry using fts5(seq, entry, leaf_hash, prev_hash, content='answers', content_rowid='id')`),
    ],
    [
      'a table with a computed column',
      (file: BetterSqlite3.Database) =>
        file.exec(`create table audit_entry (seq integer primary key, stored blob, leaf_hash blob, prev_hash blob,
            entry blob generated always as (stored) virtual);
          insert into audit_entry (seq, stored, leaf_hash, prev_hash) select seq, entry, leaf_hash, prev_hash from kept`),
    ],
    [
      'a table with a computed column, and others that say there is none,',
      (file: BetterSqlite3.Database) =>
        file.exec(`create table audit_entry (seq integer primary key, stored blob, leaf_hash blob, prev_hash blob,
            entry blob as (stored) stored);
          insert into audit_entry (seq, stored, leaf_hash, prev_hash) select seq, entry, leaf_hash, prev_hash from kept;
          create table pragma_table_list (schema text, name text, type text);
          insert into pragma_table_list values ('main', 'audit_entry', 'table');
          create table pragma_table_xinfo (hidden integer); insert into pragma_table_xinfo values (0)`),
    ],
  ])('does not read %s in the place of the log, whatever the schema says', (_name, plant) => {
    const outcome = verifyAfter((file) => {
      file.exec('create table kept as select * from audit_entry; drop table audit_entry')
      plant(file)
      file.unsafeMode(true)
      file.pragma('writable_schema = ON')
      file.exec(`update sqlite_schema set rootpage = 2 where name = 'audit_entry' and type = 'table' and rootpage = 0`)
    })
    expect(outcome).toMatchObject({
      kind: 'usage',
      sentence: expect.stringMatching(/not the tables of a station’s log|older version/),
    })
  })

  it('finds the write-ahead log of a database that is named by a link', async () => {
    const station = await checkpointedStation(at('live.db'))
    await station.write(...Array.from({ length: 3 }, sampleIntent))
    await station.checkpoint()
    await station.close()
    const again = await checkpointedStation(at('live.db'))
    await again.write(...Array.from({ length: 9 }, sampleIntent))
    writeFileSync(at('live.checkpoint'), await again.checkpoint())
    expect(statSync(at('live.db-wal')).size).toBeGreaterThan(0)
    symlinkSync(at('live.db'), at('link.db'))
    const found = verify(at('link.db'), at('live.checkpoint'))
    await again.close()
    expect(found).toMatchObject({ kind: 'verified', facts: { size: 12 } })
  })

  it('does not read a table without its key again and again', () => {
    const outcome = verifyAfter((file) => {
      file.exec(
        'create table other as select * from audit_entry; drop table audit_entry; alter table other rename to audit_entry',
      )
    })
    expect(outcome).toMatchObject({ kind: 'verified', facts: { size, read: size } })
  })

  it('names the place where the file is damaged', () => {
    copyFileSync(at('station.db'), at('copy.db'))
    const file = new BetterSqlite3(at('copy.db'))
    file.pragma('wal_checkpoint(TRUNCATE)')
    file.close()
    const bytes = readFileSync(at('copy.db'))
    // A page in the middle of the table: found by an entry in it.
    const inside = bytes.indexOf(`"seq":200,`)
    bytes.fill(0xff, Math.floor(inside / 4096) * 4096, Math.floor(inside / 4096) * 4096 + 100)
    writeFileSync(at('copy.db'), bytes)
    const outcome = verify(at('copy.db'))
    expect(outcome).toMatchObject({ kind: 'tampered', finding: { code: 'database-damaged' } })
    const first = outcome.kind === 'tampered' ? (outcome.finding.first ?? 0) : 0
    expect(first).toBeGreaterThan(190)
    expect(first).toBeLessThanOrEqual(200)
  })
})
