import { readdirSync, renameSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { listRequests } from '../../src/main/requests/request-lists.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const patience = { timeout: 30_000, interval: 25 }

/** What the server was told last: the tasks that it may give us, and the keys that are named for administrators. */
function told({ server }: DeskBench): { readonly tasks: readonly string[]; readonly keys: unknown } {
  const last = server.record.metadata.at(-1)?.value as Readonly<Record<string, unknown>> // the sandbox takes objects only
  const tasks =
    server.dialect === '0.16'
      ? (last['provided_tags'] as string[])
      : Object.keys(last).filter((name) => name.startsWith('signing:') && last[name] !== 0)
  return { tasks: [...tasks].sort(), keys: last['signing-station:usable-keys'] }
}
const listed = async ({ station }: DeskBench) =>
  (await listRequests(station.database.db, { view: 'in-hand', search: null, cursor: null, limit: 10 })).rows
const nothing = { tasks: [], keys: [] }
const everything = ({ server, fingerprint }: DeskBench) => ({
  tasks:
    server.dialect === '0.16'
      ? ['worker:cap:sbsign', 'worker:task:signing:sign:version:1']
      : ['signing:sign:available:uefi', 'signing:sign:version'],
  keys: [`uefi:${fingerprint}`],
})

describe.skipIf(softHsmModule() === null)(
  'what the server is offered (needs SoftHSM: apt-get install softhsm2)',
  () => {
    let tokens: SharedTokens
    let bench: DeskBench
    beforeAll(async () => {
      tokens = await makeSharedTokens()
    })
    afterAll(() => tokens.dispose())
    afterEach(async () => {
      expect(bench.server.record.violations).toEqual([])
      await bench.dispose()
    })

    /** As the watch on USB does it: idle token processes are ended, then everybody looks anew. */
    const unplug = async () => {
      await rename(tokens.soft.tokenFolder, `${tokens.soft.tokenFolder}.away`)
      await bench.station.tokens.devicesChanged([])
      bench.station.keysChanged()
    }
    const plugIn = async () => {
      await rename(`${tokens.soft.tokenFolder}.away`, tokens.soft.tokenFolder)
      await bench.station.tokens.devicesChanged([])
      bench.station.keysChanged()
    }
    const untilTold = (what: ReturnType<typeof told>) => vi.waitFor(() => expect(told(bench)).toEqual(what), patience)

    test.for(['0.11', '0.16'] as const)(
      'follows a token that goes and comes back, and so does the work that it gets (%s)',
      async (dialect) => {
        bench = await DeskBench.make({ tokens, dialect })
        await untilTold(everything(bench))
        await unplug()
        try {
          await untilTold(nothing)
          const work = await bench.ask()
          expect(bench.server.workRequest(work)).toMatchObject({ status: 'pending', worker: null })
          await plugIn()
          await untilTold(everything(bench))
          expect((await bench.station.keys.list())[0]).toMatchObject({ availability: 'usable', lastUseSeq: null })
          await bench.approve(work)
          expect(await bench.untilCompleted(work)).toBe('success')
          // The entry of its last signature, for whoever asks what it was used for.
          const [signed] = await bench.entries('signed')
          expect((await bench.station.keys.list())[0]?.lastUseSeq).toBe(signed?.seq)
        } finally {
          await rename(`${tokens.soft.tokenFolder}.away`, tokens.soft.tokenFolder).catch(() => null)
        }
      },
    )

    test('names the keys that are left when one of two is taken out of use, and no task when both are', async () => {
      bench = await DeskBench.make({ tokens })
      const second = bench.keyFingerprint(1)
      orThrow(await bench.register(1))
      bench.station.keysChanged()
      const both = [`uefi:${bench.fingerprint}`, `uefi:${second}`].sort()
      await untilTold({ ...everything(bench), keys: both })
      const suspend = async (fingerprint: typeof second) => {
        orThrow(await bench.station.keys.setState({ purpose: 'uefi', fingerprint }, 'suspended', 'Custodian'))
        bench.station.keysChanged()
      }
      await suspend(bench.fingerprint)
      await untilTold({ ...everything(bench), keys: [`uefi:${second}`] })
      await suspend(second)
      await untilTold(nothing)
    })

    /** A request for a key whose token is in a drawer: the server was told of the key a moment ago. */
    const arriveInVain = async (): Promise<number> => {
      await untilTold(everything(bench))
      await rename(tokens.soft.tokenFolder, `${tokens.soft.tokenFolder}.away`)
      await bench.station.tokens.devicesChanged([])
      const work = await bench.ask()
      const waiting = await bench.until(work, 'review')
      expect(waiting.summary.waitsForKey).toBe(true)
      return work
    }
    const sheets = async (work: number) =>
      (
        await bench.station.database.db
          .selectFrom('review_sheet')
          .select('digest')
          .where('request_id', '=', (await bench.idOf(work)) ?? '')
          .execute()
      ).length
    const putBack = () => rename(`${tokens.soft.tokenFolder}.away`, tokens.soft.tokenFolder).catch(() => null)

    test('does not keep work for an absent key away: it waits, goes on to review when the key is here, and never further', async () => {
      bench = await DeskBench.make({ tokens })
      try {
        const work = await arriveInVain()
        expect((await listed(bench)).map(({ waitsForKey }) => waitsForKey)).toEqual([true])
        const before = await bench.show(work)
        await bench.showSheet(before)
        expect(codeOf(await bench.station.desk.approve(bench.approval(before)))).toBe('sheet-blocked')
        await plugIn()
        await vi.waitFor(async () => expect((await bench.show(work)).approvability?.kind).toBe('approvable'), patience)
        const after = await bench.show(work)
        expect(after).toMatchObject({ summary: { stage: 'review', waitsForKey: false }, decision: null })
        expect(after.sheetDigest).not.toBe(before.sheetDigest)
        // What a person saw of the old sheet is not taken for the new one.
        expect(codeOf(await bench.station.desk.approve(bench.approval(before)))).toBe('sheet-changed')
        expect(codeOf(await bench.station.desk.approve(bench.approval(after)))).toBe('sheet-not-shown')
        expect(await bench.signatures(work)).toEqual([])
        await bench.approve(work)
        expect(await bench.untilCompleted(work)).toBe('success')
      } finally {
        await putBack()
      }
    })

    test('and the work can be declined with the reason, which the server is told', async () => {
      bench = await DeskBench.make({ tokens })
      try {
        const work = await arriveInVain()
        const id = await bench.idOf(work)
        if (id === null) throw new Error('it is not here')
        orThrow(await bench.station.desk.decline(id, 'The token is in the safe until Monday'))
        expect(await bench.untilCompleted(work)).toBe('failure')
        expect(JSON.stringify(bench.server.record.completions.at(-1)?.outputData)).toContain('in the safe until Monday')
      } finally {
        await putBack()
      }
    })

    test('makes no new sheet however often a device that is not the token comes and goes', async () => {
      bench = await DeskBench.make({ tokens })
      try {
        const work = await arriveInVain()
        const made = await sheets(work)
        for (let turn = 0; turn < 50; turn += 1) bench.station.keysChanged()
        await bench.station.desk.keysMayBeBack()
        await bench.station.desk.keysMayBeBack()
        expect([await sheets(work), (await bench.show(work)).summary.stage]).toEqual([made, 'review'])
      } finally {
        await putBack()
      }
    })

    test.for([
      ['a key of a purpose that is not served', { purpose: 'kernel' }, 'unprepared'],
      ['a key of another purpose', { purpose: 'openpgp' }, 'review'],
      ['a key that is not registered here', { fingerprint: '00'.repeat(32) }, 'review'],
    ] as const)('%s is no key that is waited for, whatever is plugged in', async ([, change, stage]) => {
      bench = await DeskBench.make({ tokens })
      const work = await bench.ask(1, change)
      const before = await bench.until(work, stage)
      expect(before.summary.waitsForKey).toBe(false)
      await bench.station.desk.keysMayBeBack()
      const after = await bench.show(work)
      expect([after.summary.stage, after.sheetDigest, after.decision]).toEqual([stage, before.sheetDigest, null])
      expect(await bench.signatures(work)).toEqual([])
    })

    test('is still the whole when a look comes while a batch is signed: its token is in use, not away', async () => {
      bench = await DeskBench.make({ tokens })
      await untilTold(everything(bench))
      const before = bench.server.record.metadata.length
      const work = await bench.ask(6)
      let looked: Promise<void>[] = []
      for (const nth of [1, 3, 6]) bench.at('token', 'before', () => void looked.push(bench.station.link.offer()), nth)
      await bench.approve(work)
      expect(await bench.untilCompleted(work)).toBe('success')
      await Promise.all(looked)
      expect(looked.length).toBeGreaterThan(0)
      looked = []
      expect(bench.server.record.metadata.slice(before)).toEqual([])
    })
  },
)

test('a software key is offered while its service key is here', async () => {
  const bench = await DeskBench.make({ tokens: null })
  try {
    await vi.waitFor(() => expect(told(bench)).toEqual(everything(bench)), patience)
    const folder = bench.profile.serviceKeys
    const aside = join(folder, '..', 'aside')
    const [file] = readdirSync(folder)
    if (file === undefined) throw new Error('there is no service key')
    renameSync(join(folder, file), aside)
    bench.station.keysChanged()
    await vi.waitFor(() => expect(told(bench)).toEqual(nothing), patience)
    renameSync(aside, join(folder, file))
    bench.station.keysChanged()
    await vi.waitFor(() => expect(told(bench)).toEqual(everything(bench)), patience)
    rmSync(join(folder, file))
    bench.station.keysChanged()
    await vi.waitFor(() => expect(told(bench)).toEqual(nothing), patience)
    expect(bench.server.record.violations).toEqual([])
  } finally {
    await bench.dispose()
  }
})
