import BetterSqlite3 from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// Somebody writes into the database while the station runs, past its triggers. A row is not believed where the log has to say so.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)('rows that were exchanged (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({ tokens })
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
  })

  /** As whoever has the file could: the triggers of a table are taken away and put back. */
  function edit(table: string, change: (file: BetterSqlite3.Database) => void): void {
    const file = new BetterSqlite3(bench.profile.database)
    const triggers = file
      .prepare<[string], { name: string; sql: string }>(
        `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?`,
      )
      .all(table)
    for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
    change(file)
    for (const { sql } of triggers) file.exec(sql)
    file.close()
  }

  test('an output that waits for its server is returned only if the log says that it was made', async () => {
    const earlier = await bench.ask(1)
    await bench.approve(earlier)
    await bench.until(earlier, 'done')
    const before = (await bench.show(earlier)).summary.id
    const work = await bench.ask(1)
    const id = (await bench.until(work, 'review')).summary.id
    let exchanged = 0
    bench.at('upload', 'before', () =>
      edit('signature', (file) => {
        exchanged += file
          .prepare(
            `UPDATE signature SET (output, output_sha256) = (SELECT output, output_sha256 FROM signature WHERE request_id = ?) WHERE request_id = ?`,
          )
          .run(before, id).changes
      }),
    )
    orThrow(await bench.station.desk.recheck(id))
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    await vi.waitFor(async () => expect((await bench.show(work)).failure?.code).toBe('output-changed'), 20_000)
    expect(exchanged).toBe(1)
    expect((await bench.server.outputs(work)).map(({ category }) => category)).not.toContain('debusine:signing-output')
    bench.server.abort(work)
  })

  test('a request that was made to look approved and interrupted is not gone on with', async () => {
    await bench.dispose()
    bench = await DeskBench.make({ tokens })
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const { id } = detail.summary
    const approval = { sheetDigest: detail.sheetDigest, operator: 'Release Manager', at: new Date().toISOString() }
    const failure = { kind: 'unavailable', code: 'cancelled', message: 'It was stopped.' }
    edit('decision', (file) => {
      file
        .prepare(`INSERT INTO decision VALUES (?, 'approved', ?, 'Release Manager', NULL, ?)`)
        .run(id, detail.sheetDigest, approval.at)
      file
        .prepare(`UPDATE request SET stage = 'interrupted', state = ? WHERE id = ?`)
        .run(JSON.stringify({ kind: 'interrupted', approval, failure }), id)
    })
    expect((await bench.show(work)).summary.stage).toBe('interrupted')
    expect(codeOf(await bench.station.desk.resume(bench.approval(detail)))).toBe('approval-not-logged')
    expect(await bench.entries('intent')).toEqual([])
    orThrow(await bench.station.desk.giveUp(id, 'nobody approved it'))
    expect(await bench.untilCompleted(work)).toBe('failure')
    await bench.until(work, 'done')
  })
})
