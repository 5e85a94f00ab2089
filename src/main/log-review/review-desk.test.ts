import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type AuditFilter, auditDetail, auditRow, openedLog, verificationReport } from '../../shared/audit.ts'
import { auditSeq } from '../../shared/ids.ts'
import { checkpointFileOf } from '../audit/checkpoint-file.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { knownToReviewer } from '../audit/known-to-reviewer.ts'
import { type CheckpointedStation, checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent } from '../audit/testing/sample-entries.ts'
import { sampleKey } from '../audit/testing/sample-log.ts'
import { verifyTarget } from '../cli/verify-target.ts'
import type { ReviewDesk } from './review-desk.ts'
import { orThrow, reviewBench, reviewDeskIn } from './testing/review-bench.ts'

// Real logs, read by the real process.

let folder = ''
let station: CheckpointedStation
const at = (name: string) => join(folder, name)
const vkey = () => station.logKey.vkey
const size = sampleEntries().length + 3

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'station-review-'))
  station = await checkpointedStation(at('station.db'))
  await station.write(...sampleEntries())
  writeFileSync(at('older.checkpoint'), await station.checkpoint())
  await station.exportTo(at('older.jsonl'))
  await station.write(sampleIntent(1), sampleIntent(2))
  await station.checkpoint()
  await station.write(sampleIntent(3))
  await station.checkpoint()
  await station.exportTo(at('whole.jsonl'))
  await station.exportTo(at('part.jsonl'), { fingerprint: 'C3'.repeat(32) as never })
})
afterAll(async () => {
  await station.close()
  rmSync(folder, { recursive: true, force: true })
})

/** As the auditor's command finds them. */
function openIntents(): readonly number[] | null {
  const outcome = verifyTarget({
    target: at('whole.jsonl'),
    key: null,
    checkpoints: [],
    consistency: [],
    witnesses: [],
    file: null,
    readEntries: true,
    json: false,
  })
  return outcome.kind === 'usage' ? null : (outcome.facts?.openIntents ?? null)
}

