import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { compileFaultModule, type Fault, faultEnvironment } from '../../src/main/token/testing/fault-module.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import type { RouteName } from '../sandbox-server/route-names.ts'
import { codeOf, DeskBench, type DeskBenchOptions, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

describe.skipIf(softHsmModule() === null)(
  'a request that is interrupted (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let module: string | null = null
    beforeAll(async () => {
      tokens = await makeSharedTokens()
      module = compileFaultModule(tokens.folder)
    })
    afterAll(() => tokens.dispose())
    afterEach(() => bench.dispose())

    const noCompiler = 'there is no C compiler (apt-get install gcc)'
    const calls = () => join(tokens.folder, 'calls')
    async function open(options: Partial<DeskBenchOptions> = {}): Promise<void> {
      bench = await DeskBench.make({ tokens, ...options })
    }
    /** A station whose token misbehaves from the n-th signature on; the first is the proof of possession at registration. */
    async function openFaulty(fault: Fault, after = 0): Promise<void> {
      await open({
        module: module ?? '',
        environment: faultEnvironment(fault, tokens.soft.module, calls(), after),
      })
    }

    const resumption = (detail: RequestDetail) => {
      const { acknowledged: _, ...input } = bench.approval(detail)
      return input
    }
    const states = async (work: number) => (await bench.signatures(work)).map((row) => row.state)

    /** Each file signed at most once, and asked for again only after an intent that was withdrawn. */
    async function expectSignedOnce(work: number): Promise<void> {
      const id = await bench.idOf(work)
      const all = (await bench.entries()).filter((entry) => entry['requestId'] === id)
      const of = (event: string, ordinal: unknown) =>
        all.filter((entry) => entry.event === event && entry['ordinal'] === ordinal)
      for (const ordinal of new Set(all.map((entry) => entry['ordinal']).filter((each) => each !== undefined))) {
        expect(of('signed', ordinal).length).toBeLessThanOrEqual(1)
        const withdrawn = of('sign-failed', ordinal).filter((entry) => entry['signatureMayExist'] === false)
        expect(of('intent', ordinal).length).toBeLessThanOrEqual(1 + withdrawn.length)
      }
      expect(all.filter((entry) => entry.event === 'approved')).toHaveLength(1)
    }
    const outputOf = async (work: number) => {
      const outputs = (await bench.server.outputs(work)).filter((each) => each.category === 'debusine:signing-output')
      expect(outputs.length).toBeLessThanOrEqual(1)
      expect(outputs.flatMap((output) => output.incomplete)).toEqual([])
      const [output] = outputs
      if (output === undefined) return null
      const { results } = output.data as { results: { output_file: string | null; error_message: string | null }[] } // ours
      return { files: output.files.map((file) => file.path), results }
    }

    test('between two files goes on under the same decision, and each file is signed once', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await openFaulty('delay')
      const work = await bench.ask(5)
      await bench.until(work, 'review')
      const id = (await bench.show(work)).summary.id
      bench.at('token', 'before', () => void bench.station.desk.cancel(id), 2)
      await bench.approve(work)
      const stopped = await bench.until(work, 'interrupted')
      expect(stopped.failure?.code).toBe('cancelled')
      const signed = (await states(work)).filter((state) => state === 'signed').length
      expect(signed).toBeGreaterThan(0)
      expect(signed).toBeLessThan(5)
      expect(await states(work)).not.toContain('begun')
      expect(await bench.server.outputs(work)).toEqual([])
      // A word that would make it another decision is refused.
      expect(codeOf(await bench.station.desk.decline(id, 'no'))).toBe('not-now')
      expect(codeOf(await bench.station.desk.approve(bench.approval(stopped)))).toBe('not-now')
      bench.published.length = 0
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      expect(await bench.untilCompleted(work)).toBe('success')
      const progress = bench.published.filter(({ event }) => event === 'signing.progress').map(({ payload }) => payload)
      expect(progress[0]).toEqual({ requestId: id, signed, total: 5, phase: 'login' })
      expect(progress.at(-1)).toEqual({ requestId: id, signed: 5, total: 5, phase: 'signing' })
      expect((await outputOf(work))?.files).toHaveLength(5)
      await expectSignedOnce(work)
    })

    test('and given up returns what is signed and says of the rest that it is not', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await openFaulty('delay')
      const work = await bench.ask(4)
      await bench.until(work, 'review')
      const id = (await bench.show(work)).summary.id
      bench.at('token', 'before', () => void bench.station.desk.cancel(id), 2)
      await bench.approve(work)
      await bench.until(work, 'interrupted')
      const signed = (await states(work)).filter((state) => state === 'signed').length
      orThrow(await bench.station.desk.giveUp(id, 'Enough for today.'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      expect((await bench.until(work, 'done')).summary.outcome).toBe('partly-signed')
      const output = await outputOf(work)
      expect(output?.files).toHaveLength(signed)
      expect(output?.results).toHaveLength(4)
      for (const result of output?.results ?? [])
        expect(result.output_file === null).toBe(result.error_message !== null)
      expect(bench.server.record.completions.at(-1)).toMatchObject({
        outputData: { errors: [{ code: 'partly-signed', message: expect.stringContaining('Enough for today.') }] },
      })
    })

    test('when its last file is at the token is finished, not partly signed; declining it then changes nothing', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await openFaulty('delay')
      const work = await bench.ask(1)
      await bench.until(work, 'review')
      const { desk } = bench.station
      const id = (await bench.show(work)).summary.id
      let declined: Promise<string> = Promise.resolve('not asked')
      bench.at('token', 'before', () => {
        declined = desk.decline(id, 'too late').then(codeOf)
        void desk.cancel(id)
      })
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      expect(await declined).toBe('not-now')
      expect((await bench.until(work, 'done')).summary.outcome).toBe('signed')
    })

    test('by the end of the station waits for the PIN after the next start', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await openFaulty('delay')
      const work = await bench.ask(4)
      await bench.until(work, 'review')
      let closing: Promise<void> = Promise.resolve()
      bench.at('token', 'before', () => {
        closing = bench.close()
      })
      const reached = new Promise<void>((resolve) => bench.at('token', 'after', resolve))
      await bench.approve(work)
      await reached
      await closing
      await bench.start()
      const stopped = await bench.until(work, 'interrupted')
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      expect(await bench.untilCompleted(work)).toBe('success')
      await expectSignedOnce(work)
    })

    test('by the death of the token process is an incident; closed, it returns what is certain and never signs the rest', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      // The count is per process: two of the six are signed, the third is never answered.
      await openFaulty('hang', 2)
      const work = await bench.ask(6)
      await bench.approve(work)
      const host = await vi.waitFor(
        () => {
          const pid = Number(/(\d+)\n$/.exec(readFileSync(calls(), 'utf8'))?.[1])
          if (!Number.isInteger(pid)) throw new Error('the module does not hang yet')
          return pid
        },
        { timeout: 60_000 },
      )
      process.kill(host, 'SIGKILL')
      const incident = await bench.until(work, 'incident')
      const before = await states(work)
      expect(before.filter((state) => state === 'begun').length).toBeGreaterThan(0)
      expect((await bench.entries('incident-opened'))[0]?.['openIntents']).toEqual(
        (await bench.signatures(work)).filter((row) => row.state === 'begun').map((row) => row.intent_seq),
      )
      // Nothing leaves while it is open, no decision is taken again, and a restart changes nothing of that.
      await bench.restart()
      expect((await bench.show(work)).summary.stage).toBe('incident')
      expect(await bench.server.outputs(work)).toEqual([])
      const { id } = incident.summary
      expect(codeOf(await bench.station.desk.resume(resumption(incident)))).toBe('not-now')
      expect(codeOf(await bench.station.desk.approve(bench.approval(incident)))).toBe('not-now')
      expect(codeOf(await bench.station.desk.decline(id, 'no'))).toBe('not-now')

      orThrow(await bench.station.desk.closeIncident(id, 'The token was looked at.'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      await bench.until(work, 'done')
      const after = await states(work)
      expect(after).toEqual(before.map((state) => (state === 'begun' ? 'unknown' : state)))
      const output = await outputOf(work)
      expect(output?.files ?? []).toHaveLength(after.filter((state) => state === 'signed').length)
      for (const [ordinal, state] of after.entries()) {
        const result = output?.results[ordinal]
        if (state === 'unknown') expect(result?.error_message).toContain('outcome is not known')
      }
      await expectSignedOnce(work)
    })

    test('by a change in the spool after the approval signs nothing of that file, and says so in the log', async () => {
      await open()
      const work = await bench.ask(4)
      await bench.until(work, 'review')
      const id = (await bench.show(work)).summary.id
      bench.at('decision', 'after', () => {
        const path = join(bench.profile.spool, id, '2.input')
        const bytes = readFileSync(path)
        bytes.writeUInt8(bytes.readUInt8(2048) ^ 1, 2048)
        writeFileSync(path, bytes)
      })
      await bench.approve(work)
      const stopped = await bench.until(work, 'interrupted')
      expect(stopped.failure?.code).toBe('input-changed')
      expect((await bench.signatures(work)).find((row) => row.ordinal === 2)).toMatchObject({
        state: 'failed',
        output: null,
      })
      expect((await bench.entries('sign-failed')).filter((entry) => entry['ordinal'] === 2)).toMatchObject([
        { code: 'input-changed', signatureMayExist: false },
      ])
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      expect(await bench.untilCompleted(work)).toBe('failure')
      expect(await states(work)).toEqual(['signed', 'signed', 'failed', 'signed'])
      const output = await outputOf(work)
      expect(output?.results.map((result) => result.output_file !== null)).toEqual([true, true, false, true])
      await expectSignedOnce(work)
    })

    test('by a log that cannot take the outcome releases nothing, and is an incident after a restart', async () => {
      await open()
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
      // Closed by the callback above, which the compiler cannot see.
      const locked = other as BetterSqlite3.Database | null
      locked?.exec('ROLLBACK')
      locked?.close()
      expect(await states(work)).toEqual(['begun'])
      expect(await bench.server.outputs(work)).toEqual([])
      await bench.restart()
      const incident = await bench.until(work, 'incident')
      orThrow(await bench.station.desk.closeIncident(incident.summary.id, 'The disk was repaired.'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      expect(await states(work)).toEqual(['unknown'])
      expect((await outputOf(work))?.files).toEqual([])
      await expectSignedOnce(work)
    })

    test('by a log that cannot take the intent asks the token for nothing', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await openFaulty('none')
      const work = await bench.ask(2)
      let other: BetterSqlite3.Database | null = null
      bench.at('intent', 'before', () => {
        other = new BetterSqlite3(bench.profile.database)
        other.exec('BEGIN IMMEDIATE')
      })
      await bench.until(work, 'review')
      writeFileSync(calls(), '')
      await bench.approve(work)
      await vi.waitFor(() => expect(bench.lines.map((line) => line.event)).toContain('request.end-not-recorded'), {
        timeout: 60_000,
      })
      const locked = other as BetterSqlite3.Database | null
      locked?.exec('ROLLBACK')
      locked?.close()
      // It was logged in to, and never asked to sign.
      expect(readFileSync(calls(), 'utf8')).toBe('L')
      expect(await states(work)).toEqual([])
      await bench.restart()
      const stopped = await bench.until(work, 'interrupted')
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      expect(await bench.untilCompleted(work)).toBe('success')
    })

    test.each<[RouteName, number, 'before' | 'after']>([
      ['artifact.create', 1, 'after'],
      ['file.upload', 2, 'before'],
      ['file.upload', 2, 'after'],
      ['relation', 1, 'after'],
      ['artifact.create', 2, 'after'],
      ['work-request.complete', 1, 'before'],
      ['work-request.complete', 1, 'after'],
    ])(
      'by the loss of the server at %s (call %i, %s it was served) is returned once when the server is back',
      async (route, nth, when) => {
        await open()
        const work = await bench.ask(2)
        await bench.until(work, 'review')
        bench.server.faults.add({ route, nth, fault: { kind: 'server-lost', when } })
        await bench.approve(work)
        await vi.waitFor(() => expect(bench.server.online).toBe(false), { timeout: 60_000 })
        const failed = await vi.waitFor(
          async () => {
            const detail = await bench.show(work)
            if (detail.failure === null) throw new Error(`it is ${detail.summary.stage}`)
            return detail
          },
          { timeout: 120_000 },
        )
        expect(failed.summary.stage).toBe('returning')
        expect(failed.failure?.code).toBe('server-unreachable')
        await bench.server.comeOnline()
        orThrow(await bench.station.desk.returnAgain(failed.summary.id))
        expect(await bench.untilCompleted(work)).toBe('success')
        expect((await bench.until(work, 'done')).summary.outcome).toBe('signed')
        expect((await outputOf(work))?.files).toHaveLength(2)
        const logs = (await bench.server.outputs(work)).filter(
          (each) => each.category === 'debusine:work-request-debug-logs',
        )
        expect(logs.map((log) => log.incomplete)).toEqual([[]])
        await expectSignedOnce(work)
      },
    )

    test.each(['0.11', '0.16'] as const)(
      'no more: handed out again by a %s, it gets the same answer and nothing is signed twice',
      async (dialect) => {
        await open({ dialect })
        const answers: (readonly [number, string])[] = []
        const signedWork = await bench.ask(2)
        await bench.approve(signedWork)
        answers.push([signedWork, await bench.untilCompleted(signedWork)])
        await bench.until(signedWork, 'done')
        const declinedWork = await bench.ask(1)
        const declined = await bench.until(declinedWork, 'review')
        orThrow(await bench.station.desk.decline(declined.summary.id, 'Not this one.'))
        answers.push([declinedWork, await bench.untilCompleted(declinedWork)])
        await bench.until(declinedWork, 'done')

        for (const [work, result] of answers) {
          const rows = await bench.signatures(work)
          const told = () => bench.server.record.completions.filter((each) => each.workRequestId === work)
          const forgotten = bench.server.workRequest(work) as { status: string; worker: number | null; result: string }
          // As a server that was set back to a copy from before our answer.
          Object.assign(forgotten, { status: 'pending', worker: null, result: '' })
          await vi.waitFor(() => expect(told()).toHaveLength(2), { timeout: 60_000 })
          expect(await bench.untilCompleted(work)).toBe(result)
          await bench.until(work, 'done')
          expect(told()[1]).toMatchObject({ result, outputData: withoutTimes(told()[0]?.outputData) })
          expect(await bench.signatures(work)).toEqual(rows)
          expect((await bench.story(work)).filter((event) => event === 'returned')).toHaveLength(2)
        }
        expect((await outputOf(signedWork))?.files).toHaveLength(2)
        await expectSignedOnce(signedWork)
      },
    )

    test.each(['0.11', '0.16'] as const)(
      'by nothing leaves the next one that waits at a %s to come by itself',
      async (dialect) => {
        await open({ dialect })
        const works = [await bench.ask(1), await bench.ask(2), await bench.ask(3)]
        for (const work of works) {
          const detail = await bench.until(work, 'review')
          orThrow(await bench.station.desk.decline(detail.summary.id, 'next'))
          expect(await bench.untilCompleted(work)).toBe('failure')
        }
        expect(bench.server.record.violations).toEqual([])
      },
    )
  },
)

function withoutTimes(outputData: unknown): unknown {
  if (typeof outputData !== 'object' || outputData === null) return outputData
  const { runtime_statistics: _, ...rest } = outputData as Record<string, unknown> // what the station sent
  return rest
}
