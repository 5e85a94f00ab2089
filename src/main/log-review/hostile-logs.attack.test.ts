import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditRow } from '../../shared/audit.ts'
import { contract } from '../../shared/contract.ts'
import { auditSeq } from '../../shared/ids.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries } from '../audit/testing/sample-entries.ts'
import { findLogs } from './find-logs.ts'
import { orThrow, reviewBench } from './testing/review-bench.ts'

// The window names any path, and a log comes from somebody else's hands: neither gets more out of the station than a sentence.

const size = sampleEntries().length
let folder = ''
const at = (name: string) => join(folder, name)
let bench: ReturnType<typeof reviewBench>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  const station = await checkpointedStation(at('station.db'))
  await station.write(...sampleEntries())
  await station.checkpoint()
  await station.exportTo(at('whole.jsonl'))
  await station.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  bench = reviewBench(folder)
})
afterEach(() => bench.desk.close())

const refused = { ok: false, error: { code: 'log-unreadable' } }

describe('a window that names paths', () => {
  it.each([
    ['a private key', 'service.key', Buffer.alloc(32, 7)],
    ['a text', 'passwd', Buffer.from('root:x:0:0:root:/root:/bin/bash\n')],
    ['a JSON file with a secret', 'secret.json', Buffer.from('{"token":"swordfish"}\n')],
    ['an empty file', 'empty', Buffer.alloc(0)],
  ])('learns nothing that is in %s', async (_name, name, bytes) => {
    writeFileSync(at(name), bytes)
    const opened = await bench.desk.open(at(name))
    expect(JSON.stringify([opened, bench.lines])).not.toMatch(/swordfish|root:x|BwcH/)
    if (opened.ok) expect(opened.value).toMatchObject({ entries: 0, report: { verdict: 'tampered', facts: null } })
    else expect(opened).toMatchObject(refused)
    expect(readFileSync(at(name))).toEqual(bytes)
  })

  it('gets a sentence for what is no file, and nothing hangs', async () => {
    execFileSync('mkfifo', [at('pipe.jsonl')])
    symlinkSync('/dev/zero', at('link-to-zero'))
    for (const path of [at('pipe.jsonl'), at('link-to-zero'), '/dev/random', '/proc/self/mem', folder, at('nowhere')])
      expect(await bench.desk.open(path)).toMatchObject(refused)
  })

  it.each(['relative.jsonl', '', '/a\0b', `/${'x'.repeat(5000)}`])('is not even heard with the path %j', (path) => {
    const open = (path: string) =>
      contract['audit.open'].input.safeParse({ path, vkey: null, checkpoint: null }).success
    expect([open('/x'), open(path)]).toEqual([true, false])
    expect(contract['audit.compare'].input.safeParse({ older: path, newer: '/x' }).success).toBe(false)
  })

  it('has nothing written beside a database with a write-ahead log, and no copy is left', async () => {
    const there = at('unfinished')
    mkdirSync(there)
    const live = await checkpointedStation(at('killed.db'))
    await live.write(...sampleEntries())
    await live.checkpoint()
    for (const suffix of ['', '-wal']) copyFileSync(at(`killed.db${suffix}`), join(there, `foreign.db${suffix}`))
    await live.close()
    const foreign = join(there, 'foreign.db')
    const before = [statSync(there).mtimeMs, statSync(foreign).mtimeMs, statSync(`${foreign}-wal`).mtimeMs]
    expect(orThrow(await bench.desk.open(foreign)).entries).toBe(size)
    orThrow(await bench.desk.verifyOpened())
    orThrow(await bench.desk.compare(foreign, foreign))
    expect(readdirSync(there).sort()).toEqual(['foreign.db', 'foreign.db-wal'])
    expect([statSync(there).mtimeMs, statSync(foreign).mtimeMs, statSync(`${foreign}-wal`).mtimeMs]).toEqual(before)
    expect(readdirSync(bench.folder).filter((name) => name.includes('.copy'))).toEqual([])
  })

  it('has nothing written beside what it names', async () => {
    const there = at('there')
    mkdirSync(there)
    copyFileSync(at('station.db'), join(there, 'foreign.db'))
    copyFileSync(at('whole.jsonl'), join(there, 'whole.jsonl'))
    chmodSync(there, 0o500)
    orThrow(await bench.desk.open(join(there, 'foreign.db')))
    orThrow(await bench.desk.compare(join(there, 'whole.jsonl'), join(there, 'foreign.db')))
    expect(readdirSync(there).sort()).toEqual(['foreign.db', 'whole.jsonl'])
    chmodSync(there, 0o700)
  })
})