describe('a log that is opened for review', () => {
  let desk: ReviewDesk
  let lines: string[]
  beforeEach(() => {
    const made = reviewBench(folder)
    desk = made.desk
    lines = made.lines
    onTestFinished(() => desk.close())
  })

  it.each([
    ['an export', () => at('whole.jsonl'), 'export'],
    [
      'a database',
      () => {
        copyFileSync(at('station.db'), at('copy.db'))
        copyFileSync(at('station.db-wal'), at('copy.db-wal'))
        return at('copy.db')
      },
      'database',
    ],
  ])('%s is verified, listed, filtered and shown as the own log is', async (_name, path, kind) => {
    const log = orThrow(await desk.open(path()))
    expect(openedLog.parse(log)).toMatchObject({
      kind,
      entries: size,
      origin: station.logKey.key.name,
      report: {
        verdict: 'cannot-tell',
        keyFrom: 'log',
        doubts: [{ code: 'key-not-known' }, { code: 'no-known-checkpoint' }],
        facts: { size, lastCheckpoint: { size }, openIntents: { first: openIntents() } },
      },
    })
    const filters: AuditFilter[] = [{}, { event: 'intent' }, { operator: 'Zoë' }, { purpose: 'uefi' }, { digest: 'e5' }]
    for (const filter of filters) {
      const theirs = orThrow(await desk.list(filter, null, 100, 0))
      const ours = await station.log.list(filter, null, 100)
      expect(theirs).toEqual(ours)
      expect(theirs.rows.every((row) => auditRow.safeParse(row).success)).toBe(true)
    }
    const shown = auditDetail.parse(orThrow(await desk.show(auditSeq.parse(7))))
    const own = auditDetail.parse(await station.log.show(auditSeq.parse(7)))
    // The same proof as the station gives: its own checkpoint, over the same tree.
    expect(own.proof).toContain('c2sp.org/tlog-proof@v1')
    expect(shown).toEqual(own)
    expect(orThrow(await desk.verifyOpened())).toMatchObject({ verdict: 'cannot-tell', facts: { size } })
    await desk.closeOpened()
    expect(await desk.list({}, null, 10, 0)).toMatchObject({ ok: false, error: { code: 'no-opened-log' } })
    expect(lines).toEqual([])
  })

  it('is verified against what the reviewer has from elsewhere, also when it is verified again', async () => {
    const checkpoint = readFileSync(at('older.checkpoint'), 'utf8')
    const known = orThrow(knownToReviewer(vkey(), checkpoint))
    const log = orThrow(await desk.open(at('whole.jsonl'), known))
    expect(log.report).toMatchObject({
      verdict: 'verified',
      keyFrom: 'reviewer',
      facts: { known: [sampleEntries().length] },
    })
    expect(orThrow(await desk.verifyOpened())).toMatchObject({ verdict: 'verified', keyFrom: 'reviewer' })
    const other = orThrow(
      knownToReviewer(formatVerifierKey(sampleKey('other', 'elsewhere.example.org/log/1').key), null),
    )
    expect(orThrow(await desk.open(at('whole.jsonl'), other)).report).toMatchObject({
      verdict: 'tampered',
      findings: [{ code: 'other-log' }],
    })
  })

  it.each([
    ['a key that is none', 'station+key', null, 'vkey-malformed'],
    ['a checkpoint that was cut', null, 'station.example.org\n3\n', 'checkpoint-malformed'],
  ])('is not opened with %s', (_name, key, checkpoint, code) => {
    expect(knownToReviewer(key, checkpoint)).toMatchObject({ ok: false, error: { code } })
  })

  it('with entries left out keeps their places free, and is scrolled over them', async () => {
    const log = orThrow(await desk.open(at('part.jsonl')))
    const numbers = (await station.log.list({ fingerprint: 'C3'.repeat(32) }, null, 100)).rows.map((row) => row.seq)
    expect(log).toMatchObject({ entries: numbers.length, selection: expect.stringContaining('key C3') })
    expect(log.report.facts).toMatchObject({ read: numbers.length, omitted: size - numbers.length, openIntents: null })
    const all = orThrow(await desk.list({}, null, 100, 0))
    expect({ total: all.total, rows: all.rows.map((row) => row.seq) }).toEqual({ total: numbers.length, rows: numbers })
    for (const [place, seq] of numbers.entries())
      expect(orThrow(await desk.list({}, all.anchor, 1, place)).rows.map((row) => row.seq)).toEqual([seq])
    expect(orThrow(await desk.list({}, String(numbers[2]), 1, 1)).rows.map((row) => row.seq)).toEqual([numbers[4]])
  })

  it('gives the proofs that the station gives, also of a tree with stored hashes, and none that does not lead to the checkpoint', async () => {
    const long = await checkpointedStation(at('long.db'))
    await long.write(...Array.from({ length: 600 }, (_, index) => sampleIntent(index)))
    await long.checkpoint()
    await long.write(sampleIntent(600))
    const own = await long.log.show(auditSeq.parse(299))
    await long.exportTo(at('long.jsonl'))
    await long.close()
    orThrow(await desk.open(at('long.db')))
    expect(own?.proof).toContain('index 298')
    expect(orThrow(await desk.show(auditSeq.parse(299)))?.proof).toBe(own?.proof)
    expect(orThrow(await desk.show(auditSeq.parse(601)))?.proof).toBeNull()
    writeFileSync(at('long.jsonl'), readFileSync(at('long.jsonl'), 'utf8').replace('"seq":300,', '"seq":3000,'))
    expect(orThrow(await desk.open(at('long.jsonl'))).report.verdict).toBe('tampered')
    expect(orThrow(await desk.show(auditSeq.parse(299)))?.proof).toBeNull()
    orThrow(await desk.open(at('part.jsonl')))
    expect(orThrow(await desk.show(auditSeq.parse(size)))?.proof).toBeNull()
  })

  it('of which one byte was changed is shown, with the place named on top', async () => {
    writeFileSync(at('tampered.jsonl'), readFileSync(at('whole.jsonl'), 'utf8').replace('"Zoë"', '"Zoe"'))
    const log = orThrow(await desk.open(at('tampered.jsonl')))
    expect(verificationReport.parse(log.report)).toMatchObject({
      verdict: 'tampered',
      findings: [{ first: 1, last: 2, code: 'entry-unlinked' }],
    })
    expect(log.entries).toBe(size)
  })

  it('that was cut in the middle of a line is shown as far as it goes', async () => {
    const whole = readFileSync(at('whole.jsonl'))
    writeFileSync(at('cut.jsonl'), whole.subarray(0, whole.indexOf('"seq":9,') + 3))
    const log = orThrow(await desk.open(at('cut.jsonl')))
    expect(log).toMatchObject({ entries: 8, report: { verdict: 'tampered' } })
  })

  it('whose entry is no JSON any more still shows it where it stood, as one that proves nothing', async () => {
    writeFileSync(
      at('no-json.jsonl'),
      readFileSync(at('whole.jsonl'), 'utf8').replace('"operator":"Zoë"', '"operator":"Zoë'),
    )
    const log = orThrow(await desk.open(at('no-json.jsonl')))
    expect(log.report.verdict).toBe('tampered')
    const { rows } = orThrow(await desk.list({}, null, 100, 0))
    expect(rows.at(-1)).toMatchObject({
      seq: 1,
      event: 'unreadable',
      summary: expect.stringMatching(
        /recorded as “station-created”, cannot be read by this version and proves nothing/,
      ),
    })
  })

  it('leaves no index behind, not even one of a program that was killed', async () => {
    const own = join(folder, 'left')
    mkdirSync(own)
    writeFileSync(join(own, '0123456789abcdef.index'), 'left')
    const again = reviewDeskIn(own)
    expect(readdirSync(own)).toEqual([])
    orThrow(await again.open(at('whole.jsonl')))
    expect(readdirSync(own)).toHaveLength(1)
    orThrow(await again.open(at('older.jsonl')))
    expect(readdirSync(own)).toHaveLength(1)
    await again.close()
    expect(readdirSync(own)).toEqual([])
  })
})

