import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { compileFaultModule, faultEnvironment } from '../../src/main/token/testing/fault-module.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { RequestDetail } from '../../src/shared/request.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'
import { askForIndex, type IndexKey, indexesOf, releaseOfToday } from './testing/index-of-keys.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const vaultsPin = '907316'

describe.skipIf(softHsmModule() === null)(
  'an index for several keys whose signatures do not all come (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    let module: string | null = null
    let environment: Record<string, string> = {}
    /** In the order of the sheet; they sign as second, third, first. The third is on a token of its own. */
    let keys: readonly IndexKey[] = []
    beforeAll(async () => {
      tokens = await makeSharedTokens([
        { label: 'Vault', pin: vaultsPin, keys: [{ algorithm: 'ec-p256', commonName: 'Key of the vault' }] },
      ])
      module = compileFaultModule(tokens.folder)
      if (module === null) return
      environment = faultEnvironment('none', tokens.soft.module, join(tokens.folder, 'calls'))
      bench = await DeskBench.make({ tokens, module, environment })
      const [desk, vault] = tokens.soft.tokens
      const purpose = 'openpgp-repository'
      keys = [
        await registerOpenPgp(bench, desk?.keys[0]?.ckaId ?? '', purpose),
        await registerOpenPgp(bench, desk?.keys[1]?.ckaId ?? '', purpose),
        await registerOpenPgp(bench, vault?.keys[0]?.ckaId ?? '', purpose, vaultsPin, vault?.id),
      ]
      orThrow(await bench.station.setDuty(false))
      orThrow(await bench.station.setDuty(true))
    })
    afterAll(async () => {
      if (module !== null) await bench.dispose()
      await tokens.dispose()
    })
    afterEach(() => {
      if (module !== null) expect(bench.server.record.violations).toEqual([])
    })

    const noCompiler = 'there is no C compiler (apt-get install gcc)'
    const approval = (detail: RequestDetail) => {
      const [, vault] = tokens.soft.tokens
      return bench.approval(detail, { furtherPins: vault === undefined ? [] : [{ token: vault.id, pin: vaultsPin }] })
    }
    const resumption = (detail: RequestDetail) => {
      const { acknowledged: _, ...input } = approval(detail)
      return input
    }
    const nameOf = (fingerprint: unknown) =>
      ['first', 'second', 'third'][keys.findIndex((key) => key.fingerprint === fingerprint)]
    /** What the log says of the request, each use of a key with its name. */
    async function storyOf(work: number): Promise<readonly string[]> {
      const id = await bench.idOf(work)
      return (await bench.entries())
        .filter((entry) => entry['requestId'] === id)
        .map((entry) =>
          entry['ordinal'] === undefined ? entry.event : `${entry.event} ${nameOf(entry['fingerprint'])}`,
        )
    }
    async function statesOf(work: number): Promise<readonly string[]> {
      const parts = await bench.station.database.db
        .selectFrom('further_signature')
        .select(['fingerprint', 'state', 'packet'])
        .where('request_id', '=', (await bench.idOf(work)) ?? '')
        .orderBy('position')
        .execute()
      for (const { state, packet } of parts) expect(packet !== null).toBe(state === 'made')
      return [...parts, ...(await bench.signatures(work))].map(
        ({ fingerprint, state }) => `${nameOf(fingerprint)} ${state}`,
      )
    }
    /** The module misbehaves in the token processes from now on. */
    async function misbehave(fault: 'none' | 'abort', after = 0): Promise<void> {
      Object.assign(environment, faultEnvironment(fault, tokens.soft.module, join(tokens.folder, 'calls'), after))
      await bench.restart()
    }
    async function review(text: string) {
      const work = await askForIndex(bench, keys, text, 'clear')
      const detail = await bench.until(work, 'review')
      await bench.showSheet(detail)
      return { work, detail, id: detail.summary.id }
    }
    const before = ['request-received', 'sheet-shown', 'approved']

    test.for([
      ['the second key signs', ['intent second'], ['second begun']],
      ['the third key signs', ['intent second', 'signed second', 'intent third'], ['second made', 'third begun']],
      [
        'the first key completes',
        ['intent second', 'signed second', 'intent third', 'signed third', 'intent first'],
        ['second made', 'third made', 'first begun'],
      ],
    ] as const)(
      'the token process dies while %s: an incident, and closed a failure; what was made is never released',
      async ([, uses, states], ctx) => {
        if (module === null) return ctx.skip(noCompiler)
        await misbehave('abort', states.length - 1)
        const { work, detail, id } = await review(releaseOfToday())
        orThrow(await bench.station.desk.approve(approval(detail)))
        await bench.until(work, 'incident')
        expect(await statesOf(work)).toEqual(states)
        expect(await storyOf(work)).toEqual([...before, ...uses, 'incident-opened'])
        const intent = (await bench.entries('intent')).at(-1)
        expect((await bench.entries('incident-opened')).at(-1)).toMatchObject({ openIntents: [intent?.seq] })

        // The token is well again: nothing is asked of it, and no word makes anything of what is there.
        await misbehave('none')
        const incident = await bench.until(work, 'incident')
        const { desk } = bench.station
        expect(codeOf(await desk.resume(resumption(incident)))).toBe('not-now')
        expect(codeOf(await desk.approve(approval(incident)))).toBe('not-now')
        expect(codeOf(await desk.decline(id, 'no'))).toBe('not-now')
        expect(codeOf(await desk.giveUp(id, 'no'))).toBe('not-now')
        expect(await bench.server.outputs(work)).toEqual([])
        orThrow(await desk.closeIncident(id, 'Looked at the token.'))
        expect(await bench.untilCompleted(work)).toBe('failure')
        const done = await bench.until(work, 'done')
        expect(done.summary).toMatchObject({ outcome: 'failed', signedCount: 0 })
        expect(done.files[0]?.outcome).toEqual({ kind: 'unknown' })
        expect(await statesOf(work)).toEqual(states.map((state) => state.replace('begun', 'unknown')))
        expect(await storyOf(work)).toEqual([...before, ...uses, 'incident-opened', 'incident-closed', 'returned'])
        expect((await bench.server.outputs(work)).map(({ category }) => category)).toEqual([
          'debusine:work-request-debug-logs',
        ])
      },
    )

    test('a file that one key cannot sign any more is signed by no other for nothing', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await misbehave('none')
      const { work, detail, id } = await review(releaseOfToday())
      const path = join(bench.profile.spool, id, '0.input')
      const bytes = readFileSync(path)
      bench.at('decision', 'after', () => writeFileSync(path, bytes.toString().replace('Suite: ', 'Suite:  ')))
      orThrow(await bench.station.desk.approve(approval(detail)))
      const stopped = await bench.until(work, 'interrupted')
      expect(stopped.failure?.code).toBe('input-changed')
      writeFileSync(path, bytes)
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      expect(await bench.untilCompleted(work)).toBe('failure')
      const done = await bench.until(work, 'done')
      expect(done.files[0]?.outcome).toMatchObject({ kind: 'failed', failure: { code: 'input-changed' } })
      expect(await statesOf(work)).toEqual(['second failed'])
      expect(await storyOf(work)).toEqual([...before, 'intent second', 'sign-failed second', 'returned'])
    })

    test('a resumption that cannot be recorded leaves no token open', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await misbehave('none')
      const { work, detail, id } = await review(releaseOfToday())
      bench.at('outcome', 'after', () => void bench.station.desk.cancel(id))
      orThrow(await bench.station.desk.approve(approval(detail)))
      const stopped = await bench.until(work, 'interrupted')
      const idle = await vi.waitFor(() => {
        const open = tokenProcesses()
        if (open.length > 0) throw new Error(`open: ${open.join()}`)
        return open
      }, 30_000)
      const file = new BetterSqlite3(bench.profile.database)
      file.exec(`CREATE TRIGGER planted BEFORE UPDATE ON request BEGIN SELECT RAISE(ABORT, 'planted'); END`)
      await expect(bench.station.desk.resume(resumption(stopped))).rejects.toThrow('planted')
      file.exec('DROP TRIGGER planted')
      file.close()
      expect(tokenProcesses()).toEqual(idle)
      expect(await storyOf(work)).toEqual([...before, 'intent second', 'signed second'])
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      expect(await bench.untilCompleted(work)).toBe('success')
      await bench.until(work, 'done')
    })

    test('a part that rotted on the disk is found before the first key is asked', async (ctx) => {
      if (module === null) return ctx.skip(noCompiler)
      await misbehave('none')
      const { work, detail, id } = await review(releaseOfToday())
      // Stopped before the first key, which has the third turn.
      bench.at('outcome', 'after', () => void bench.station.desk.cancel(id), 2)
      orThrow(await bench.station.desk.approve(approval(detail)))
      const stopped = await bench.until(work, 'interrupted')
      expect(await statesOf(work)).toEqual(['second made', 'third made'])
      rot(id)
      orThrow(await bench.station.desk.resume(resumption(stopped)))
      const halted = await vi.waitFor(async () => {
        const shown = await bench.show(work)
        if (shown.failure?.code === 'cancelled' || shown.summary.stage !== 'interrupted') throw new Error('not yet')
        return shown
      }, 100_000)
      expect(halted.failure?.code).toBe('part-changed')
      expect(await statesOf(work)).toEqual(['second made', 'third made', 'first failed'])
      expect((await bench.entries('sign-failed')).at(-1)).toMatchObject({
        requestId: id,
        code: 'part-changed',
        signatureMayExist: false,
      })
      orThrow(await bench.station.desk.giveUp(id, 'The disk is bad.'))
      expect(await bench.untilCompleted(work)).toBe('failure')
      await bench.until(work, 'done')
      expect(await indexesOf(bench, work)).toEqual([])
    })

    /** Command lines of this process's children that hold a module. */
    function tokenProcesses(): readonly string[] {
      return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
        .split(' ')
        .filter((pid) => pid !== '')
        .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
        .filter((line) => line.includes('token/host') && line.includes(module ?? ''))
    }

    /** One bit of a packet, as a disk could lose it. */
    function rot(id: string): void {
      const file = new BetterSqlite3(bench.profile.database)
      const name = 'further_signature_forward'
      const trigger = file.prepare<[string], string>('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name)
      const packet = file
        .prepare<[string], Buffer>('SELECT packet FROM further_signature WHERE request_id = ? AND position = 2')
        .pluck()
        .get(id)
      if (packet === undefined) throw new Error('there is no packet')
      packet.writeUInt8((packet[packet.length - 1] ?? 0) ^ 1, packet.length - 1)
      file.exec(`DROP TRIGGER ${name}`)
      file.prepare('UPDATE further_signature SET packet = ? WHERE request_id = ? AND position = 2').run(packet, id)
      file.exec(String(trigger))
      file.close()
    }
  },
)
