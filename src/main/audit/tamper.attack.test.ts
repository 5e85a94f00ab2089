import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { hex } from './bytes.ts'
import { encodeEntry, leafHash } from './format/encode.ts'
import { startupCheck } from './startup-check.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'

// Someone who can write the file, has dropped the triggers, and puts them back when done.
async function tampered(tamper: (file: BetterSqlite3.Database) => void, entries = sampleEntries()) {
  const path = join(tempFolder(), 'station.db')
  const station = await auditStation(path)
  await station.write(...entries)
  const file = new BetterSqlite3(path)
  const triggers = file
    .prepare<[], { readonly name: string; readonly sql: string }>(
      `select name, sql from sqlite_schema where type = 'trigger' and tbl_name = 'audit_entry'`,
    )
    .all()
  for (const { name } of triggers) file.exec(`drop trigger ${name}`)
  tamper(file)
  for (const { sql } of triggers) file.exec(sql)
  file.close()
  const found = { full: await station.log.check(), atStart: await startupCheck(readerOf(station.db)) }
  await station.close()
  expect(found.atStart).toEqual(found.full)
  return found.full
}

const last = sampleEntries().length
const intentSeq = sampleEntries().findIndex((body) => body.event === 'intent') + 1

const edit = (seq: number, assignment: string) => (file: BetterSqlite3.Database) => {
  expect(file.prepare(`update audit_entry set ${assignment} where seq = ${seq}`).run().changes).toBe(1)
}

describe('the check of the log names the first entry that is wrong', () => {
  it('and finds nothing wrong with what nobody touched', async () => {
    expect(await tampered(() => {})).toMatchObject({ kind: 'whole', entries: sampleEntries().length })
  })

  it.each([
    ['one byte of the entry', `entry = cast(replace(cast(entry as text), 'grubx64', 'grubx46') as blob)`],
    ['the operator inside the entry', `entry = cast(replace(cast(entry as text), 'Zoë', 'Zoe') as blob)`],
    ['the entry, as something else entirely', `entry = x'7b7d'`],
    ['the leaf hash', 'leaf_hash = zeroblob(32)'],
    ['the link to the entry before', 'prev_hash = zeroblob(32)'],
    ['the column at', `at = '2026-01-02T03:04:05.679Z'`],
    ['the column event', `event = 'signed'`],
    ['the column request_id', `request_id = '00000000-0000-4000-8000-000000000000'`],
    ['the column work_request_id', 'work_request_id = 43'],
    ['the column fingerprint', `fingerprint = '${'C4'.repeat(32)}'`],
    ['the column purpose', `purpose = 'kmod'`],
    ['the column operator', `operator = 'Zoe'`],
    ['the column input_sha256', `input_sha256 = '${'00'.repeat(32)}'`],
    ['the column output_sha256', `output_sha256 = '${'00'.repeat(32)}'`],
    ['the column signed_digest', 'signed_digest = null'],
    ['the column sheet_digest', 'sheet_digest = null'],
  ])('when an edit changed %s', async (_name, assignment) => {
    expect(await tampered(edit(intentSeq, assignment))).toMatchObject({ kind: 'broken', firstBadSeq: intentSeq })
  })

  it('when an entry was changed together with its own hash: the next one does not follow it', async () => {
    const state = await tampered((file) => {
      const row = file
        .prepare<[number], { entry: Buffer }>('select entry from audit_entry where seq = ?')
        .get(intentSeq)
      const entry = Buffer.from(String(row?.entry).replace('grubx64', 'grubx46'))
      file
        .prepare('update audit_entry set entry = ?, leaf_hash = ? where seq = ?')
        .run(entry, leafHash(entry), intentSeq)
    })
    expect(state).toEqual({
      kind: 'broken',
      firstBadSeq: intentSeq + 1,
      reason: `entry ${intentSeq + 1} does not follow entry ${intentSeq}: one of the two was changed, put in or moved`,
    })
  })

  it.each([
    ['the first was deleted', 'delete from audit_entry where seq = 1', 1],
    ['one in the middle was deleted', 'delete from audit_entry where seq = 9', 9],
    [
      'one in the middle was deleted and the rest moved up',
      'delete from audit_entry where seq = 9; update audit_entry set seq = seq - 1 where seq > 9',
      9,
    ],
    [
      'two were exchanged',
      'update audit_entry set seq = 999 where seq = 9; update audit_entry set seq = 9 where seq = 10; update audit_entry set seq = 10 where seq = 999',
      9,
    ],
    [
      'one was repeated at the end',
      `insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event) select ${last + 1}, entry, leaf_hash, prev_hash, at, event from audit_entry where seq = ${last}`,
      last + 1,
    ],
    [
      'one was put in far behind the end',
      `insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event) select ${last + 9}, entry, leaf_hash, leaf_hash, at, event from audit_entry where seq = ${last}`,
      last + 1,
    ],
  ])('when %s', async (_name, statements, firstBadSeq) => {
    expect(await tampered((file) => file.exec(statements))).toMatchObject({ kind: 'broken', firstBadSeq })
  })

  it('and says that an entry is missing', async () => {
    expect(await tampered((file) => file.exec('delete from audit_entry where seq = 9'))).toEqual({
      kind: 'broken',
      firstBadSeq: 9,
      reason: 'entry 9 is missing; the next one is 10',
    })
  })

  it('when a well-made entry was put in the middle and the rest moved down', async () => {
    const state = await tampered((file) => {
      const before = file.prepare<[], { leaf_hash: Buffer }>('select leaf_hash from audit_entry where seq = 8').get()
      const prev = before?.leaf_hash ?? Buffer.alloc(32)
      file.exec(
        'update audit_entry set seq = seq + 1000 where seq > 8; update audit_entry set seq = seq - 999 where seq > 1000',
      )
      const at = '2026-01-02T03:04:05.678Z'
      // The brands say where values come from; here a forger makes them.
      const entry = encodeEntry({ seq: 9, at, prev: hex(prev) } as Parameters<typeof encodeEntry>[0], {
        event: 'duty-changed',
        onDuty: true,
        operator: 'Mallory',
      })
      file
        .prepare(
          `insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event, operator) values (9, ?, ?, ?, ?, 'duty-changed', 'Mallory')`,
        )
        .run(entry, leafHash(entry), prev, at)
    })
    expect(state).toMatchObject({ kind: 'broken', firstBadSeq: 10 })
  })

  it.each([
    ['another number', { seq: 99 }, 'says of itself that it is entry 99'],
    ['another predecessor', { prev: '0'.repeat(64) }, 'names another entry as the one before it'],
  ])('when an entry was added whose columns fit and whose bytes name %s', async (_name, change, reason) => {
    const state = await tampered((file) => {
      const before = file
        .prepare<[number], { leaf_hash: Buffer }>('select leaf_hash from audit_entry where seq = ?')
        .get(last)
      const prev = before?.leaf_hash ?? Buffer.alloc(32)
      const at = '2026-01-02T03:04:05.678Z'
      const place = { seq: last + 1, at, prev: hex(prev), ...change } as Parameters<typeof encodeEntry>[0]
      const entry = encodeEntry(place, { event: 'duty-changed', onDuty: true, operator: 'Mallory' })
      file
        .prepare(
          `insert into audit_entry (seq, entry, leaf_hash, prev_hash, at, event, operator) values (?, ?, ?, ?, ?, 'duty-changed', 'Mallory')`,
        )
        .run(last + 1, entry, leafHash(entry), prev, at)
    })
    expect(state).toEqual({ kind: 'broken', firstBadSeq: last + 1, reason: `entry ${last + 1} ${reason}` })
  })

  it('but cannot see that the end was cut off: the documentation says so', async () => {
    expect(await tampered((file) => file.exec('delete from audit_entry where seq > 18'))).toMatchObject({
      kind: 'whole',
      entries: 18,
    })
  })
})