describe('the own log', () => {
  it('is verified against the checkpoint beside it while the station has it open, and a cut one is named', async () => {
    const { desk } = reviewBench(folder)
    const text = readFileSync(checkpointFileOf(at('station.db')), 'utf8')
    const known = { vkey: vkey(), checkpoints: [{ path: 'beside', text }], witnesses: [] }
    expect(orThrow(await desk.verifyOwn(at('station.db'), known))).toMatchObject({
      verdict: 'verified',
      keyFrom: 'station',
      facts: { size, known: [size] },
    })
    await station.write(sampleIntent(9))
    expect(orThrow(await desk.verifyOwn(at('station.db'), known)).doubts).toMatchObject([
      { code: 'entries-without-checkpoint' },
    ])
    const other = await checkpointedStation(at('short.db'))
    await other.write(...sampleEntries().slice(0, 4))
    await other.checkpoint()
    await other.close()
    expect(orThrow(await desk.verifyOwn(at('short.db'), known))).toMatchObject({
      verdict: 'tampered',
      findings: [{ code: 'log-shorter', first: 5, last: size }],
    })
    await desk.close()
  })

  it('is stopped when that is wanted, and one log is read at a time', async () => {
    const { desk } = reviewBench(folder)
    const first = desk.open(at('whole.jsonl'))
    expect(await desk.open(at('older.jsonl'))).toMatchObject({ ok: false, error: { code: 'log-reader-busy' } })
    desk.cancel()
    expect(await first).toMatchObject({ ok: false, error: { code: 'cancelled' } })
    expect(orThrow(await desk.open(at('older.jsonl'))).entries).toBe(sampleEntries().length)
    await desk.close()
  })
})

describe('two logs of one station', () => {
  let desk: ReviewDesk
  beforeAll(() => {
    desk = reviewBench(folder).desk
  })
  afterAll(() => desk.close())

  it('are compared: the newer begins with the older', async () => {
    expect(await desk.compare(at('older.jsonl'), at('whole.jsonl'))).toMatchObject({
      ok: true,
      value: { verdict: 'verified', olderSize: size - 3, newerSize: size, checkedBy: 'tree' },
    })
    copyFileSync(at('whole.jsonl'), at('same.jsonl'))
    expect(await desk.compare(at('whole.jsonl'), at('same.jsonl'))).toMatchObject({
      value: { verdict: 'verified', sentence: expect.stringContaining('none was added') },
    })
  })

  it('are not, when the newer was written anew, cut off, or is another station’s', async () => {
    const anew = await checkpointedStation(at('anew.db'))
    await anew.write(...sampleEntries().toReversed(), sampleIntent(1))
    await anew.checkpoint()
    await anew.exportTo(at('anew.jsonl'))
    await anew.close()
    expect(await desk.compare(at('older.jsonl'), at('anew.jsonl'))).toMatchObject({
      value: { verdict: 'tampered', sentence: expect.stringContaining('does not begin with the older one') },
    })
    expect(await desk.compare(at('whole.jsonl'), at('older.jsonl'))).toMatchObject({
      value: { verdict: 'tampered', sentence: expect.stringContaining(`entries ${size - 2} to ${size} were cut off`) },
    })
    const other = await checkpointedStation(at('elsewhere.db'), sampleKey('other', 'elsewhere.example.org/log/1'))
    await other.write(...sampleEntries())
    await other.checkpoint()
    await other.exportTo(at('elsewhere.jsonl'))
    await other.close()
    expect(await desk.compare(at('older.jsonl'), at('elsewhere.jsonl'))).toMatchObject({
      value: { verdict: 'cannot-tell', sentence: expect.stringContaining('two stations') },
    })
  })

  it('are not told about when one cannot be read', async () => {
    expect(await desk.compare(at('none.jsonl'), at('whole.jsonl'))).toMatchObject({
      ok: false,
      error: { code: 'log-unreadable', message: expect.stringContaining('There is no file') },
    })
    expect(existsSync(at('none.jsonl'))).toBe(false)
  })
})
