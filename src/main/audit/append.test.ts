import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import { decodeEntry } from './format/encode.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries, sampleIntent } from './testing/sample-entries.ts'

const newStation = (clock?: () => Date) => auditStation(join(tempFolder(), 'station.db'), clock)

describe('appending to the audit log', () => {
  it('numbers entries from 1, in the order given, and the log is whole', async () => {
    const station = await newStation()
    expect(await station.write()).toEqual([])
    expect(await station.log.check()).toEqual({ kind: 'whole', entries: 0, head: null })
    expect(await station.write(sampleIntent(0), sampleIntent(1))).toEqual([1, 2])
    expect(await station.write(...sampleEntries())).toEqual(sampleEntries().map((_, index) => index + 3))
    const rows = await station.db.selectFrom('audit_entry').select('leaf_hash').orderBy('seq', 'desc').execute()
    expect(await station.log.check()).toEqual({
      kind: 'whole',
      entries: rows.length,
      head: Buffer.from(rows[0]?.leaf_hash ?? []).toString('hex'),
    })
    await station.close()
  })

  it('stores what was said, under columns that repeat it', async () => {
    const station = await newStation()
    await station.write(sampleIntent())
    const row = await station.db.selectFrom('audit_entry').selectAll().executeTakeFirstOrThrow()
    expect(decodeEntry(row.entry)).toMatchObject({
      ok: true,
      value: { place: { seq: 1, at: '2026-01-02T03:04:05.678Z' }, body: sampleIntent() },
    })
    const { entry, leaf_hash, prev_hash, ...columns } = row
    expect(columns).toEqual({
      seq: 1,
      at: '2026-01-02T03:04:05.678Z',
      event: 'intent',
      request_id: '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10',
      work_request_id: 42,
      fingerprint: 'C3'.repeat(32),
      purpose: 'uefi',
      operator: 'Zoë',
      input_sha256: 'a1'.repeat(32),
      output_sha256: null,
      signed_digest: 'b2'.repeat(32),
      sheet_digest: 'd4'.repeat(32),
    })
    expect([entry.length > 700, leaf_hash.length, [...prev_hash]]).toEqual([
      true,
      32,
      Array.from({ length: 32 }, () => 0),
    ])
    await station.close()
  })

  it('is part of the caller’s transaction: rolled back with it, and the next entry takes the number', async () => {
    const station = await newStation()
    await station.write(sampleIntent())
    const failing = station.db.transaction().execute(async (trx) => {
      expect(await station.log.append(trx, [sampleIntent(1)])).toEqual([2])
      expect(await station.log.append(trx, [sampleIntent(2)])).toEqual([3])
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
    expect(await station.write(sampleIntent(3))).toEqual([2])
    expect(await station.log.check()).toMatchObject({ kind: 'whole', entries: 2 })
    await station.close()
  })

  it('writes nothing of a batch in which one entry breaks the format', async () => {
    const station = await newStation()
    await expect(station.write(sampleIntent(), { ...sampleIntent(), path: '\ud83d' })).rejects.toThrow()
    expect(await station.log.check()).toMatchObject({ kind: 'whole', entries: 0 })
    await station.close()
  })

  it('records by itself that the clock was moved back', async () => {
    const times = ['2026-01-02T03:04:05.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z']
    const station = await newStation(() => new Date(times.shift() ?? ''))
    expect(await station.write(sampleIntent(0))).toEqual([1])
    expect(await station.write(sampleIntent(1))).toEqual([3])
    expect(await station.write(sampleIntent(2))).toEqual([4])
    const { rows } = await station.log.list({}, null, 10)
    expect(rows.map(({ seq, at, event }) => [seq, at, event])).toEqual([
      [4, '2026-01-01T00:00:00.000Z', 'intent'],
      [3, '2026-01-01T00:00:00.000Z', 'intent'],
      [2, '2026-01-01T00:00:00.000Z', 'clock-moved-back'],
      [1, '2026-01-02T03:04:05.000Z', 'intent'],
    ])
    expect(await station.log.check()).toMatchObject({ kind: 'whole', entries: 4 })
    await station.close()
  })

  it('refuses a clock that gives no time', async () => {
    const station = await newStation(() => new Date(Number.NaN))
    await expect(station.write(sampleIntent())).rejects.toThrow(RangeError)
    await station.close()
  })

  it('goes on where the log ended when the station starts anew', async () => {
    const path = join(tempFolder(), 'station.db')
    const first = await auditStation(path)
    await first.write(sampleIntent())
    await first.close()
    const second = await auditStation(path)
    expect(await second.write({ event: 'station-started', version: '0.1.0', previousHead: null })).toEqual([2])
    expect(await second.log.check()).toMatchObject({ kind: 'whole', entries: 2 })
    await second.close()
  })
})

describe('a log that is not as the running station left it', () => {
  const triggers = ['audit_entry_no_update', 'audit_entry_no_delete', 'audit_entry_next_only']

  it.each([
    ['cut at its end', 'delete from audit_entry where seq = 3'],
    ['emptied', 'delete from audit_entry'],
    [
      'changed in its last entry',
      `update audit_entry set entry = cast(replace(entry, 'grub', 'shim') as blob) where seq = 3`,
    ],
    ['given another last hash', 'update audit_entry set leaf_hash = zeroblob(32) where seq = 3'],
  ])('takes no more entries once it was %s', async (_name, statement) => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent(0), sampleIntent(1))
    await station.write(sampleIntent(2))
    // The head is remembered when the next transaction reads it.
    await station.db
      .transaction()
      .execute(async (trx) => {
        await station.log.append(trx, [sampleIntent(3)])
        throw new Error('rolled back')
      })
      .catch(() => {})
    const other = new BetterSqlite3(path)
    for (const name of triggers) other.exec(`drop trigger ${name}`)
    other.exec(statement)
    other.close()
    const written = await writeTransaction(station.db, (trx) => station.log.append(trx, [sampleIntent(4)]))
    expect(written).toMatchObject({ ok: false, error: { code: 'log-unwritable', kind: 'invalid' } })
    await station.close()
  })
})