describe('a foreign database', () => {
  function planted(change: (file: BetterSqlite3.Database) => void): string {
    const path = at(`planted-${readdirSync(folder).length}.db`)
    copyFileSync(at('station.db'), path)
    const file = new BetterSqlite3(path)
    file.pragma('journal_mode = DELETE')
    file.unsafeMode(true)
    change(file)
    file.close()
    return path
  }
  const reads = async (path: string) => {
    const log = orThrow(await bench.desk.open(path))
    const { rows } = orThrow(await bench.desk.list({}, null, 100, 0))
    expect(rows.every((row) => auditRow.safeParse(row).success)).toBe(true)
    return { log, rows }
  }

  it('with planted triggers and views is read as its tables say, and none of them runs', async () => {
    const proof = at('ran')
    const path = planted((file) => {
      file.exec(`CREATE TRIGGER planted AFTER INSERT ON audit_entry BEGIN SELECT load_extension('${proof}'); END;
        CREATE VIEW audit_entries AS SELECT writefile('${proof}', 'x') FROM audit_entry;
        CREATE VIEW review_place AS SELECT 1 AS place, 7 AS seq`)
    })
    const { log, rows } = await reads(path)
    expect({ entries: log.entries, rows: rows.length }).toEqual({ entries: size, rows: size })
    expect(existsSync(proof)).toBe(false)
  })

  it.each([
    ['a view', `CREATE VIEW audit_entry AS SELECT 1 AS seq, x'7b7d' AS entry, x'' AS leaf_hash, x'' AS prev_hash`],
    ['a virtual table', `CREATE VIRTUAL TABLE audit_entry USING fts5(seq, entry, leaf_hash, prev_hash)`],
  ])('in which %s takes the place of the log is not opened', async (_name, sql) => {
    const path = planted((file) => {
      file.exec(`DROP TABLE audit_entry; ${sql}`)
    })
    expect(await bench.desk.open(path)).toMatchObject(refused)
  })

  it('whose rows are computed to fill the memory ends with a sentence, and the station goes on', async () => {
    const path = planted((file) => {
      file.exec(`DROP TABLE audit_entry;
        CREATE TABLE audit_entry (seq INTEGER PRIMARY KEY, leaf_hash BLOB, prev_hash BLOB,
          entry BLOB GENERATED ALWAYS AS (zeroblob(400000000)) VIRTUAL);
        INSERT INTO audit_entry (seq, leaf_hash, prev_hash) VALUES (1, zeroblob(32), zeroblob(32))`)
    })
    const opened = await bench.desk.open(path)
    if (opened.ok) expect(opened.value).toMatchObject({ entries: 0, report: { verdict: 'tampered' } })
    else expect(opened.error.code).toMatch(/^(?:log-unreadable|reader-died)$/)
    expect(orThrow(await bench.desk.open(at('whole.jsonl'))).entries).toBe(size)
  })

  it('whose columns say other things than its entries is searched by its entries', async () => {
    const path = planted((file) => {
      file.exec(
        `DROP TRIGGER audit_entry_no_update; UPDATE audit_entry SET event = 'duty-changed', operator = 'Nobody'`,
      )
    })
    const { rows } = await reads(path)
    const hidden = orThrow(await bench.desk.list({ event: 'intent' }, null, 100, 0)).rows
    expect(hidden).toEqual(rows.filter((row) => row.event === 'intent'))
    expect(hidden.length).toBeGreaterThan(0)
    expect(orThrow(await bench.desk.list({ operator: 'Nobody' }, null, 100, 0)).rows).toEqual([])
  })

  it.each([
    ['huge', `UPDATE audit_entry SET entry = zeroblob(200000) WHERE seq = 3`],
    [
      'of another type',
      `PRAGMA ignore_check_constraints = ON; UPDATE audit_entry SET entry = CAST('{}' AS BLOB) WHERE seq = 3`,
    ],
  ])('with an entry that is %s names it, and shows the others', async (_name, sql) => {
    const path = planted((file) => {
      file.exec(`DROP TRIGGER audit_entry_no_update; ${sql}`)
    })
    const { log, rows } = await reads(path)
    expect(log.report).toMatchObject({ verdict: 'tampered', findings: [{ first: 3 }] })
    expect(rows.length).toBeGreaterThanOrEqual(size - 1)
  })

  it('of which pages were overwritten, or the end is gone, is shown as far as it can be', async () => {
    const torn = planted(() => {})
    const bytes = readFileSync(torn)
    const place = bytes.indexOf('boot/grubx64.efi')
    bytes.fill(0xff, place - (place % 4096), place - (place % 4096) + 64)
    writeFileSync(torn, bytes)
    const opened = await bench.desk.open(torn)
    if (opened.ok) expect(opened.value.report.verdict).toBe('tampered')
    const cut = planted(() => {})
    truncateSync(cut, Math.floor(statSync(cut).size / 2 / 4096) * 4096)
    const half = await bench.desk.open(cut)
    if (half.ok) expect(half.value.report.verdict).toBe('tampered')
    expect(orThrow(await bench.desk.open(at('whole.jsonl'))).entries).toBe(size)
  })
})

