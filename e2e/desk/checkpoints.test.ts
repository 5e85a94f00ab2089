import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkpointFileName, checkpointFileOf } from '../../src/main/audit/checkpoint-file.ts'
import { contradictionFileOf } from '../../src/main/audit/contradiction.ts'
import { openCheckpoint } from '../../src/main/audit/format/checkpoint.ts'
import { formatVerifierKey, type VerifierKey } from '../../src/main/audit/format/signed-note.ts'
import { parseCommandLine } from '../../src/main/cli/verify-arguments.ts'
import { verifyTarget } from '../../src/main/cli/verify-target.ts'
import { changing } from '../../src/main/ipc/answers.ts'
import { requestBindings } from '../../src/main/ipc/requests.handlers.ts'
import { reviewBindings } from '../../src/main/ipc/review.handlers.ts'
import { reviewBench } from '../../src/main/log-review/testing/review-bench.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

function verify(target: string, ...options: readonly string[]) {
  const wanted = parseCommandLine([...options, target])
  if (wanted.kind !== 'wanted') throw new Error('wrong usage')
  return verifyTarget(wanted.wanted)
}

describe.skipIf(softHsmModule() === null)(
  'checkpoints of a station’s log (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
    })
    afterAll(() => tokens.dispose())
    beforeEach(async () => {
      bench = await DeskBench.make({ tokens })
    })
    afterEach(() => bench.dispose())

    const state = () => bench.station.checkpoints.state()
    function keyOfLog(): VerifierKey {
      const key = bench.station.checkpoints.key()
      if (key === null) throw new Error('the log has no key')
      return key
    }
    const entryCount = async () => (await bench.entries()).length
    /** Waits until every entry is covered, as it is a moment after the last one. */
    const untilCovered = () =>
      vi.waitFor(async () => expect(state()).toMatchObject({ size: await entryCount(), warnings: [] }), {
        timeout: 30_000,
      })

    /** The text of a file of the artifact that says what happened. */
    async function logFile(work: number, path: string): Promise<string | null> {
      const log = (await bench.server.outputs(work)).find(
        ({ category }) => category === 'debusine:work-request-debug-logs',
      )
      const file = log?.files.find((each) => each.path === path)
      return file === undefined ? null : Buffer.from(file.bytes).toString('utf8')
    }

    test('are signed with a key that was made with the station, named in its log, and sealed', async () => {
      const [created] = await bench.entries('log-key-created')
      expect(created).toMatchObject({ seq: 2, vkey: formatVerifierKey(keyOfLog()) })
      const record = readFileSync(bench.profile.logKey, 'utf8')
      expect(JSON.parse(record)).toMatchObject({ vkey: created?.['vkey'], sealed: { storage: 'nacl' } })
      await untilCovered()
      expect(openCheckpoint(readFileSync(checkpointFileOf(bench.profile.database), 'utf8'), keyOfLog()).ok).toBe(true)
    })

    test('cover a request before its result is returned, go with it, and prove its signatures', async () => {
      const work = await bench.ask(3)
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      const detail = await bench.until(work, 'done')
      const note = (await logFile(work, 'signing-station.checkpoint')) ?? ''
      const opened = openCheckpoint(note, keyOfLog())
      const outcomes = await bench.entries('signed')
      expect(opened.ok && opened.value.checkpoint.size).toBeGreaterThanOrEqual(outcomes.at(-1)?.seq ?? Infinity)

      const bindings = requestBindings({ current: () => bench.station }, '.sig', () => new Date())
      const saved = await bindings['outputs.save'].call({ requestId: detail.summary.id })
      expect(saved).toMatchObject({ kind: 'answered', answer: { ok: true, value: { files: 3, proofs: 3 } } })
      const [saveFolder = ''] = readdirSync(bench.profile.exports).filter((name) =>
        name.startsWith(`work-request-${work}`),
      )
      const folder = join(bench.profile.exports, saveFolder)
      const [proof = ''] = readdirSync(folder).filter((name) => name.endsWith('.tlog-proof'))
      // What the server has is a witness: with it the auditor trusts nobody's word.
      writeFileSync(join(folder, 'from-server'), note)
      const key = ['--vkey', readFileSync(join(folder, 'log.vkey'), 'utf8').trim()]
      expect(
        verify(join(folder, proof), ...key, '--file', join(folder, proof.replace('.tlog-proof', ''))),
      ).toMatchObject({
        kind: expect.stringMatching(/^(?:verified|cannot-tell)$/),
        file: { entries: [outcomes[0]?.seq] },
      })
      await bench.close()
      expect(verify(bench.profile.database, ...key, '--checkpoint', join(folder, 'from-server'))).toMatchObject({
        kind: 'verified',
      })
    })

    test('are few in a batch and cover all of it, the last entry too when the station is closed', async () => {
      const before = state()?.size ?? 0
      const work = await bench.ask(16)
      await bench.approve(work)
      await bench.untilCompleted(work)
      await bench.until(work, 'done')
      await bench.close()
      const file = new BetterSqlite3(bench.profile.database, { readonly: true })
      const sizes = file.prepare('SELECT size FROM audit_checkpoint WHERE size > ? ORDER BY size').pluck().all(before)
      const entries = file.prepare('SELECT max(seq) FROM audit_entry').pluck().get()
      file.close()
      expect(sizes.at(-1)).toBe(entries)
      expect(sizes.length).toBeLessThan(20)
    })

    test('that cannot be signed are a warning; what was approved is signed and returned without one', async () => {
      await untilCovered()
      const away = `${bench.profile.serviceKeys}-away`
      renameSync(bench.profile.serviceKeys, away)
      const work = await bench.ask(1)
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
      expect(state()).toMatchObject({ warnings: [{ code: 'checkpoint-not-signed', kind: 'unavailable' }] })
      expect(await logFile(work, 'signing-station.checkpoint')).toBeNull()
      expect(await logFile(work, 'signing-station.log')).not.toBeNull()
      renameSync(away, bench.profile.serviceKeys)
      orThrow(await bench.station.checkpoints.write())
      expect(state()).toMatchObject({ size: await entryCount(), warnings: [] })
    })

    test('are copied to the operator’s folders; one that is unplugged is a warning and stops nothing', async () => {
      const there = mkdtempSync(join(tmpdir(), 'medium-'))
      const gone = join(there, 'unplugged')
      orThrow(await bench.station.saveSettings({ ...bench.station.settings(), checkpointFolders: [there, gone] }))
      const copy = checkpointFileName(keyOfLog())
      await vi.waitFor(() => expect(existsSync(join(there, copy))).toBe(true), { timeout: 30_000 })
      await vi.waitFor(() => expect(state()).toMatchObject({ warnings: [{ code: 'copy-unwritable' }] }), {
        timeout: 30_000,
      })
      mkdirSync(gone)
      orThrow(await bench.station.checkpoints.write())
      await vi.waitFor(() => expect(state()).toMatchObject({ warnings: [] }), { timeout: 30_000 })
      expect(readFileSync(join(gone, copy), 'utf8')).toBe(readFileSync(join(there, copy), 'utf8'))
      rmSync(there, { recursive: true })
    })

    test('that the log contradicts while the station works end all changes at once', async () => {
      await untilCovered()
      const file = new BetterSqlite3(bench.profile.database)
      const seq = Number(file.prepare('SELECT max(seq) FROM audit_entry').pluck().get())
      const triggers = file
        .prepare<[], { name: string; sql: string }>(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
        .all()
      for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
      file.prepare('DELETE FROM audit_entry WHERE seq = ?').run(seq)
      for (const { sql } of triggers) file.exec(sql)
      file.close()
      expect(await bench.station.checkpoints.write()).toMatchObject({
        ok: false,
        error: { code: 'checkpoint-contradicted' },
      })
      await vi.waitFor(() => expect(bench.station.logState).toMatchObject({ kind: 'broken', firstBadSeq: seq }))
      const access = { current: () => bench.station }
      expect(await changing(access, async () => ({ ok: true, value: null }))).toMatchObject({
        ok: false,
        error: { code: 'log-not-trusted' },
      })
    })

    test('on a medium that the log put back does not contain are left as they are, and end all changes', async () => {
      const base = mkdtempSync(join(tmpdir(), 'medium-'))
      const medium = join(base, 'medium')
      mkdirSync(medium)
      const inside = join(bench.profile.dir, 'copies')
      expect(
        await bench.station.saveSettings({ ...bench.station.settings(), checkpointFolders: [medium, inside] }),
      ).toMatchObject({ ok: false, error: { code: 'copy-folder-inside' } })
      orThrow(await bench.station.saveSettings({ ...bench.station.settings(), checkpointFolders: [medium] }))
      const copy = join(medium, checkpointFileName(keyOfLog()))
      const sizeThere = () => {
        const opened = openCheckpoint(readFileSync(copy, 'utf8'), keyOfLog())
        return opened.ok ? opened.value.checkpoint.size : null
      }
      const untilCopied = async () => {
        await untilCovered()
        await vi.waitFor(async () => expect(sizeThere()).toBe(await entryCount()), { timeout: 30_000 })
      }
      await untilCopied()
      await bench.close()
      cpSync(bench.profile.dir, join(base, 'older'), { recursive: true })
      await bench.start()
      await bench.restart()
      await untilCopied()
      await bench.close()
      const evidence = readFileSync(copy, 'utf8')
      rmSync(bench.profile.dir, { recursive: true })
      cpSync(join(base, 'older'), bench.profile.dir, { recursive: true })

      await bench.start()
      await vi.waitFor(() => expect(bench.station.logState).toMatchObject({ kind: 'contradicted' }), {
        timeout: 30_000,
      })
      await vi.waitFor(() => expect(bench.station.checkpoints.contradictions()).toMatchObject([{ path: copy }]))
      expect(bench.station.logState).toMatchObject({ reason: expect.stringContaining(copy) })
      expect(state()?.warnings).toMatchObject([{ code: 'checkpoint-contradicts' }])
      const signedFor = state()?.size
      expect(await bench.station.checkpoints.write()).toMatchObject({ ok: false, error: { code: 'log-not-trusted' } })
      expect(await changing({ current: () => bench.station }, async () => ({ ok: true, value: null }))).toMatchObject({
        ok: false,
        error: { code: 'log-not-trusted' },
      })
      const { desk } = reviewBench(base)
      const bindings = reviewBindings({ current: () => bench.station }, desk, bench.profile.exports, 'nobody')
      expect(await bindings['audit.verify'].call({ source: 'station' })).toMatchObject({
        kind: 'answered',
        answer: { ok: true, value: { verdict: 'tampered', findings: [{ code: 'log-shorter' }] } },
      })
      await desk.close()
      await bench.close()
      expect(readFileSync(copy, 'utf8')).toBe(evidence)
      expect(readFileSync(checkpointFileOf(bench.profile.database), 'utf8')).toContain(`\n${signedFor}\n`)

      // Unplugged, and started again: what was found stays found.
      renameSync(medium, `${medium}-unplugged`)
      const stored = () => {
        const file = new BetterSqlite3(bench.profile.database, { readonly: true })
        const row = file
          .prepare(
            'SELECT (SELECT max(seq) FROM audit_entry) AS entries, (SELECT max(size) FROM audit_checkpoint) AS signed',
          )
          .get()
        file.close()
        return row
      }
      const before = stored()
      for (const without of ['nothing', 'the file', 'the row']) {
        const record = contradictionFileOf(bench.profile.database)
        if (without === 'the file') renameSync(record, `${record}-away`)
        if (without === 'the row') {
          renameSync(`${record}-away`, record)
          const file = new BetterSqlite3(bench.profile.database)
          const name = 'audit_contradiction_no_delete'
          const { sql } = file.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(name) as { sql: string }
          file.exec(`DROP TRIGGER ${name}; DELETE FROM audit_contradiction; ${sql}`)
          file.close()
        }
        await bench.start()
        expect(bench.station.logState, without).toMatchObject({
          kind: 'contradicted',
          reason: expect.stringContaining(copy),
        })
        expect(await bench.station.checkpoints.write()).toMatchObject({ ok: false })
        await bench.close()
        expect(stored(), without).toEqual(before)
      }

      // Only a person ends it, and the log says who and why.
      await bench.start()
      const [open] = bench.station.checkpoints.contradictions()
      expect(open).toMatchObject({ note: evidence, isContained: false, path: copy })
      expect(await bench.station.closeContradiction('00'.repeat(32), 'No such one.')).toMatchObject({
        ok: false,
        error: { code: 'no-such-contradiction' },
      })
      orThrow(await bench.station.closeContradiction(open?.id ?? '', 'The disk died; this is the evening’s copy.'))
      expect(bench.station.logState).toMatchObject({ kind: 'contradicted', reason: expect.stringContaining('again') })
      expect(bench.station.checkpoints.contradictions()).toEqual([])
      await bench.restart()
      expect(bench.station.logState).toMatchObject({ kind: 'whole' })
      expect(await bench.entries('contradiction-closed')).toMatchObject([
        { checkpoint: evidence, reason: 'The disk died; this is the evening’s copy.', contained: false, path: copy },
      ])
      // The medium comes back: its checkpoint is evidence still, and nothing is written over it.
      renameSync(`${medium}-unplugged`, medium)
      orThrow(await bench.station.checkpoints.write())
      await vi.waitFor(() => expect(state()?.warnings).toMatchObject([{ code: 'copy-closed' }]), { timeout: 30_000 })
      expect(bench.station.logState).toMatchObject({ kind: 'whole' })
      await bench.close()
      expect(readFileSync(copy, 'utf8')).toBe(evidence)

      // An older copy once more takes the closing with it.
      for (const suffix of ['', '-wal', '-shm', '.checkpoint']) {
        rmSync(`${bench.profile.database}${suffix}`, { force: true })
        if (existsSync(join(base, 'older', `station.db${suffix}`)))
          copyFileSync(join(base, 'older', `station.db${suffix}`), `${bench.profile.database}${suffix}`)
      }
      await bench.start()
      expect(bench.station.logState).toMatchObject({ kind: 'contradicted' })
      rmSync(base, { recursive: true })
    })

    test('beside the database do not stand for those from elsewhere when the log is verified', async () => {
      const base = mkdtempSync(join(tmpdir(), 'medium-'))
      const medium = join(base, 'medium')
      mkdirSync(medium)
      orThrow(await bench.station.saveSettings({ ...bench.station.settings(), checkpointFolders: [medium] }))
      await untilCovered()
      const { desk } = reviewBench(base)
      const bindings = reviewBindings({ current: () => bench.station }, desk, bench.profile.exports, 'nobody')
      const verified = () => bindings['audit.verify'].call({ source: 'station' })
      const copy = join(medium, checkpointFileName(keyOfLog()))
      await vi.waitFor(() => expect(existsSync(copy)).toBe(true))
      await bench.close()
      const old = readFileSync(copy, 'utf8')
      const size = Number(old.split('\n')[1])
      renameSync(medium, `${medium}-away`)
      await bench.start()
      await vi.waitFor(async () => expect(state()?.size).toBe(await entryCount()), { timeout: 30_000 })
      // The copy is over: the folder comes back to nobody who still wanted to write there.
      await vi.waitFor(() => expect(state()?.warnings).toMatchObject([{ code: 'copy-unwritable' }]), {
        timeout: 30_000,
      })
      mkdirSync(medium)
      writeFileSync(copy, old)
      expect(await verified()).toMatchObject({
        kind: 'answered',
        answer: {
          ok: true,
          value: {
            verdict: 'verified',
            sentence: expect.stringContaining(`the newest checkpoint from elsewhere is for ${size}.`),
          },
        },
      })
      rmSync(medium, { recursive: true })
      expect(await verified()).toMatchObject({
        answer: { value: { verdict: 'cannot-tell', doubts: [{ code: 'known-only-inside' }] } },
      })
      await desk.close()
      rmSync(base, { recursive: true })
    })

    test('beside an older copy of the database, or of one without its key, open it for reading only', async () => {
      const copies = mkdtempSync(join(tmpdir(), 'copies-'))
      await bench.close()
      copyFileSync(bench.profile.database, join(copies, 'old.db'))
      await bench.start()
      await untilCovered()
      await bench.close()
      copyFileSync(bench.profile.database, join(copies, 'new.db'))
      const put = (name: string, change: (file: BetterSqlite3.Database) => void = () => {}) => {
        for (const suffix of ['-wal', '-shm']) rmSync(`${bench.profile.database}${suffix}`, { force: true })
        copyFileSync(join(copies, name), bench.profile.database)
        const file = new BetterSqlite3(bench.profile.database)
        const triggers = file
          .prepare<[], { name: string; sql: string }>(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
          .all()
        for (const each of triggers) file.exec(`DROP TRIGGER ${each.name}`)
        change(file)
        for (const { sql } of triggers) file.exec(sql)
        file.close()
      }
      const found = async () => {
        await bench.start()
        const { logState } = bench.station
        const entries = await entryCount()
        await bench.close()
        return { logState, entries }
      }
      put('old.db')
      const old = await found()
      expect(old.logState).toMatchObject({ kind: 'broken', firstBadSeq: old.entries + 1 })
      put('new.db', (file) =>
        file.exec('DELETE FROM audit_cosignature; DELETE FROM audit_checkpoint; DELETE FROM audit_log_key'),
      )
      expect((await found()).logState).toMatchObject({ kind: 'broken', firstBadSeq: 2 })
      renameSync(checkpointFileOf(bench.profile.database), join(copies, 'file'))
      expect((await found()).logState).toMatchObject({ kind: 'broken', firstBadSeq: 2 })
      put('new.db')
      expect((await found()).logState).toMatchObject({ kind: 'broken' })
      renameSync(join(copies, 'file'), checkpointFileOf(bench.profile.database))
      // The newest copy is back, and contains what contradicted the older one. That it was there is for a person to close.
      expect((await found()).logState).toMatchObject({ kind: 'contradicted' })
      await bench.start()
      const [open] = bench.station.checkpoints.contradictions()
      expect(open).toMatchObject({ isContained: true, path: checkpointFileOf(bench.profile.database) })
      orThrow(
        await bench.station.closeContradiction(open?.id ?? '', 'I put the wrong copy there, and now the right one.'),
      )
      await bench.close()
      expect((await found()).logState).toMatchObject({ kind: 'whole' })
      rmSync(copies, { recursive: true })
    })
  },
)
