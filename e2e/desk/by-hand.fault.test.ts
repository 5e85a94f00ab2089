import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { showRequest } from '../../src/main/requests/request-lists.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { type RequestId, requestId } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { buildPe } from '../workbench/pe-files.ts'
import { benchPin, DeskBench, makeSharedTokens, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

// The station is killed (SIGKILL) before and after each write of a request by hand, then started again on the same files. Whatever the
// point: a file is signed once for its decision, and a signature is there whole or not at all, and never a second thing beside it.

const child = fileURLToPath(new URL('./by-hand-child.ts', import.meta.url))
const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))

describe.skipIf(softHsmModule() === null)(
  'killed while files are opened by hand (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let folder = ''
    let seed = 0
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens })
      folder = mkdtempSync(join(tmpdir(), 'by-hand-fault-'))
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
      rmSync(folder, { recursive: true, force: true })
    })

    test.for([
      // point, whether the request is there, stage after the new start, signatures that are released in the end
      ['open:before', null, 0],
      ['open:after', 'review', 2],
      ['decision:before', 'review', 2],
      ['decision:after', 'interrupted', 2],
      ['token:after', 'incident', 0],
      ['outcome:after', 'interrupted or incident', 1],
      ['deliver:before', 'done', 2],
      ['place:before', 'done', 2],
      ['place:after', 'done', 2],
      ['deliver:after', 'done', 2],
      ['delivered:after', 'done', 2],
      ['deliver:before:2', 'done', 2],
    ] as const)('at %s: nothing is lost, and nothing is signed or written twice', async ([point, after, least]) => {
      const paths = [0, 1].map((each) => {
        const path = join(folder, `${point.replaceAll(':', '-')}-${each}.efi`)
        writeFileSync(path, buildPe(500 + seed++))
        return path
      })
      await bench.close()
      const run = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', killAt, child], {
        input: JSON.stringify({
          profile: bench.profile.dir,
          configuration: tokens.soft.configuration,
          paths,
          fingerprint: bench.fingerprint,
          pin: benchPin,
        }),
        env: { ...process.env, STATION_KILL_AT: point },
        encoding: 'utf8',
      })
      expect([run.signal, run.stdout], run.stderr).toEqual(['SIGKILL', ''])
      await bench.start()

      const row = await bench.station.database.db
        .selectFrom('hand_file')
        .select('request_id')
        .where('named', '=', paths[0] ?? '')
        .executeTakeFirst()
      expect(row === undefined).toBe(after === null)
      // What was copied for a request that never came to be is taken away at the start.
      if (row === undefined) expect(readdirSync(bench.profile.spool)).toEqual([])
      else await goOn(requestId.parse(row.request_id), after ?? '')
      const entries = (await bench.entries()).filter((entry) => entry['requestId'] === row?.request_id)
      const signed = entries.filter(({ event }) => event === 'signed')
      const delivered = entries.filter(({ event }) => event === 'output-delivered')
      expect(signed.length).toBeGreaterThanOrEqual(least)
      for (const ordinal of [0, 1]) {
        expect(signed.filter((entry) => entry['ordinal'] === ordinal).length).toBeLessThanOrEqual(1)
        expect(delivered.filter((entry) => entry['ordinal'] === ordinal).length).toBe(
          signed.filter((entry) => entry['ordinal'] === ordinal).length,
        )
      }
      expect(delivered.every((entry) => entry['how'] === 'written')).toBe(true)
      for (const path of paths) {
        const named = delivered.some((entry) => entry['path'] === `${path}.sig`)
        expect(existsSync(`${path}.sig`)).toBe(named)
        if (named) expect(readFileSync(`${path}.sig`)[0]).toBe(0x30)
      }
      expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([])
    })

    /** Does what the screens offer at each stage, until it is done. */
    async function goOn(id: RequestId, first: string): Promise<void> {
      const seen = new Set<string>()
      await vi.waitFor(
        async () => {
          const detail = await showRequest(bench.station.database.db, id)
          const { desk } = bench.station
          const stage = detail?.summary.stage ?? ''
          if (stage !== 'preparing' && stage !== 'returning' && stage !== 'signing') seen.add(stage)
          if (detail === null || detail.sheetDigest === null) throw new Error(`it is ${stage}`)
          if (stage === 'done') return
          if (stage === 'review') {
            await bench.showSheet(detail)
            await desk.approve(bench.approval(detail))
          }
          if (stage === 'incident') await desk.closeIncident(id, 'Looked at the token.')
          if (stage === 'interrupted')
            await desk.resume({
              requestId: id,
              sheetDigest: detail.sheetDigest,
              pin: Secret.fromText(benchPin),
              useLastTry: false,
            })
          throw new Error(`it is ${stage}`)
        },
        { timeout: 100_000, interval: 50 },
      )
      expect(first).toContain([...seen][0] ?? '')
    }
  },
)
