import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { sha256Hex } from '../../shared/ids.ts'
import { digestReach, indexDigests } from './digest-index.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleIntent, sampleSigned } from './testing/sample-entries.ts'

async function newStation() {
  const path = join(tempFolder(), 'station.db')
  const station = await auditStation(path)
  onTestFinished(() => station.close())
  return { ...station, path }
}
const found = async (log: Awaited<ReturnType<typeof newStation>>['log'], digest: string) =>
  (await log.list({ digest }, null, 10)).rows.map((row) => row.seq)

describe('finding entries by a digest', () => {
  it('finds the same before, between and after the digests are brought up', async () => {
    const { log, db, write } = await newStation()
    await write(sampleIntent(), sampleSigned())
    const wanted = {
      input: 'a1'.repeat(32),
      output: 'e5'.repeat(32),
      signed: 'b2'.repeat(32),
      part: 'a1a1',
      long: 'a1'.repeat(20),
    }
    const all = async () =>
      Object.fromEntries(
        await Promise.all(Object.entries(wanted).map(async ([name, digest]) => [name, await found(log, digest)])),
      )
    const before = await all()
    expect(before).toEqual({ input: [2, 1], output: [2], signed: [2, 1], part: [2, 1], long: [2, 1] })
    expect(await indexDigests(db)).toEqual({ ok: true, value: 2 })
    expect(await all()).toEqual(before)
    await write(sampleIntent())
    expect(await found(log, wanted.input)).toEqual([3, 2, 1])
    expect(await indexDigests(db)).toEqual({ ok: true, value: 3 })
    expect(await found(log, wanted.input)).toEqual([3, 2, 1])
  })

  it('compares the whole digest, not only the part that is looked up', async () => {
    const { log, db, write } = await newStation()
    const twin = sha256Hex.parse(`${'a1'.repeat(8)}${'00'.repeat(24)}`)
    await write(sampleIntent(), { ...sampleIntent(), inputSha256: twin })
    await indexDigests(db)
    expect(await found(log, twin)).toEqual([2])
    expect(await found(log, 'a1'.repeat(32))).toEqual([1])
  })

  it('goes on where it was stopped', async () => {
    const { db, write } = await newStation()
    await write(...Array.from({ length: 450 }, sampleIntent))
    let slices = 0
    await indexDigests(db, () => {
      slices += 1
      return slices > 1
    })
    expect(await digestReach(readerOf(db))).toBe(200)
    expect(await indexDigests(db)).toEqual({ ok: true, value: 450 })
  })

  it('is checked with the log: an entry that would not be found any more is named', async () => {
    const { log, db, write, path } = await newStation()
    await write(sampleIntent(), sampleSigned())
    await indexDigests(db)
    expect((await log.check()).kind).toBe('whole')
    const raw = new BetterSqlite3(path)
    raw.exec(`DROP TRIGGER audit_digest_no_delete; DELETE FROM audit_digest WHERE prefix = '${'e5'.repeat(8)}'`)
    raw.close()
    expect(await log.check()).toMatchObject({ kind: 'broken', firstBadSeq: 2 })
  })

  it('finds every entry, and is called broken, when how far it reaches was taken out', async () => {
    const { log, db, write, path } = await newStation()
    await write(sampleIntent(), sampleSigned())
    await indexDigests(db)
    const raw = new BetterSqlite3(path)
    raw.exec(`DROP TRIGGER audit_digest_no_delete; DROP TRIGGER audit_digest_reach_no_delete;
      DELETE FROM audit_digest; DELETE FROM audit_digest_reach`)
    raw.close()
    expect(await found(log, 'a1'.repeat(32))).toEqual([2, 1])
    expect(await log.check()).toMatchObject({ kind: 'broken' })
    expect(await indexDigests(db)).toMatchObject({ ok: false, error: { code: 'log-unwritable' } })
  })
})
