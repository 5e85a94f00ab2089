import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { auditSeq } from '../../shared/ids.ts'
import { err, ok } from '../../shared/result.ts'
import { testMedia } from '../media/testing/test-media.ts'
import { checkpointFileName, checkpointFileOf } from './checkpoint-file.ts'
import { createCheckpointer } from './checkpointer.ts'
import { openCheckpoint, parseCheckpoint } from './format/checkpoint.ts'
import { leafHash } from './format/encode.ts'
import { verifyConsistency, verifyInclusion } from './format/merkle.ts'
import { parseConsistency, parseProof } from './format/proof-file.ts'
import { proveConsistency, proveEntry } from './proofs.ts'
import { checkCheckpoints } from './startup-checkpoint.ts'
import { type CheckpointedStation, checkpointedStation, logKeyOf } from './testing/checkpointed-station.ts'
import { sampleIntent } from './testing/sample-entries.ts'
import { sampleCheckpoint, sampleKey, sampleLog } from './testing/sample-log.ts'

const { key } = sampleKey()
const intents = (count: number) => Array.from({ length: count }, (_, index) => sampleIntent(index))

async function fresh(entries = 3, folders: readonly string[] = []) {
  const path = join(tempFolder(), 'station.db')
  const station = await checkpointedStation(path, sampleKey(), folders)
  await station.write(...intents(entries))
  return { path, file: checkpointFileOf(path), station }
}

/** Runs as the program would at its next start. */
async function restarted(path: string): Promise<CheckpointedStation> {
  return checkpointedStation(path)
}

const state = (station: CheckpointedStation) =>
  checkCheckpoints(readerOf(station.db), key, checkpointFileOf(station.path))

