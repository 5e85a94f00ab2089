import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseCommandLine } from '../../src/main/cli/verify-arguments.ts'
import { verifyTarget } from '../../src/main/cli/verify-target.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { RequestId } from '../../src/shared/ids.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { benchPin, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'
import { askForIndex, type IndexKey, indexesOf, packetsOf, releaseOfToday, signersOf } from './testing/index-of-keys.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

// The station is killed (SIGKILL) before and after every step of an index that two keys sign, then started again on the same files.
// Whatever the point: no key signs twice, nothing leaves before both have signed, a part that was made is used and not made anew, and
// every intent has an outcome or stands in an incident that a person closes.

const child = fileURLToPath(new URL('./several-keys-child.ts', import.meta.url))
const killAt = fileURLToPath(new URL('../harness/kill-at.ts', import.meta.url))

describe.skipIf(softHsmModule() === null)(
  'killed while several keys sign (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let first: IndexKey
    let second: IndexKey
    let modes = 0
    const folder = mkdtempSync(join(tmpdir(), 'several-fault-'))
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      bench = await DeskBench.make({ tokens })
      const [token] = tokens.soft.tokens
      first = await registerOpenPgp(bench, token?.keys[0]?.ckaId ?? '', 'openpgp-repository')
      second = await registerOpenPgp(bench, token?.keys[1]?.ckaId ?? '', 'openpgp-repository')
      orThrow(await bench.station.setDuty(false))
      orThrow(await bench.station.setDuty(true))
    })
    afterAll(async () => {
      await bench.dispose()
      await tokens.dispose()
      rmSync(folder, { recursive: true, force: true })
    })
    afterEach(() => {
      expect(bench.server.record.violations).toEqual([])
    })

    test.for([
      // points at which one process after another is killed, stage after the new start, states of the part and of the output then
      [['decision:before'], 'review', null, null],
      [['decision:after'], 'interrupted', null, null],
      // The second key makes its part.
      [['intent:before'], 'interrupted', null, null],
      [['intent:after'], 'incident', 'begun', null],
      [['token:before'], 'incident', 'begun', null],
      [['token:after'], 'incident', 'begun', null],
      // Between these two it is put together and checked: nothing of that is on disk.
      [['outcome:before'], 'incident', 'begun', null],
      [['outcome:after'], 'interrupted', 'made', null],
      // The first key completes it.
      [['intent:before:2'], 'interrupted', 'made', null],
      [['intent:after:2'], 'incident', 'made', 'begun'],
      [['token:before:2'], 'incident', 'made', 'begun'],
      [['token:after:2'], 'incident', 'made', 'begun'],
      [['outcome:before:2'], 'incident', 'made', 'begun'],
      [['outcome:after:2'], 'done', 'made', 'signed'],
      [['upload:before'], 'done', 'made', 'signed'],
      [['upload:after'], 'done', 'made', 'signed'],
      [['completion:before'], 'done', 'made', 'signed'],
      [['completion:after'], 'done', 'made', 'signed'],
      // Killed again where it goes on: its first intent is the first key's.
      [['decision:after', 'outcome:after'], 'interrupted', 'made', null],
      [['outcome:after', 'intent:before'], 'interrupted', 'made', null],
      [['outcome:after', 'outcome:before'], 'incident', 'made', 'begun'],
      [['outcome:after', 'outcome:after'], 'done', 'made', 'signed'],
    ] as const)('at %s: nobody signs twice, and all sign or nothing leaves', async ([points, stage, part, whole]) => {
      const mode = modes++ % 2 === 0 ? 'clear' : 'detached'
      const victims = points.map(victim)
      const text = releaseOfToday()
      const work = await askForIndex(bench, [first, second], text, mode)
      const { id } = (await bench.until(work, 'review')).summary
      await bench.close()
      for (const kill of victims) await kill(id)
      expect(await indexesOf(bench, work)).toHaveLength(mayHaveLeft.has(points[0]) ? 1 : 0)
      await bench.start()

      const halted = await bench.until(work, stage)
      const kept = await rowsOf(id)
      expect(kept.parts.map(({ state }) => state)).toEqual(part === null ? [] : [part])
      expect(kept.wholes.map(({ state }) => state)).toEqual(whole === null ? [] : [whole])
      if (stage !== 'done') expect(await indexesOf(bench, work)).toEqual([])
      if (stage === 'incident') {
        const open = [...kept.parts, ...kept.wholes].filter(({ state }) => state === 'begun')
        const opened = (await entriesOf(id)).filter(({ event }) => event === 'incident-opened')
        expect(opened.map((entry) => entry['openIntents'])).toEqual([open.map((row) => row.intent_seq)])
      }
      await goOn(halted)

      const released = stage !== 'incident'
      expect(await bench.untilCompleted(work)).toBe(released ? 'success' : 'failure')
      const done = await bench.until(work, 'done')
      expect(done.summary).toMatchObject({ signedCount: released ? 1 : 0, outcome: released ? 'signed' : 'failed' })
      const indexes = await indexesOf(bench, work)
      expect(indexes).toHaveLength(released ? 1 : 0)
      const { parts, wholes } = await rowsOf(id)
      // What was made before the kill is as it was, and nothing was made anew.
      if (part === 'made') expect(parts).toEqual(kept.parts)
      if (whole === 'signed') expect(wholes).toEqual(kept.wholes)
      const unknown = (state: string | null) => (state === null ? [] : [state === 'begun' ? 'unknown' : state])
      expect(parts.map(({ state }) => state)).toEqual(released ? ['made'] : unknown(part))
      expect(wholes.map(({ state }) => state)).toEqual(released ? ['signed'] : unknown(whole))
      for (const { bytes } of indexes) {
        expect(signersOf(folder, [first, second], { mode, bytes, text })).toEqual(
          [first, second].map(({ fingerprint }) => fingerprint),
        )
        expect(packetsOf(bytes).includes(Buffer.from(parts[0]?.packet ?? []))).toBe(true)
      }
      // The next index of the suite is compared with what was released last, whoever was killed when it was made.
      const { db } = bench.station.database
      const last = await db.selectFrom('signed_release').select('request_id').executeTakeFirst()
      expect(last?.request_id === id).toBe(released)
      await checkLog(id)
    })

    test('the log of all that verifies, and the intents without an outcome are those that a person has looked into', async () => {
      const inDoubt = (await bench.entries('incident-opened')).flatMap((entry) => entry['openIntents'])
      const { vkey } = await bench.station.database.db
        .selectFrom('audit_log_key')
        .select('vkey')
        .executeTakeFirstOrThrow()
      await bench.close()
      const { database } = bench.profile
      const wanted = parseCommandLine([
        '--vkey',
        vkey,
        '--checkpoint',
        `${database}.checkpoint`,
        '--read-entries',
        database,
      ])
      if (wanted.kind !== 'wanted') throw new Error('wrong usage')
      expect(verifyTarget(wanted.wanted)).toMatchObject({ kind: 'verified', facts: { openIntents: inDoubt } })
      await bench.start()
    })

    /** Until the output's own row is there nothing has left; these come later. */
    const mayHaveLeft: ReadonlySet<string> = new Set(['upload:after', 'completion:before', 'completion:after'])

    /** A process that reads itself in while the station is still open, and opens it when it is told to; it is killed at the point. */
    function victim(point: string): (id: RequestId) => Promise<void> {
      const run = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', killAt, child], {
        env: { ...process.env, STATION_KILL_AT: point },
      })
      const ended = new Promise((resolve) => run.once('close', (_code, signal) => resolve(signal)))
      const said = Promise.all([textOf(run.stdout), textOf(run.stderr)])
      return async (id) => {
        const { configuration } = tokens.soft
        run.stdin.end(JSON.stringify({ profile: bench.profile.dir, configuration, id, pin: benchPin }))
        const [out, error] = await said
        expect([await ended, out], error).toEqual(['SIGKILL', ''])
      }
    }

    /** Does what the screens offer. */
    async function goOn(detail: RequestDetail): Promise<void> {
      const { desk } = bench.station
      switch (detail.summary.stage) {
        case 'review':
          await bench.showSheet(detail)
          return void orThrow(await desk.approve(bench.approval(detail)))
        case 'interrupted': {
          const { acknowledged: _, ...typed } = bench.approval(detail)
          return void orThrow(await desk.resume(typed))
        }
        case 'incident':
          return void orThrow(await desk.closeIncident(detail.summary.id, 'Looked at the token.'))
        default:
      }
    }

    async function rowsOf(id: RequestId) {
      const { db } = bench.station.database
      return {
        parts: await db.selectFrom('further_signature').selectAll().where('request_id', '=', id).execute(),
        wholes: await db.selectFrom('signature').selectAll().where('request_id', '=', id).execute(),
      }
    }

    async function entriesOf(id: RequestId) {
      return (await bench.entries()).filter((entry) => entry['requestId'] === id)
    }

    async function checkLog(id: RequestId): Promise<void> {
      const entries = await entriesOf(id)
      const of = (event: string) => entries.filter((entry) => entry.event === event)
      expect(of('approved')).toHaveLength(1)
      for (const { fingerprint } of [first, second]) {
        const by = (event: string) => of(event).filter((entry) => entry['fingerprint'] === fingerprint)
        // None was withdrawn here: each key is asked once at most.
        expect(by('intent').length).toBeLessThanOrEqual(1)
        expect(by('signed').length).toBeLessThanOrEqual(1)
      }
      expect(of('sign-failed')).toEqual([])
      const outcomes = of('signed').map((entry) => entry['intentSeq'])
      const inDoubt: readonly unknown[] = of('incident-opened').flatMap((entry) => entry['openIntents'])
      expect(new Set([...outcomes, ...inDoubt])).toEqual(new Set(of('intent').map(({ seq }) => seq)))
      expect(outcomes.filter((seq) => inDoubt.includes(seq))).toEqual([])
      expect(of('incident-closed')).toHaveLength(of('incident-opened').length)
    }
  },
)
