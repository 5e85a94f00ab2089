import { afterEach, expect, it, type TestContext, vi } from 'vitest'
import { vendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { VirtualYubiHsm } from '../devices/yubihsm/virtual-yubihsm.ts'
import { codeOf } from './desk-bench.ts'
import { deskSerial, YubiHsmDesk } from './yubihsm-desk.ts'

// The log of a YubiHSM, taken out around the station's own signatures and held against its audit log.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const vendor = await vendorSoftware()
const desks: YubiHsmDesk[] = []
afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.dispose()
})

async function start(ctx: TestContext, options: Parameters<typeof YubiHsmDesk.make>[1] = {}): Promise<YubiHsmDesk> {
  if (!vendor.ok) return ctx.skip(vendor.error)
  const desk = await YubiHsmDesk.make(vendor.value, options)
  desks.push(desk)
  return desk
}

/** Fills the store with answers to GET PSEUDO RANDOM, which `audit51` has logged. */
async function fill(desk: YubiHsmDesk, commands: number): Promise<void> {
  for (let done = 0; done < commands; done++) await desk.hsm.shell('-a', 'get-pseudo-random', '--count', '1')
}
const audit51 = '470155015601510164015d016a014f01'

it('every signature that the device made for three requests is one of ours', async (ctx) => {
  const desk = await start(ctx)
  for (const files of [1, 2, 3]) await desk.sign(files)
  const { matched, findings, pending, unconfirmed } = await desk.review()
  // The first is the proof of possession at the registration.
  expect(matched.map(({ said, result }) => [said, result])).toEqual(Array.from({ length: 7 }, () => ['signed', 'done']))
  expect({ findings: findings.filter(({ incident }) => incident), pending, unconfirmed }).toEqual({
    findings: [],
    pending: [],
    unconfirmed: [],
  })
  expect(await desk.incidentCodes()).toEqual([])
  expect(await desk.state()).toMatchObject({
    serial: deskSerial,
    store: { used: 0, capacity: 62 },
    audit: { forced: false, unaudited: [] },
    problem: null,
  })
  // Once before and once after each run.
  expect(await desk.bench.entries('device-log-drained')).toHaveLength(6)
})

it('a signature that somebody else had the device make is an incident', async (ctx) => {
  const desk = await start(ctx)
  await desk.sign()
  await desk.signBehindItsBack()
  await desk.sign()
  expect(await desk.incidentCodes()).toEqual(['use-not-ours'])
})

it('a batch of 70 is drained in between: the device has room for 62', async (ctx) => {
  const desk = await start(ctx, { force: true })
  const work = await desk.bench.ask(70)
  // Each of them is inspected in a process of its own.
  await vi.waitFor(async () => expect((await desk.bench.show(work)).summary.stage).toBe('review'), {
    timeout: 200_000,
    interval: 250,
  })
  await desk.bench.approve(work)
  expect(await desk.bench.untilCompleted(work)).toBe('success')
  const { matched, findings, pending } = await desk.review()
  expect(matched).toHaveLength(71)
  expect({ findings: findings.filter(({ incident }) => incident), pending }).toEqual({ findings: [], pending: [] })
  const drains = await desk.bench.entries('device-log-drained')
  // Before, in between, after.
  expect(drains.length).toBeGreaterThanOrEqual(3)
  expect(await desk.state()).toMatchObject({ store: { used: 0 }, audit: { forced: true } })
})

it('a log that is full when a run begins is taken out first, and the run goes on', async (ctx) => {
  const desk = await start(ctx, { audit: audit51, force: true })
  // One entry is the registration's.
  await fill(desk, 62 - ((await desk.state())?.store?.used ?? 0))
  expect((await desk.state())?.store).toEqual({ used: 62, capacity: 62 })
  await desk.sign()
  expect(await desk.incidentCodes()).toEqual([])
})