describe('the check of a log that is longer than one slice', () => {
  const many = Array.from({ length: 650 }, (_, index) => sampleIntent(index))

  it.each([1, 199, 200, 201, 400, 401, 650])('names entry %i when that one was changed', async (seq) => {
    expect(await tampered(edit(seq, `operator = 'Zoe'`), many)).toMatchObject({ kind: 'broken', firstBadSeq: seq })
  })

  it('leaves the event loop free between slices, and is not disturbed by entries written meanwhile', async () => {
    const station = await auditStation(join(tempFolder(), 'station.db'))
    await station.write(...many)
    let turns = 0
    const interval = setInterval(() => (turns += 1), 0)
    const [state] = await Promise.all([station.log.check(), station.write(sampleIntent())])
    clearInterval(interval)
    expect(state).toMatchObject({ kind: 'whole', entries: 651 })
    expect(turns).toBeGreaterThan(0)
    await station.close()
  })
})

describe('the check at start of a large log', () => {
  const large = async (tamper: (file: BetterSqlite3.Database) => void) =>
    tampered(
      tamper,
      Array.from({ length: 5_100 }, (_, index) => sampleIntent(index % 1000)),
    )

  it('finds a missing entry anywhere, and a changed one at either end', async () => {
    expect(await large((file) => file.exec('delete from audit_entry where seq = 2500'))).toMatchObject({
      kind: 'broken',
      firstBadSeq: 2500,
    })
    expect(await large(edit(1000, `operator = 'Zoe'`))).toMatchObject({ kind: 'broken', firstBadSeq: 1000 })
    expect(await large(edit(4101, `operator = 'Zoe'`))).toMatchObject({ kind: 'broken', firstBadSeq: 4101 })
    expect(await large(() => {})).toMatchObject({ kind: 'whole', entries: 5100 })
  })
})