describe('the checkpointer', () => {
  it('signs what is in the log, into the database and into the file beside it', async () => {
    const { file, station } = await fresh()
    const note = await station.checkpoint()
    expect(openCheckpoint(note, key)).toMatchObject({ ok: true, value: { checkpoint: { size: 3 } } })
    expect(readFileSync(file, 'utf8')).toBe(note)
    expect(await station.db.selectFrom('audit_checkpoint').select(['size', 'note']).execute()).toEqual([
      { size: 3, note },
    ])
    await station.close()
  })

  it('signs the same tree as one that is built from all entries, at any size, over restarts', async () => {
    const { path, station } = await fresh(0)
    await station.close()
    let size = 0
    for (const more of [1, 6, 248, 1, 1, 300, 250, 1]) {
      const again = await restarted(path)
      await again.write(...intents(more))
      size += more
      const { checkpoint } = openedOf(await again.checkpoint())
      const rows = await again.db.selectFrom('audit_entry').select('leaf_hash').orderBy('seq').execute()
      const expected = openedOf(sampleCheckpoint(rows.map((row) => row.leaf_hash))).checkpoint
      expect(checkpoint).toEqual(expected)
      expect(checkpoint.size).toBe(size)
      expect(await state(again)).toMatchObject({ kind: 'whole', entries: size })
      await again.close()
    }
    const last = await restarted(path)
    expect(await last.db.selectFrom('audit_node').select(['level', 'position']).execute()).toEqual(
      [0, 1, 2].map((position) => ({ level: 8, position })),
    )
    await last.close()
  })

  it('gives the last one again when nothing came, and puts it back where it is missing', async () => {
    const { file, station } = await fresh()
    const note = await station.checkpoint()
    rmSync(file)
    expect(await station.checkpoint()).toBe(note)
    expect(readFileSync(file, 'utf8')).toBe(note)
    await station.close()
  })

  it('writes one after the other when it is asked at once, and never two for one size', async () => {
    const { station } = await fresh()
    const written = await Promise.all([
      station.checkpoint(),
      station.write(sampleIntent()),
      station.checkpoint(),
      station.checkpoint(),
    ])
    const sizes = await station.db.selectFrom('audit_checkpoint').select('size').orderBy('size').execute()
    expect(new Set(sizes.map(({ size }) => size)).size).toBe(sizes.length)
    expect(parseCheckpoint(written[3])).toMatchObject({ value: { checkpoint: { size: 4 } } })
    await station.close()
  })

  it('has nothing to sign in an empty log', async () => {
    const { station } = await fresh(0)
    expect(await station.checkpointer.write()).toMatchObject({ ok: false, error: { code: 'log-empty' } })
    await station.close()
  })

  it('copies to every folder, and only warns of one that is not there', async () => {
    const there = tempFolder()
    const gone = join(tempFolder(), 'unplugged')
    const { station } = await fresh(3, [there, gone])
    const written = await station.checkpointer.write()
    await station.checkpointer.copied()
    expect(written).toMatchObject({ ok: true, value: { size: 3 } })
    expect(station.checkpointer.warnings()).toMatchObject([
      { code: 'unwritable', path: join(gone, checkpointFileName(key)) },
    ])
    expect(readFileSync(join(there, checkpointFileName(key)), 'utf8')).toBe(written.ok ? written.value.note : '')
    mkdirSync(gone)
    await station.checkpoint()
    await station.checkpointer.copied()
    expect(station.checkpointer.warnings()).toEqual([])
    expect(existsSync(join(gone, checkpointFileName(key)))).toBe(true)
    await station.close()
  })

  it('leaves a newer checkpoint and a foreign file on a medium alone', async () => {
    const medium = tempFolder()
    const { station } = await fresh(3, [medium])
    const { leaves } = sampleLog(intents(9))
    const newer = sampleCheckpoint(leaves, 9)
    const copy = join(medium, checkpointFileName(key))
    writeFileSync(copy, newer)
    await station.checkpoint()
    await station.checkpointer.copied()
    expect(station.checkpointer.warnings()).toMatchObject([{ code: 'contradicts' }])
    expect(readFileSync(copy, 'utf8')).toBe(newer)
    writeFileSync(copy, 'something else')
    await station.checkpoint()
    await station.checkpointer.copied()
    expect(station.checkpointer.warnings()).toMatchObject([{ code: 'foreign-there' }])
    expect(readFileSync(copy, 'utf8')).toBe('something else')
    await station.close()
  })

  it('keeps the entries when the key does not sign, and signs for them later', async () => {
    const { path, file, station } = await fresh()
    let broken = true
    const gone = { kind: 'unavailable', code: 'service-key-absent', message: 'Gone.' } as const
    const logKey = logKeyOf(sampleKey())
    const checkpointer = createCheckpointer({
      media: testMedia(),
      db: station.db,
      key: { ...logKey, sign: async (text) => (broken ? err(gone) : logKey.sign(text)) },
      file,
      folders: () => [],
      now: () => new Date(0),
    })
    expect(await checkpointer.write()).toMatchObject({
      ok: false,
      error: { code: 'checkpoint-not-signed', kind: 'unavailable' },
    })
    broken = false
    expect(await checkpointer.write()).toMatchObject({ ok: true, value: { size: 3 } })
    expect(existsSync(checkpointFileOf(path))).toBe(true)
    await station.close()
  })

  it('keeps no signature that does not verify', async () => {
    const { file, station } = await fresh()
    const logKey = { ...logKeyOf(sampleKey()), sign: async () => ok(new Uint8Array(64)) }
    const checkpointer = createCheckpointer({
      media: testMedia(),
      db: station.db,
      key: logKey,
      file,
      folders: () => [],
      now: () => new Date(0),
    })
    expect(await checkpointer.write()).toMatchObject({ ok: false, error: { code: 'checkpoint-not-signed' } })
    expect(await station.db.selectFrom('audit_checkpoint').select('size').execute()).toEqual([])
    await station.close()
  })

  it.each([
    ['an entry was cut off', (file: BetterSqlite3.Database) => file.exec('delete from audit_entry where seq = 3')],
    [
      'an entry was changed',
      (file: BetterSqlite3.Database) => file.exec(`update audit_entry set entry = x'7b7d' where seq = 4`),
    ],
    [
      'the last entry was exchanged',
      (file: BetterSqlite3.Database) => file.exec('update audit_entry set leaf_hash = zeroblob(32) where seq = 3'),
    ],
  ])('signs nothing when %s while it ran', async (_name, change) => {
    const { path, station } = await fresh()
    await station.checkpoint()
    await station.write(sampleIntent(3))
    const file = new BetterSqlite3(path)
    for (const name of ['audit_entry_no_update', 'audit_entry_no_delete']) file.exec(`drop trigger ${name}`)
    change(file)
    file.close()
    expect(await station.checkpointer.write()).toMatchObject({
      ok: false,
      error: { code: 'checkpoint-contradicted', kind: 'invalid' },
    })
    await station.close()
  })

  it('signs no second history for an older copy of the database', async () => {
    const { path, station } = await fresh()
    await station.checkpoint()
    await station.close()
    copyFileSync(path, `${path}.old`)
    const newer = await restarted(path)
    await newer.write(...intents(2))
    await newer.checkpoint()
    await newer.close()
    for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
    copyFileSync(`${path}.old`, path)
    const old = await restarted(path)
    await old.write(sampleIntent(7))
    expect(await old.checkpointer.write()).toMatchObject({ ok: false, error: { code: 'checkpoint-contradicted' } })
    expect(await state(old)).toMatchObject({
      kind: 'broken',
      firstBadSeq: 4,
      reason: expect.stringContaining('Entries 4 to 5 are missing'),
    })
    await old.close()
  })
})