it('a full log of a device that audits whatever opens a session is taken out, too', async (ctx) => {
  // What yubihsm_pkcs11 asks when it logs in: LIST OBJECTS, GET OBJECT INFO.
  const desk = await start(ctx, { audit: `${audit51}48014e01`, force: true })
  const { used = 0 } = (await desk.state())?.store ?? {}
  await fill(desk, 62 - used)
  await desk.sign()
  expect(await desk.incidentCodes()).toEqual([])
})

it('where the log may not be read, that is said once, and signing stops when the device would refuse', async (ctx) => {
  const pin = '0005only-to-sign'
  const desk = await start(ctx, {
    audit: audit51,
    force: true,
    pin,
    prepare: async (hsm) => {
      const may = ['-c', 'sign-pkcs:get-option', '--delegated', 'sign-pkcs']
      const signer = ['put-authentication-key', '-i', '5', '-l', 'signer', ...may, '--new-password', 'only-to-sign']
      await hsm.shell('-a', ...signer)
    },
  })
  await desk.sign()
  await desk.sign()
  expect((await desk.state())?.problem).toMatchObject({ code: 'log-not-permitted' })
  expect(desk.bench.lines.filter(({ event }) => event === 'device-log.not-drained')).toHaveLength(1)
  await fill(desk, 62 - ((await desk.state())?.store?.used ?? 0))

  const work = await desk.bench.ask()
  const detail = await desk.bench.until(work, 'review')
  await desk.bench.showSheet(detail)
  const refused = await desk.bench.station.desk.approve(desk.bench.approval(detail))
  expect(codeOf(refused)).toBe('device-log-full')
  expect(refused.ok ? '' : refused.error.message).toMatch(/full or nearly so.*“get-log-entries”/)
  expect(await desk.bench.entries('approved')).toHaveLength(2)
  expect(await desk.bench.entries('login-failed')).toEqual([])

  // As its sentence says: someone else empties it, and the same request is signed.
  const printed = await desk.hsm.shell('-a', 'get-logs')
  const last = [...printed.matchAll(/^item: +(\d+)/gm)].at(-1)?.[1] ?? ''
  await desk.hsm.shell('-a', 'set-log-index', '--log-index', last)
  await desk.bench.approve(work)
  expect(await desk.bench.untilCompleted(work)).toBe('success')
})

it('entries that the device overwrote are named', async (ctx) => {
  const desk = await start(ctx, { audit: audit51 })
  await desk.sign()
  await fill(desk, 64)
  await desk.sign()
  expect(await desk.incidentCodes()).toEqual(['entries-missing'])
})

it('what another device at the connector says is not taken for the log of ours', async (ctx) => {
  const desk = await start(ctx)
  await desk.sign()
  const drains = await desk.bench.entries('device-log-drained')
  // After the last outcome, before the log is taken out.
  desk.bench.at('outcome', 'after', () => desk.hsm.connector.plug(new VirtualYubiHsm({ serial: 2_222_222 })))
  await desk.sign()
  const state = await vi.waitFor(
    async () => {
      const now = await desk.state()
      if (now === undefined || now.problem === null) throw new Error('no problem yet')
      return now
    },
    { timeout: 30_000 },
  )
  expect(state.problem?.code).toBe('token-swapped')
  expect(await desk.bench.entries('device-log-drained')).toHaveLength(drains.length + 1)
  desk.hsm.connector.plug(desk.hsm.device)
  await desk.bench.station.tokens.list({ refresh: true })
  await desk.sign()
  expect(await desk.incidentCodes()).toEqual([])
  expect((await desk.state())?.problem).toBeNull()
})

it('a device that logs no signature gets a word, and no drain in between', async (ctx) => {
  const desk = await start(ctx, { audit: null })
  await desk.sign(3)
  expect((await desk.state())?.audit).toMatchObject({ forced: false, unaudited: [0x47, 0x55, 0x56, 0x5d, 0x64, 0x6a] })
})