describe('a foreign export', () => {
  it.each([
    ['a line without an end', (text: string) => `${text.slice(0, text.indexOf('\n') + 1)}${'x'.repeat(3_000_000)}`],
    ['a header that is longer than any line', () => `{"${'x'.repeat(3_000_000)}`],
    [
      'entries left out beyond every number',
      (text: string) => text.replace(/\n/, `\n{"omitted":{"count":${Number.MAX_SAFE_INTEGER},"hashes":[]}}\n`),
    ],
    ['one hundred thousand lines that are none', (text: string) => text.replace(/\n/, `\n${'[]\n'.repeat(100_000)}`)],
    [
      'nesting without end',
      (text: string) => text.replace(/\n/, `\n{"entry":${'['.repeat(200_000)}${']'.repeat(200_000)}}\n`),
    ],
  ])('with %s is found tampered with, and nothing hangs', async (_name, change) => {
    writeFileSync(at('hostile.jsonl'), change(readFileSync(at('whole.jsonl'), 'utf8')))
    const opened = orThrow(await bench.desk.open(at('hostile.jsonl')))
    expect(opened.report.verdict).toBe('tampered')
    const listed = orThrow(await bench.desk.list({}, null, 100, 0))
    expect(listed.rows.every((row) => auditRow.safeParse(row).success)).toBe(true)
  })

  it('whose entries carry control characters and words of another direction shows them as what they are', async () => {
    const text = readFileSync(at('whole.jsonl'), 'utf8').replaceAll('"operator":"Zoë"', '"operator":"\u202eZoë\u2066"')
    writeFileSync(at('direction.jsonl'), text)
    orThrow(await bench.desk.open(at('direction.jsonl')))
    const { rows } = orThrow(await bench.desk.list({}, null, 100, 0))
    expect(rows.map((row) => row.summary).join('')).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    expect(orThrow(await bench.desk.show(auditSeq.parse(1)))?.entry).toContain('\u202e')
  })
})

describe('the search for logs on media', () => {
  it('finds what begins like one, and follows no link, opens no pipe, looks into nothing else', async () => {
    const media = at('media')
    const stick = join(media, 'stick')
    mkdirSync(join(stick, 'nested'), { recursive: true })
    copyFileSync(at('whole.jsonl'), join(stick, 'a.jsonl'))
    copyFileSync(at('station.db'), join(stick, 'nested', 'b.db'))
    writeFileSync(join(stick, 'other.db'), 'SQLite format 3\0 of another program')
    writeFileSync(join(stick, 'notes.jsonl'), '{"some":"thing"}\n')
    symlinkSync(at('whole.jsonl'), join(stick, 'link.jsonl'))
    symlinkSync(folder, join(stick, 'linked'))
    execFileSync('mkfifo', [join(stick, 'pipe.jsonl')])
    const found = await findLogs(join(folder, 'no-exports'), [media])
    expect(new Set(found.map(({ kind, path }) => `${kind} ${path}`))).toEqual(
      new Set([`database ${join(stick, 'nested', 'b.db')}`, `export ${join(stick, 'a.jsonl')}`]),
    )
  })
})