describe('a proof', () => {
  it('of each entry, and between any two checkpoints, verifies', async () => {
    const { station } = await fresh(0)
    const notes = new Map<number, string>()
    let size = 0
    for (const more of [1, 254, 2, 200]) {
      await station.write(...intents(more))
      size += more
      notes.set(size, await station.checkpoint())
    }
    const { checkpoint } = openedOf(notes.get(size) ?? '')
    for (const seq of [1, 2, 255, 256, 257, 300, size]) {
      const text = await proveEntry(readerOf(station.db), key, auditSeq.parse(seq))
      const proof = parseProof(text.ok ? text.value : '')
      if (!proof.ok) throw new Error(proof.error)
      expect(verifyInclusion(leafHash(proof.value.entry), seq - 1, size, proof.value.hashes, checkpoint.root)).toBe(
        true,
      )
      expect(proof.value.checkpoint).toBe(notes.get(size))
    }
    for (const [oldSize, note] of notes) {
      const text = await proveConsistency(readerOf(station.db), key, oldSize)
      const proof = parseConsistency(text.ok ? text.value : '')
      if (!proof.ok) throw new Error(proof.error)
      expect(
        verifyConsistency(oldSize, openedOf(note).checkpoint.root, size, checkpoint.root, proof.value.hashes),
      ).toBe(true)
    }
    expect(await proveConsistency(readerOf(station.db), key, 7)).toMatchObject({
      ok: false,
      error: { code: 'checkpoint-absent' },
    })
    await station.write(sampleIntent())
    expect(await proveEntry(readerOf(station.db), key, auditSeq.parse(size + 1))).toMatchObject({
      ok: false,
      error: { code: 'entry-not-covered' },
    })
    await station.close()
  })

  it('is not made from a tree that was changed', async () => {
    const { path, station } = await fresh(300)
    await station.checkpoint()
    const file = new BetterSqlite3(path)
    file.exec('drop trigger audit_node_no_update; update audit_node set hash = zeroblob(32)')
    file.close()
    expect(await proveEntry(readerOf(station.db), key, auditSeq.parse(299))).toMatchObject({
      ok: false,
      error: { code: 'proof-wrong' },
    })
    await station.close()
  })
})

