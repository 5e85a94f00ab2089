import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { appendRequests } from '../../bench/testing/large-log.ts'
import { changing } from '../../src/main/ipc/answers.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, makeSharedTokens, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a log that is found broken while the station works (needs SoftHSM: apt-get install softhsm2)',
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

    /** Whoever can write the file can take the triggers away and put them back. */
    function edit(trigger: string, statement: string): void {
      const file = new BetterSqlite3(bench.profile.database)
      const sql = file.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(trigger)
      file.exec(`DROP TRIGGER ${trigger}; ${statement}; ${String(sql)}`)
      file.close()
    }

    test('ends all changes at once: nothing is approved, signed or fetched, and it can still be read', async () => {
      const work = await bench.ask(1)
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      edit(
        'audit_entry_no_update',
        `UPDATE audit_entry SET entry = CAST(replace(CAST(entry AS TEXT), 'desk', 'desc') AS BLOB) WHERE seq = 1`,
      )
      const entries = await bench.entries()
      expect((await bench.station.checkLog()).kind).toBe('broken')
      expect(bench.station.logState.kind).toBe('broken')

      const access = { current: () => bench.station }
      const refused = await changing(access, async ({ desk }) => desk.approve(bench.approval(detail)))
      expect(refused).toMatchObject({ ok: false, error: { code: 'log-not-trusted' } })
      // Even past that door nothing happens.
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('not-now')
      expect(bench.station.link.onDuty()).toBe(false)
      const fetches = () => bench.server.record.calls.filter((call) => call.route === 'work-request.fetch').length
      const before = fetches()
      await bench.station.desk.lookForWork(bench.server.apiUrl)
      expect(fetches()).toBe(before)
      expect(await bench.entries()).toEqual(entries)
      expect(await bench.signatures(work)).toEqual([])
      expect((await bench.show(work)).summary.stage).toBe('review')
    })

    test.each([
      [
        'a column that it is searched by was changed',
        'audit_entry_no_update',
        'UPDATE audit_entry SET input_sha256 = NULL WHERE seq = 4000',
      ],
      [
        'a line of its index was taken out',
        'audit_index_no_delete',
        'DELETE FROM audit_index WHERE kind = 1 AND seq = 4000',
      ],
    ])('is read whole after a start that looked at both ends only: %s', async (_name, trigger, statement) => {
      await bench.close()
      appendRequests(bench.profile.database, 8000)
      edit(trigger, statement)
      await bench.start()
      expect(bench.station.logState.kind).toBe('whole')
      await vi.waitFor(() => expect(bench.station.logState).toMatchObject({ kind: 'broken', firstBadSeq: 4000 }), {
        timeout: 60_000,
      })
      expect(await changing({ current: () => bench.station }, async () => ({ ok: true, value: null }))).toMatchObject({
        ok: false,
        error: { code: 'log-not-trusted' },
      })
    })
  },
)
