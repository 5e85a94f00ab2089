import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a request that nobody works on any more (needs SoftHSM: apt-get install softhsm2)',
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

    test('because its folder cannot be made says so, and is prepared when it can', async () => {
      rmSync(bench.profile.spool, { recursive: true })
      writeFileSync(bench.profile.spool, 'in the way')
      const work = await bench.ask(1)
      const failed = await bench.until(work, 'unprepared')
      expect(failed.failure?.code).toBe('defect')
      rmSync(bench.profile.spool)
      mkdirSync(bench.profile.spool)
      orThrow(await bench.station.desk.recheck(failed.summary.id))
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
    })

    test('because its end could not be recorded becomes an incident as soon as the log can be written, without a restart', async () => {
      const work = await bench.ask(1)
      let other: BetterSqlite3.Database | null = null
      bench.at('outcome', 'before', () => {
        other = new BetterSqlite3(bench.profile.database)
        other.exec('BEGIN IMMEDIATE')
      })
      await bench.approve(work)
      await vi.waitFor(() => expect(bench.lines.map((line) => line.event)).toContain('request.incident-not-recorded'), {
        timeout: 60_000,
      })
      // Opened by the callback above, which the compiler cannot see.
      const locked = other as BetterSqlite3.Database | null
      locked?.exec('ROLLBACK')
      locked?.close()
      await vi.waitFor(
        async () => {
          await bench.station.desk.watchHeld()
          expect((await bench.show(work)).summary.stage).toBe('incident')
        },
        { timeout: 60_000 },
      )
      expect(await bench.entries('incident-opened')).toHaveLength(1)
      expect(await bench.server.outputs(work)).toEqual([])
      orThrow(await bench.station.desk.closeIncident((await bench.show(work)).summary.id, 'The disk was full.'))
      expect(await bench.untilCompleted(work)).toBe('failure')
    })

    test('because a file of it cannot be read is signed whole when it can', async () => {
      const work = await bench.ask(3)
      const detail = await bench.until(work, 'review')
      const path = join(bench.profile.spool, detail.summary.id, '1.input')
      bench.at('decision', 'after', () => renameSync(path, `${path}.away`))
      await bench.approve(work)
      const stopped = await bench.until(work, 'interrupted')
      expect(stopped.failure?.code).toBe('file-unreadable')
      renameSync(`${path}.away`, path)
      const { acknowledged: _, ...resumption } = bench.approval(stopped)
      orThrow(await bench.station.desk.resume(resumption))
      expect(await bench.untilCompleted(work)).toBe('success')
      expect((await bench.signatures(work)).map((row) => row.state)).toEqual(['signed', 'signed', 'signed'])
    })
  },
)