describe('the check at start', () => {
  const cases: readonly (readonly [string, (path: string, file: string) => void, object])[] = [
    ['nothing was touched', () => {}, { kind: 'whole', entries: 6 }],
    [
      'the file is one checkpoint older: the program died between database and file',
      (path, file) => writeFileSync(file, first(path)),
      { kind: 'whole', entries: 6 },
    ],
    [
      'the last entry is gone',
      (path) => sqlite(path, 'delete from audit_entry where seq = 6'),
      { kind: 'broken', firstBadSeq: 6 },
    ],
    [
      'the last entries and their checkpoint are gone',
      (path) => sqlite(path, 'delete from audit_entry where seq > 3; delete from audit_checkpoint where size > 3'),
      { kind: 'broken', firstBadSeq: 4 },
    ],
    [
      'all entries are gone',
      (path) => sqlite(path, 'delete from audit_entry; delete from audit_checkpoint'),
      { kind: 'broken', firstBadSeq: 1 },
    ],
    [
      'an entry has another hash',
      (path) => sqlite(path, 'update audit_entry set leaf_hash = randomblob(32) where seq = 2'),
      { kind: 'broken' },
    ],
    [
      'the checkpoint in the database was edited',
      (path) =>
        sqlite(
          path,
          `update audit_checkpoint set note = replace(note, char(10) || '6' || char(10), char(10) || '5' || char(10))`,
        ),
      { kind: 'broken' },
    ],
    [
      'the checkpoint in the file was edited',
      (_path, file) => writeFileSync(file, readFileSync(file, 'utf8').replace('\n6\n', '\n5\n')),
      { kind: 'broken' },
    ],
    ['the file is gone', (_path, file) => rmSync(file), { kind: 'broken' }],
    [
      'the file is of another log',
      (_path, file) =>
        writeFileSync(file, sampleCheckpoint(sampleLog(intents(6)).leaves, 6, sampleKey('x', 'elsewhere/1'))),
      { kind: 'broken' },
    ],
    [
      'the file is of another history',
      (_path, file) => writeFileSync(file, sampleCheckpoint(sampleLog([...intents(5), sampleIntent(9)]).leaves)),
      { kind: 'broken' },
    ],
    [
      'the key in the database is another',
      (path) => sqlite(path, `update audit_log_key set vkey = vkey || 'x'`),
      { kind: 'broken' },
    ],
  ]

  it.each(cases)('when %s', async (_name, change, expected) => {
    const { path, file, station } = await fresh(0)
    for (const [index, body] of intents(6).entries()) {
      await station.write(body)
      if (index % 3 === 2) await station.checkpoint()
    }
    await station.close()
    change(path, file)
    const again = await restarted(path)
    const found = await state(again)
    expect(found).toMatchObject(expected)
    if (found.kind === 'broken') expect(found.reason).toContain('The station opens for reading only.')
    await again.close()
  })

  it('takes a log without a checkpoint as new, and a first checkpoint without its file as a crash', async () => {
    const { file, station } = await fresh()
    expect(await state(station)).toMatchObject({ kind: 'whole', entries: 3 })
    await station.checkpoint()
    rmSync(file)
    expect(await state(station)).toMatchObject({ kind: 'whole', entries: 3 })
    await station.close()
  })

  it('says that the file cannot be read', async (ctx) => {
    if (process.getuid?.() === 0) ctx.skip('root can read every file')
    const { file, station } = await fresh()
    await station.checkpoint()
    chmodSync(file, 0)
    expect(await state(station)).toMatchObject({ kind: 'unwritable' })
    await station.close()
  })
})

function first(path: string): string {
  const file = new BetterSqlite3(path, { readonly: true })
  const row = file.prepare<[], { note: string }>('select note from audit_checkpoint order by size limit 1').get()
  file.close()
  return row?.note ?? ''
}

function sqlite(path: string, statements: string): void {
  const file = new BetterSqlite3(path)
  const triggers = file
    .prepare<[], { name: string; sql: string }>(`select name, sql from sqlite_schema where type = 'trigger'`)
    .all()
  for (const { name } of triggers) file.exec(`drop trigger ${name}`)
  file.exec(statements)
  for (const { sql } of triggers) file.exec(sql)
  file.close()
}

function openedOf(note: string) {
  const opened = openCheckpoint(note, key)
  if (!opened.ok) throw new Error(opened.error.code)
  return opened.value
}
