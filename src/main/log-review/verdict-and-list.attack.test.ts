import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditDetail } from '../../shared/audit.ts'
import { auditSeq, fingerprint } from '../../shared/ids.ts'
import { leafHash } from '../audit/format/encode.ts'
import { checkpointLineOf, endLineOf, entryLine, headerLine } from '../audit/format/export-file.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from '../audit/testing/sample-entries.ts'
import { sampleCheckpoint, sampleKey, sampleLog, sampleOrigin } from '../audit/testing/sample-log.ts'
import { openLog } from './process/open-log.ts'
import { orThrow, reviewBench } from './testing/review-bench.ts'

// A log is made so that what is verified is not what is listed: by whoever hands it over, or exchanges the file later.

const vkey = formatVerifierKey(sampleKey().key)
let folder = ''
let note = ''
let bench: ReturnType<typeof reviewBench>
const at = (name: string) => join(folder, name)
const known = () => ({ vkey, checkpoints: [{ path: 'kept elsewhere', text: note }], witnesses: [] })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verdict-'))
  const station = await checkpointedStation(at('station.db'))
  await station.write(...Array.from({ length: 300 }, sampleIntent))
  note = await station.checkpoint()
  await station.exportTo(at('whole.jsonl'))
  await station.close()
  const mixed = await checkpointedStation(at('mixed.db'))
  await mixed.write(...sampleEntries())
  await mixed.checkpoint()
  await mixed.exportTo(at('part.jsonl'), { fingerprint: fingerprint.parse('C3'.repeat(32)) })
  await mixed.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  bench = reviewBench(folder)
})
afterEach(() => bench.desk.close())

const forgeFifth = `UPDATE audit_entry SET entry = CAST(replace(CAST(entry AS TEXT), 'builder', 'mallory') AS BLOB) WHERE seq = 5`

function planted(name: string, change: (file: BetterSqlite3.Database) => void): string {
  copyFileSync(at('station.db'), at(name))
  const file = new BetterSqlite3(at(name))
  file.pragma('journal_mode = DELETE')
  file.unsafeMode(true)
  file.pragma('ignore_check_constraints = ON')
  const triggers = file.prepare<[], { name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).all()
  for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
  change(file)
  file.close()
  return at(name)
}

/** An export of these entries, with a checkpoint by the key of the log: what a newer version, or a station gone bad, would sign. */
function signedExport(name: string, entries: readonly Buffer[]): string {
  const leaves = entries.map(leafHash)
  const checkpoint = sampleCheckpoint(leaves)
  const madeAt = '2026-03-04T05:06:07.000Z'
  const head = { origin: sampleOrigin, vkey, size: entries.length, selection: null, madeAt }
  const lines = [headerLine({ signingStationExport: 1, ...head, softwareVersion: '0.1.0' }), ...entries.map(entryLine)]
  const end = [checkpointLineOf(checkpoint), endLineOf(entries.length)]
  writeFileSync(at(name), Buffer.concat([...lines, ...end].map((line) => Buffer.from(line))))
  return checkpoint
}

describe('a database', () => {
  it('whose planted index holds another entry than the table is listed by the table', async () => {
    const path = planted('index.db', (file) => {
      file.exec(`${forgeFifth}; CREATE INDEX planted ON audit_entry (seq, entry, leaf_hash, prev_hash);
        ANALYZE; DELETE FROM sqlite_stat1; INSERT INTO sqlite_stat1 VALUES ('audit_entry', 'planted', '1000000 1 1 1 1')`)
      const row = file
        .prepare(`SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'planted'`)
        .raw()
        .get()
      file.pragma('writable_schema = ON')
      file.exec(`DELETE FROM sqlite_schema WHERE name = 'planted'`)
      const alone = new BetterSqlite3(file.name)
      alone.unsafeMode(true)
      alone.pragma('ignore_check_constraints = ON')
      alone.exec(forgeFifth.replace(`'builder', 'mallory'`, `'mallory', 'builder'`))
      alone.pragma('writable_schema = ON')
      alone.prepare('INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)').run(row)
      alone.close()
    })
    expect(orThrow(await bench.desk.open(path, known())).report.verdict).toBe('verified')
    const shown = orThrow(await bench.desk.show(auditSeq.parse(5)))
    expect(shown?.entry).not.toContain('mallory')
    expect(shown?.proof).toContain('c2sp.org/tlog-proof@v1')
  })

  it.each([
    [
      'a column that is computed',
      `entry BLOB GENERATED ALWAYS AS (zeroblob(262144)) VIRTUAL)`,
      '',
      'not the tables of a station’s log',
    ],
    [
      'a column that is filled in',
      `other BLOB)`,
      `ALTER TABLE audit_entry ADD COLUMN entry BLOB DEFAULT x'${'7b'.repeat(262_144)}'`,
      'made to fill the disk',
    ],
  ])('that fills the disk by %s is refused, and nothing is left of it', async (_name, columns, then, sentence) => {
    const path = planted('full.db', (file) => {
      file.exec(`DROP TABLE audit_entry;
        CREATE TABLE audit_entry (seq INTEGER PRIMARY KEY, leaf_hash BLOB, prev_hash BLOB, ${columns};
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO audit_entry (seq, leaf_hash, prev_hash) SELECT i, zeroblob(32), zeroblob(32) FROM n; ${then}`)
    })
    expect(statSync(path).size).toBeLessThan(2_000_000)
    expect(await bench.desk.open(path)).toMatchObject({
      ok: false,
      error: { code: 'log-unreadable', message: expect.stringContaining(sentence) },
    })
    expect(readdirSync(bench.folder)).toEqual([])
  })

  it('with an entry of a number that no program counts to is shown without it', async () => {
    const path = planted('number.db', (file) => {
      file.exec('UPDATE audit_entry SET seq = 9223372036854775807 WHERE seq = 300')
    })
    expect(orThrow(await bench.desk.open(path, known()))).toMatchObject({
      entries: 299,
      report: { verdict: 'tampered', findings: [{ code: 'entry-malformed', first: 300 }] },
    })
  })

  it('that is named by a link is read with the write-ahead log beside the file', async () => {
    const first = await checkpointedStation(at('live.db'))
    await first.write(sampleIntent(0))
    await first.checkpoint()
    await first.close()
    const live = await checkpointedStation(at('live.db'))
    await live.write(sampleIntent(1), sampleIntent(2))
    symlinkSync(at('live.db'), at('link.db'))
    const opened = await bench.desk.open(at('link.db'))
    await live.close()
    expect(orThrow(opened).entries).toBe(3)
  })
})

