import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { type CompiledQuery, Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { type Database, readerOf } from '../../../db/database.ts'
import { StationDialect } from '../../../db/station-dialect.ts'
import { memoryDatabase } from '../../../db/testing/memory-db.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { type AuditFilter, auditDetail, auditRow } from '../../shared/audit.ts'
import { auditSeq, fingerprint, requestId, sha256Hex, workRequestId } from '../../shared/ids.ts'
import { entriesOfRequest, listEntries } from './audit.repository.ts'
import { hex } from './bytes.ts'
import { leafHash } from './format/encode.ts'
import { auditStation } from './testing/audit-station.ts'
import { sampleEntries, sampleIntent, sampleRequest, sampleSigned } from './testing/sample-entries.ts'

const newStation = () => auditStation(join(tempFolder(), 'station.db'))
const other = {
  requestId: requestId.parse('0b5a3d0e-8f60-4a2b-9c7d-1e2f3a4b5c6d'),
  workRequestId: workRequestId.parse(77),
  fingerprint: fingerprint.parse('0A'.repeat(20)),
  operator: 'Ada',
  inputSha256: sha256Hex.parse('11'.repeat(32)),
}

describe('listing the audit log', () => {
  it('shows every event newest first, as rows that the window accepts', async () => {
    const station = await newStation()
    await station.write(...sampleEntries())
    const page = await station.log.list({}, null, 100)
    expect(page.rows.map((row) => row.event)).toEqual(
      sampleEntries()
        .map((body) => body.event)
        .reverse(),
    )
    expect(page.rows.map((row) => auditRow.safeParse(row).success)).not.toContain(false)
    expect({ total: page.total, nextCursor: page.nextCursor }).toEqual({
      total: sampleEntries().length,
      nextCursor: null,
    })
    await station.close()
  })

  it('gives of a use which of several keys it was, and of what was signed its digest', async () => {
    const station = await newStation()
    const second = { position: 2, count: 3 }
    await station.write(
      sampleIntent(),
      { ...sampleSigned(), key: second },
      { ...sampleIntent(), key: second },
      sampleSigned(),
    )
    const { rows } = await station.log.list({}, null, 10)
    expect(rows.map(({ event, key, outputSha256 }) => ({ event, key, outputSha256 }))).toEqual([
      { event: 'signed', key: undefined, outputSha256: sampleSigned().outputSha256 },
      { event: 'intent', key: second, outputSha256: undefined },
      { event: 'signed', key: second, outputSha256: sampleSigned().outputSha256 },
      { event: 'intent', key: undefined, outputSha256: undefined },
    ])
    await station.close()
  })

  it('goes through all entries once by its cursor, while others are appended', async () => {
    const station = await newStation()
    await station.write(...sampleEntries())
    const seqs: number[] = []
    let cursor: string | null = null
    do {
      const page = await station.log.list({}, cursor, 7)
      seqs.push(...page.rows.map((row) => row.seq))
      cursor = page.nextCursor
      await station.write(sampleIntent())
    } while (cursor !== null)
    expect(seqs).toEqual(sampleEntries().map((_, index) => sampleEntries().length - index))
    await station.close()
  })

  it.each([{}, { operator: 'Zoë' }])(
    'is scrolled to any place from where it began, filtered or not: %j',
    async (filter) => {
      const station = await newStation()
      await station.write(...sampleEntries())
      const all = (await station.log.list(filter, null, 100)).rows.map((row) => row.seq)
      const { anchor } = await station.log.list(filter, null, 1)
      await station.write(sampleIntent())
      const places = await Promise.all(all.map((_, place) => station.log.list(filter, anchor, 2, place)))
      expect(places.map(({ rows }) => rows.map((row) => row.seq))).toEqual(
        all.map((_, place) => all.slice(place, place + 2)),
      )
      expect((await station.log.list(filter, anchor, 2, all.length)).rows).toEqual([])
      await station.close()
    },
  )

  it.each(['0', '-1', '1e3', 'x', "1' or 1=1", '99999999999999999999'])(
    'begins at the head for a cursor that is none: %s',
    async (cursor) => {
      const station = await newStation()
      await station.write(sampleIntent())
      expect((await station.log.list({}, cursor, 7)).rows).toHaveLength(1)
      await station.close()
    },
  )

  it.each<[string, AuditFilter, number[]]>([
    ['the event', { event: 'signed' }, [3]],
    ['the operator', { operator: 'Ada' }, [2]],
    ['the request', { requestId: sampleRequest }, [3, 1]],
    ['the work request', { workRequestId: 77 }, [2]],
    ['the whole fingerprint', { fingerprint: 'C3'.repeat(32) }, [3, 1]],
    ['the beginning of a fingerprint as people write it', { fingerprint: '0a:0a 0a' }, [2]],
    ['the digest of an input', { digest: '11'.repeat(32) }, [2]],
    ['the digest of an output', { digest: 'e5'.repeat(32) }, [3]],
    ['the digest that was signed', { digest: 'b2'.repeat(32) }, [3, 2, 1]],
    ['the digest of a sheet', { digest: 'd4'.repeat(32) }, [3, 2, 1]],
    ['the beginning of a digest, in upper case', { digest: 'E5E5E5' }, [3]],
    ['no digest', { digest: '%' }, []],
    ['since a time, inclusive', { since: '2026-01-02T03:04:06.678Z' }, [3, 2]],
    ['until a time, inclusive', { until: '2026-01-02T03:04:06.678Z' }, [2, 1]],
    ['several at once', { operator: 'Zoë', event: 'intent', digest: 'a1' }, [1]],
    ['what is not there', { operator: "' or 1=1 --" }, []],
  ])('filters by %s', async (_name, filter, seqs) => {
    const station = await newStation()
    await station.write(sampleIntent())
    await station.write({ ...sampleIntent(), ...other })
    await station.write(sampleSigned(1))
    const page = await station.log.list(filter, null, 10)
    expect({ seqs: page.rows.map((row) => row.seq), total: page.total }).toEqual({ seqs, total: seqs.length })
    await station.close()
  })

  it('names the work request of what a person did with it, and finds that by the number', async () => {
    const station = await newStation()
    await station.write(
      ...sampleEntries().filter((body) => 'requestId' in body),
      { ...sampleIntent(), ...other },
      {
        event: 'sheet-shown',
        requestId: other.requestId,
        sheetDigest: sha256Hex.parse('d5'.repeat(32)),
        operator: 'Ada',
      },
    )
    const { rows } = await station.log.list({}, null, 100)
    const ofSample = rows.filter((row) => row.requestId === sampleRequest)
    expect(ofSample.map((row) => row.event)).toEqual(expect.arrayContaining(['sheet-shown', 'declined', 'returned']))
    expect(new Set(ofSample.map((row) => row.workRequestId))).toEqual(new Set([42]))
    expect((await station.log.list({ workRequestId: 42 }, null, 100)).rows).toEqual(ofSample)
    // Its request has no beginning in this log: no number is made up for it.
    expect(rows[0]).toMatchObject({ event: 'sheet-shown', workRequestId: null })
    const shown = ofSample.find((row) => row.event === 'sheet-shown')
    expect((await station.log.show(auditSeq.parse(shown?.seq)))?.row).toEqual(shown)
    await station.close()
  })

  it.each([
    ['cancelled', false, true],
    ['session-ended', false, true],
    ['token-error', false, true],
    ['token-error', true, false],
    ['input-changed', false, false],
    ['token-swapped', false, false],
    ['a-code-of-a-later-version', false, false],
  ])('tells a stop from a failure: %s, may exist %s', async (code, signatureMayExist, withdrawn) => {
    const station = await newStation()
    await station.write({
      ...sampleIntent(),
      event: 'sign-failed',
      intentSeq: auditSeq.parse(1),
      code,
      message: 'why',
      signatureMayExist,
    })
    expect((await station.log.list({}, null, 10)).rows).toMatchObject([{ withdrawn }])
    await station.close()
  })

  it('gives the numbers of the entries of a request', async () => {
    const station = await newStation()
    await station.write(sampleIntent(), { ...sampleIntent(), ...other }, sampleSigned(1))
    expect(await entriesOfRequest(readerOf(station.db), sampleRequest)).toEqual([1, 3])
    await station.close()
  })

  it.each([
    ['request_id', { requestId: sampleRequest }],
    ['work_request_id', { workRequestId: 42 }],
    ['fingerprint', { fingerprint: 'C3' }],
    ['operator', { operator: 'Zoë' }],
    ['purpose', { purpose: 'uefi' }],
    ['event', { event: 'signed' as const }],
    ['four digests', { digest: 'e5' }],
  ])('finds by %s through an index, not by reading the log', async (_name, filter) => {
    const { db, file, close } = memoryDatabase()
    const queries: CompiledQuery[] = []
    const watched = new Kysely<Database>({
      dialect: new StationDialect(file),
      log: (event) => {
        queries.push(event.query)
      },
    })
    await listEntries(readerOf(watched), filter, '10', 10)
    const plans = queries.map((query) =>
      file
        .prepare<[readonly unknown[]], { readonly detail: string }>(`explain query plan ${query.sql}`)
        .all(query.parameters)
        .map((step) => step.detail),
    )
    const ofIndex = plans.filter((plan) =>
      plan.some((step) => step.startsWith('SEARCH i USING PRIMARY KEY (kind=? AND value')),
    )
    // Its number and its page; of a work request also which requests it has.
    expect(ofIndex).toHaveLength('workRequestId' in filter ? 3 : 2)
    // The newest entry is where the table ends; no other table is read from its beginning.
    const read = plans.flat().filter((step) => /^SCAN (?:i|e|audit_entry|audit_index)\b/.test(step))
    expect(read).toEqual(['SCAN audit_entry'])
    await db.destroy()
    await close()
  })
})

const intentSeq = sampleEntries().findIndex((body) => body.event === 'intent') + 1

describe('showing one entry', () => {
  it('gives the bytes that are hashed', async () => {
    const station = await newStation()
    await station.write(...sampleEntries())
    const detail = auditDetail.parse(await station.log.show(auditSeq.parse(intentSeq)))
    const before = auditDetail.parse(await station.log.show(auditSeq.parse(intentSeq - 1)))
    expect(hex(leafHash(new TextEncoder().encode(detail.entry)))).toBe(detail.leafHash)
    expect(detail.previousLeafHash).toBe(before.leafHash)
    expect(detail.row).toMatchObject({
      seq: intentSeq,
      event: 'intent',
      inputSha256: 'a1'.repeat(32),
      workRequestId: 42,
    })
    expect(await station.log.show(auditSeq.parse(999))).toBeNull()
    await station.close()
  })

  it('shows a damaged entry as one that cannot be read and proves nothing', async () => {
    const path = join(tempFolder(), 'station.db')
    const station = await auditStation(path)
    await station.write(sampleIntent())
    const file = new BetterSqlite3(path)
    file.exec(`drop trigger audit_entry_no_update; update audit_entry set entry = x'7b7d20'`)
    file.close()
    const { rows } = await station.log.list({}, null, 10)
    expect(rows).toMatchObject([
      {
        event: 'unreadable',
        summary:
          'This entry, recorded as “intent”, cannot be read by this version and proves nothing: the bytes are not canonical JSON',
      },
    ])
    const shown = auditDetail.parse(await station.log.show(auditSeq.parse(1)))
    expect(shown).toMatchObject({ entry: '{} ', row: { event: 'unreadable' } })
    await station.close()
  })
})
