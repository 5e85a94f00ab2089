import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { AuditFilter } from '../../shared/audit.ts'
import { fingerprint, requestId, sha256Hex, workRequestId } from '../../shared/ids.ts'
import { listEntries, type Numbers } from './audit.repository.ts'
import { createEntryIndexer, indexEntries, indexReach, longestTail } from './entry-index.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries, sampleIntent, sampleRequest, sampleSigned } from './testing/sample-entries.ts'

const newStation = async (clock?: () => Date) => {
  const path = join(tempFolder(), 'station.db')
  const station = await auditStation(path, clock)
  onTestFinished(() => station.close())
  return { ...station, path }
}
type Station = Awaited<ReturnType<typeof newStation>>

async function found(log: Station['log'], filter: AuditFilter): Promise<readonly number[]> {
  const { rows, total } = await log.list(filter, null, 100)
  expect(total).toBe(rows.length)
  return rows.map((row) => row.seq)
}

/** Whoever can write the file, and has dropped the triggers. */
function edit(path: string, statements: string): void {
  const file = new BetterSqlite3(path)
  const triggers = file
    .prepare<[], { name: string }>(
      `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'audit_index%'`,
    )
    .all()
  for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
  file.exec(statements)
  file.close()
}

const wanted: readonly AuditFilter[] = [
  { event: 'signed' },
  { purpose: 'uefi' },
  { operator: 'Zoë' },
  { requestId: sampleRequest },
  { workRequestId: 42 },
  { fingerprint: 'C3'.repeat(32) },
  { fingerprint: 'c3:c3' },
  { digest: 'a1'.repeat(32) },
  { digest: 'e5'.repeat(32) },
  { digest: 'd4'.repeat(20) },
  { digest: 'b2b2' },
  { since: '2026-01-02T03:04:06.678Z' },
  { until: '2026-01-02T03:04:06.678Z' },
  { operator: 'Zoë', event: 'intent', since: '2026-01-02T03:04:06.678Z' },
  { workRequestId: 42, event: 'sheet-shown' },
  { fingerprint: 'C3', digest: 'a1', purpose: 'uefi' },
]

