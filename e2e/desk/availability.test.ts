import { readdirSync, renameSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

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
          await bench.approve(work)
          expect(await bench.untilCompleted(work)).toBe('success')
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