describe('a file', () => {
  it.each([
    ['of the whole log', 'whole.jsonl'],
    ['of which entries are left out', 'part.jsonl'],
  ])(
    '%s that holds other entries when the list is made of it is not opened, though it has the same size and time',
    (_name, from) => {
      const honest = readFileSync(at(from))
      const last = Number([...honest.toString().matchAll(/"seq":(\d+),/g)].at(-1)?.[1])
      const forged = Buffer.from(honest.toString().replace('builder', 'mallory'))
      const time = new Date('2026-03-04T05:06:07.000Z')
      const write = (bytes: Buffer) => {
        writeFileSync(at('moving.jsonl'), bytes)
        utimesSync(at('moving.jsonl'), time, time)
      }
      write(honest)
      const job = {
        op: 'open' as const,
        path: at('moving.jsonl'),
        scratch: at(`${from}.copy`),
        index: at(`${from}.index`),
        vkey,
        checkpoints: [],
        witnesses: [],
      }
      const answer = openLog(job, (seq) => {
        if (seq === last) write(forged)
      })
      expect(answer).toMatchObject({
        kind: 'unreadable',
        sentence: expect.stringContaining('changed while it was read'),
      })
    },
  )

  it.each(['whole.jsonl', 'part.jsonl'])(
    'that is named by a link to %s, which leads elsewhere while the list is made, is not opened',
    (from) => {
      const honest = readFileSync(at(from)).toString()
      const last = Number([...honest.matchAll(/"seq":(\d+),/g)].at(-1)?.[1])
      writeFileSync(at('elsewhere.jsonl'), honest.replace('builder', 'mallory'))
      const lead = (to: string) => {
        rmSync(at('leading.jsonl'), { force: true })
        symlinkSync(at(to), at('leading.jsonl'))
      }
      lead(from)
      const index = at(`leading-${from}.index`)
      const scratch = `${index}.copy`
      const job = {
        op: 'open' as const,
        path: at('leading.jsonl'),
        scratch,
        index,
        vkey,
        checkpoints: [],
        witnesses: [],
      }
      let read = 0
      const answer = openLog(job, (seq) => {
        // The last entry that is verified, and the first that is listed.
        if (seq === last) lead('elsewhere.jsonl')
        read += 1
        if (read === [...honest.matchAll(/^\{"entry"/gm)].length + 1) lead(from)
      })
      expect(answer).toMatchObject({
        kind: 'unreadable',
        sentence: expect.stringContaining('changed while it was read'),
      })
    },
  )

  it.each([
    ['an export', 'whole.jsonl', (bytes: Buffer) => Buffer.from(bytes.toString().replace('builder', 'mallory'))],
    ['a database', 'station.db', () => readFileSync(planted('forged.db', (file) => file.exec(forgeFifth)))],
  ])('%s, exchanged after it was opened, gets no new verdict over the old list', async (_name, from, forge) => {
    const honest = readFileSync(at(from))
    writeFileSync(at(`exchanged-${from}`), forge(Buffer.from(honest)))
    expect(orThrow(await bench.desk.open(at(`exchanged-${from}`), known())).report.verdict).toBe('tampered')
    writeFileSync(at(`exchanged-${from}`), honest)
    expect(await bench.desk.verifyOpened()).toMatchObject({
      ok: false,
      error: { code: 'log-unreadable', message: expect.stringContaining('Open it again') },
    })
    expect(bench.desk.opened()?.report.verdict).toBe('tampered')
    expect(orThrow(await bench.desk.open(at(`exchanged-${from}`), known())).report.verdict).toBe('verified')
    expect(orThrow(await bench.desk.verifyOpened()).verdict).toBe('verified')
  })
})

it('is listed to its end when it is closed, or another one is opened, while somebody reads on', async () => {
  orThrow(await bench.desk.open(at('whole.jsonl')))
  const read = () => [bench.desk.list({}, null, 10, 0), bench.desk.show(auditSeq.parse(7))] as const
  const [page, entry] = read()
  const [another] = [bench.desk.open(at('part.jsonl')), bench.desk.open(at('part.jsonl'))]
  expect(orThrow(await page).rows).toHaveLength(10)
  expect(orThrow(await entry)?.row.seq).toBe(7)
  orThrow(await another)
  const [last] = read()
  const closed = Promise.all([bench.desk.closeOpened(), bench.desk.closeOpened()])
  expect(orThrow(await last).rows.length).toBeGreaterThan(0)
  await closed
  expect(readdirSync(bench.folder)).toEqual([])
  expect(await bench.desk.list({}, null, 10, 0)).toMatchObject({ ok: false, error: { code: 'no-opened-log' } })
})

describe('an entry that the verifier takes and this version cannot read', () => {
  const log = sampleLog(sampleEntries())
  const next = (entries: readonly Buffer[], change: (text: string) => string): Buffer => {
    const { entries: made } = sampleLog([...sampleEntries(), sampleIntent(1), sampleIntent(2), sampleIntent(3)])
    const prev = Buffer.from(leafHash(entries.at(-1) ?? Buffer.alloc(0))).toString('hex')
    const text = String(made[entries.length]).replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
    return Buffer.from(change(text))
  }

  it.each([
    ['of an event that it does not know', '"event":"intent"', '"event":"countersigned"', 'recorded as “countersigned”'],
    ['of an event that reorders text', '"event":"intent"', '"event":"\u202esigned"', 'u{202e}signed'],
    ['with an event that is none', '"event":"intent"', '"event":7', 'This entry cannot be read'],
    ['with a field of another form', /"inputSha256":"[0-9a-f]{64}"/, '"inputSha256":"none"', 'inputSha256'],
    ['with a request that is none', /"requestId":"[^"]*"/, '"requestId":"none"', 'requestId'],
    ['that has one member more', '"event":', '"aaa":1,"event":', 'cannot be read by this version'],
  ])('%s is listed where it stands, and shown with its bytes', async (_name, from, to, says) => {
    const entries = [...log.entries]
    for (const change of [(text: string) => text.replace(from, to), (text: string) => text])
      entries.push(next(entries, change))
    const text = signedExport('unknown.jsonl', entries)
    const opened = orThrow(
      await bench.desk.open(at('unknown.jsonl'), { ...known(), checkpoints: [{ path: 'x', text }] }),
    )
    expect(opened).toMatchObject({
      entries: entries.length,
      report: { verdict: 'verified', facts: { read: entries.length } },
    })
    const page = orThrow(await bench.desk.list({}, null, 100, 0))
    expect({ total: page.total, rows: page.rows.length }).toEqual({ total: entries.length, rows: entries.length })
    expect(page.rows[1]).toMatchObject({
      seq: entries.length - 1,
      event: 'unreadable',
      summary: expect.stringContaining(says),
    })
    // Both that were put in, or the one alone where the other can be read; and no filter by an event finds them.
    const cannotBeRead = page.rows.filter((row) => row.event === 'unreadable')
    expect(orThrow(await bench.desk.list({ event: 'unreadable' }, null, 100, 0))).toMatchObject({
      rows: cannotBeRead,
      total: cannotBeRead.length,
    })
    const intents = orThrow(await bench.desk.list({ event: 'intent' }, null, 100, 0)).rows
    expect(intents).toEqual(page.rows.filter((row) => row.event === 'intent'))
    const shown = auditDetail.parse(orThrow(await bench.desk.show(auditSeq.parse(entries.length - 1))))
    expect(shown.entry).toBe(String(entries.at(-2)))
    expect(shown.proof).toContain('c2sp.org/tlog-proof@v1')
  })
})

it.each([
  [
    'that is no UTF-8 any more',
    (entry: Buffer) => entry.fill(0xff, entry.indexOf('builder'), entry.indexOf('builder') + 1),
  ],
  ['with a mark at its beginning that readers drop', (entry: Buffer) => entry.fill('\ufeff', 0, 3)],
])('an entry %s is shown with its exact bytes', async (_name, change) => {
  const bytes = readFileSync(at('whole.jsonl'))
  const start = bytes.indexOf('\n') + 1 + '{"entry":'.length
  const entry = bytes.subarray(start, bytes.indexOf('\n', start) - 1)
  change(entry)
  writeFileSync(at('bytes.jsonl'), bytes)
  expect(orThrow(await bench.desk.open(at('bytes.jsonl'), known())).report.verdict).toBe('tampered')
  const shown = auditDetail.parse(orThrow(await bench.desk.show(auditSeq.parse(1))))
  const exact = shown.entryHex === null ? Buffer.from(shown.entry) : Buffer.from(shown.entryHex, 'hex')
  expect(exact).toEqual(entry)
  expect(Buffer.from(leafHash(exact)).toString('hex')).toBe(shown.leafHash)
})