describe('finding entries', () => {
  it('gives the same before, between and after they are indexed', async () => {
    const { log, db, write } = await newStation()
    await write(...sampleEntries())
    await write(sampleSigned(), sampleIntent())
    const all = () => Promise.all(wanted.map((filter) => found(log, filter)))
    const before = await all()
    expect(before.map((seqs) => seqs.length)).not.toContain(0)
    expect(await indexEntries(db)).toEqual({ ok: true, value: sampleEntries().length + 2 })
    expect(await all()).toEqual(before)
    await write(sampleSigned())
    const between = await all()
    expect(between[0]).toEqual([sampleEntries().length + 3, ...(before[0] ?? [])])
    await indexEntries(db)
    expect(await all()).toEqual(between)
  })

  it('gives what reading every entry gives, wherever the index ends and however often the clock goes back', async () => {
    const start = Date.parse('2026-01-02T03:04:05.000Z')
    const time = (tick: number) => new Date(start + tick * 1000).toISOString()
    const tick = fc.integer({ min: 0, max: 9 })
    const events = ['intent', 'signed'] as const
    const requests = [sampleRequest, requestId.parse('0b5a3d0e-8f60-4a2b-9c7d-1e2f3a4b5c6d')]
    const keys = [fingerprint.parse('C3'.repeat(32)), fingerprint.parse('0A'.repeat(20))]
    const digests = ['a1', 'a2'].map((byte) => sha256Hex.parse(byte.repeat(32)))
    const entry = fc.record({ at: tick, event: fc.nat(1), request: fc.nat(1), key: fc.nat(1), digest: fc.nat(1) })
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { minLength: 1, maxLength: 24 }),
        fc.nat(24),
        fc.record({
          since: maybe(tick),
          until: maybe(tick),
          event: maybe(fc.nat(1)),
          request: maybe(fc.nat(1)),
          work: maybe(fc.nat(1)),
          key: maybe(fc.nat(1)),
          digest: maybe(fc.nat(1)),
        }),
        async (entries, indexed, chosen) => {
          let now = 0
          const { log, db, write, close } = await auditStation(
            join(tempFolder(), 'station.db'),
            () => new Date(time(now)),
          )
          for (const [index, { at, event, request, key, digest }] of entries.entries()) {
            now = at
            const common = {
              requestId: requests[request] ?? sampleRequest,
              workRequestId: workRequestId.parse(request + 1),
              fingerprint: keys[key] ?? sampleIntent().fingerprint,
              inputSha256: digests[digest] ?? sampleIntent().inputSha256,
            }
            await write(
              events[event] === 'signed' ? { ...sampleSigned(), ...common } : { ...sampleIntent(), ...common },
            )
            if (index === indexed) await indexEntries(db)
          }
          const filter: AuditFilter = Object.fromEntries(
            Object.entries({
              since: chosen.since === undefined ? undefined : time(chosen.since),
              until: chosen.until === undefined ? undefined : time(chosen.until),
              event: chosen.event === undefined ? undefined : events[chosen.event],
              requestId: chosen.request === undefined ? undefined : requests[chosen.request],
              workRequestId: chosen.work === undefined ? undefined : chosen.work + 1,
              fingerprint: chosen.key === undefined ? undefined : keys[chosen.key],
              digest: chosen.digest === undefined ? undefined : digests[chosen.digest]?.slice(0, 20),
            }).filter(([, value]) => value !== undefined),
          )
          const every = (await db.selectFrom('audit_entry').selectAll().orderBy('seq', 'desc').execute()).filter(
            (row) =>
              (filter.since === undefined || row.at >= filter.since) &&
              (filter.until === undefined || row.at <= filter.until) &&
              (filter.event === undefined || row.event === filter.event) &&
              (filter.requestId === undefined || row.request_id === filter.requestId) &&
              (filter.workRequestId === undefined || row.work_request_id === filter.workRequestId) &&
              (filter.fingerprint === undefined || row.fingerprint === filter.fingerprint) &&
              (filter.digest === undefined || row.input_sha256?.startsWith(filter.digest) === true),
          )
          const seqs = every.map((row) => row.seq)
          const [one, two] = [await log.list(filter, null, 3), await log.list(filter, null, 100, 2)]
          expect(one.rows.map((row) => row.seq)).toEqual(seqs.slice(0, 3))
          expect({ seqs: two.rows.map((row) => row.seq), total: two.total }).toEqual({
            seqs: seqs.slice(2),
            total: seqs.length,
          })
          await close()
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)

  it('looks at the time of each entry where the clock went back more often than a log is searched piece by piece', async () => {
    let now = Date.parse('2026-01-02T03:04:05.678Z')
    const { log, db, write } = await newStation(() => new Date(now))
    for (let n = 0; n < 1001; n += 1) {
      now -= 1000
      await write(sampleIntent())
    }
    await indexEntries(db)
    const at = new Date(now + 1000).toISOString()
    // The clock's step has an entry of its own.
    expect(await found(log, { since: at, until: at })).toEqual([1999, 1998])
    expect(await found(log, { until: at, event: 'intent' })).toEqual([2001, 1999])
  }, 60_000)

  it('finds a time among entries of which some are left out', async () => {
    const { log, db, path, write } = await newStation()
    for (let n = 0; n < 6; n += 1) await write(sampleIntent())
    await indexEntries(db)
    edit(
      path,
      `DROP TRIGGER audit_entry_no_delete; DELETE FROM audit_entry WHERE seq IN (1, 3, 4);
        DELETE FROM audit_index WHERE seq IN (1, 3, 4)`,
    )
    const left = [6, 5, 2]
    const places: Numbers = {
      count: left.length,
      at: async (place) => left[place] ?? null,
      from: async (seq) => left.filter((number) => number >= seq).length,
    }
    const second = (n: number) => new Date(Date.parse('2026-01-02T03:04:04.678Z') + n * 1000).toISOString()
    const times = async (filter: AuditFilter) => {
      const { rows, total } = await listEntries(readerOf(db), filter, null, 10, 0, places)
      return { seqs: rows.map((row) => row.seq), total }
    }
    expect(await times({ since: second(3) })).toEqual({ seqs: [6, 5], total: 2 })
    expect(await times({ until: second(4) })).toEqual({ seqs: [2], total: 1 })
    expect(await times({ since: second(3), until: second(4) })).toEqual({ seqs: [], total: 0 })
    expect(await times({ since: second(2), until: second(5) })).toEqual({ seqs: [5, 2], total: 2 })
    expect(await found(log, { since: second(2), until: second(5), event: 'intent' })).toEqual([5, 2])
  })

  it('compares the whole digest, not only the part that is looked up', async () => {
    const { log, db, write } = await newStation()
    const twin = sha256Hex.parse(`${'a1'.repeat(8)}${'00'.repeat(24)}`)
    await write(sampleIntent(), { ...sampleIntent(), inputSha256: twin })
    await indexEntries(db)
    expect(await found(log, { digest: twin })).toEqual([2])
    expect(await found(log, { digest: 'a1'.repeat(32) })).toEqual([1])
  })
})

describe('the index of the log', () => {
  it('goes on where it was stopped', async () => {
    const { db, write } = await newStation()
    await write(...Array.from({ length: 450 }, sampleIntent))
    let slices = 0
    await indexEntries(db, () => {
      slices += 1
      return slices > 1
    })
    expect(await indexReach(readerOf(db))).toBe(200)
    expect(await indexEntries(db)).toEqual({ ok: true, value: 450 })
  })

  it('is brought up in the middle of a run when a search would have to read too much without it, and not before', async () => {
    const { db, write } = await newStation()
    const failures: unknown[] = []
    const indexer = createEntryIndexer(db, (error) => failures.push(error))
    const half = longestTail / 2
    indexer.touch((await write(...Array.from({ length: half }, sampleIntent))).length)
    await new Promise(setImmediate)
    expect(await indexReach(readerOf(db))).toBe(0)
    indexer.touch((await write(...Array.from({ length: half }, sampleIntent))).length)
    while (((await indexReach(readerOf(db))) ?? 0) < longestTail) await new Promise(setImmediate)
    await indexer.close()
    expect(failures).toEqual([])
  })
})

describe('the check of the log compares the index', () => {
  async function checked(statements: string) {
    const station = await newStation()
    await station.write(sampleIntent(), sampleSigned(), sampleIntent())
    await indexEntries(station.db)
    expect((await station.log.check()).kind).toBe('whole')
    edit(station.path, statements)
    return { state: await station.log.check(), station }
  }

  it.each([
    ['event', 1],
    ['purpose', 2],
    ['operator', 3],
    ['key', 4],
    ['request', 5],
    ['work request', 6],
    ['digests', 7],
  ])('and names an entry that would not be found by its %s any more', async (_name, kind) => {
    const { state } = await checked(`DELETE FROM audit_index WHERE kind = ${kind} AND seq = 2`)
    expect(state).toMatchObject({ kind: 'broken', firstBadSeq: 2 })
  })

  it.each([
    ['leads to another entry', `UPDATE audit_index SET seq = 1 WHERE kind = 1 AND value = 'signed'`, 2],
    ['has another value', `UPDATE audit_index SET value = 'Ada' WHERE kind = 3 AND seq = 3`, 3],
    ['was added for an entry that says something else', `INSERT INTO audit_index VALUES (1, 'approved', 2)`, 1],
    [
      'says that the clock went back, which would hide entries from a search by time',
      `INSERT INTO audit_index VALUES (8, '2026-01-01T00:00:00.000Z', 2)`,
      1,
    ],
    ['is gone with all others', 'DELETE FROM audit_index', 1],
  ])('when a line %s', async (_name, statements, firstBadSeq) => {
    expect((await checked(statements)).state).toMatchObject({ kind: 'broken', firstBadSeq })
  })

  it('when a time at which the clock went back was taken out', async () => {
    let now = Date.parse('2026-01-02T03:04:05.678Z')
    const { log, db, path, write } = await newStation(() => new Date(now))
    await write(sampleIntent())
    now -= 60_000
    await write(sampleIntent())
    await indexEntries(db)
    expect((await log.check()).kind).toBe('whole')
    edit(path, 'DELETE FROM audit_index WHERE kind = 8')
    expect(await log.check()).toMatchObject({ kind: 'broken', firstBadSeq: 2 })
  })

  it('when the log ends before the index does', async () => {
    const { state } = await checked('DROP TRIGGER audit_entry_no_delete; DELETE FROM audit_entry WHERE seq = 3')
    expect(state).toMatchObject({ kind: 'broken', firstBadSeq: 3 })
  })

  it('when how far it reaches was taken out: then every entry is looked at, and nothing is added', async () => {
    const { state, station } = await checked('DELETE FROM audit_index; DELETE FROM audit_index_reach')
    expect(state).toMatchObject({ kind: 'broken' })
    expect(await found(station.log, { digest: 'a1'.repeat(32) })).toEqual([3, 2, 1])
    expect(await indexEntries(station.db)).toMatchObject({ ok: false, error: { code: 'log-unwritable' } })
  })

  it('and not what came while it read', async () => {
    const { log, db, write } = await newStation()
    await write(...Array.from({ length: 300 }, sampleIntent))
    const checking = log.check()
    await write(sampleSigned())
    await indexEntries(db)
    expect(await checking).toMatchObject({ kind: 'whole' })
  })
})
