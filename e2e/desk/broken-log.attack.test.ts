import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
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
    function editEntry(seq: number): void {
      const file = new BetterSqlite3(bench.profile.database)
      const trigger = file.prepare(`SELECT sql FROM sqlite_schema WHERE name = 'audit_entry_no_update'`).pluck().get()
      file.exec('DROP TRIGGER audit_entry_no_update')
      file
        .prepare(
          `UPDATE audit_entry SET entry = CAST(replace(CAST(entry AS TEXT), 'desk', 'desc') AS BLOB) WHERE seq = ?`,
        )
        .run(seq)
      file.exec(String(trigger))
      file.close()
    }

    test('ends all changes at once: nothing is approved, signed or fetched, and it can still be read', async () => {
      const work = await bench.ask(1)
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      editEntry(1)
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
  },
)
