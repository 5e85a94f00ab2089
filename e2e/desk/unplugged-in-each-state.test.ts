import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RequestDetail } from '../../src/shared/request.ts'
import { whyNoReader } from '../devices/reader.ts'
import { installedYkcs11, trixieYkcs11, type VendorModule } from '../devices/yubikey/testing/vendor-modules.ts'
import { codeOf, orThrow } from './desk-bench.ts'
import { YubiKeyDesk } from './yubikey-desk.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

// One desk for each module, with Yubico's own module and a virtual YubiKey that is pulled out of its reader at each moment of a
// request's life. Whatever the moment: no file is signed twice, the PIN is not used up, and the station says what is to be done.

const noReader = whyNoReader()

async function find(which: 'installed' | 'of Debian 13'): Promise<VendorModule | string> {
  if (noReader !== null) return noReader
  if (which === 'installed') return installedYkcs11() ?? 'the Debian package ykcs11 is not installed'
  return trixieYkcs11().catch((error: unknown) => `the package ykcs11 of Debian 13 could not be had: ${String(error)}`)
}

describe.each(['installed', 'of Debian 13'] as const)('with ykcs11 %s, a YubiKey that is pulled', (which) => {
  let desk: YubiKeyDesk
  let why: string | null = null
  beforeAll(async () => {
    const module = await find(which)
    if (typeof module === 'string') why = module
    else desk = await YubiKeyDesk.make(module)
  })
  afterAll(async () => {
    if (why === null) await desk.dispose()
  })
  beforeEach(async (context) => {
    if (why !== null) return context.skip(why)
    desk.wantsTouch('never')
    desk.key.finger = 'on-the-key'
    if (!desk.room.holds(desk.key)) await desk.plug()
    return undefined
  })

  /** The token is asked nothing here that one module answers in another way than the other. */
  const once = (title: string, body: () => Promise<void>) =>
    test(title, (context) => (which === 'installed' ? body() : context.skip('tried with the installed module')))

  const resume = async (detail: RequestDetail) => {
    const { acknowledged: _, ...input } = desk.bench.approval(detail)
    return codeOf(await desk.bench.station.desk.resume(input))
  }
  const states = async (work: number) => (await desk.bench.signatures(work)).map(({ state }) => state)
  /** At the very moment: the step waits in the same turn, so the pulling is begun there and awaited afterwards. */
  const pullAt = (...[name, when, nth]: [string, 'before' | 'after', number?]): Promise<void> =>
    new Promise((resolve) => desk.bench.at(name, when, () => resolve(desk.unplug()), nth))

  once('while the request is fetched lets it wait for its key, and the sheet says so', async () => {
    const { bench } = desk
    const pulled = pullAt('intake', 'before')
    const work = await bench.ask(1)
    await pulled
    const waiting = await bench.until(work, 'review')
    expect(waiting.approvability).toMatchObject({ kind: 'blocked' })
    await desk.plug()
    await vi.waitFor(async () => expect((await bench.show(work)).approvability).toMatchObject({ kind: 'approvable' }), {
      timeout: 60_000,
    })
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
  })

  once('while the sheet is open is not logged in to; back again, the same sheet is approved', async () => {
    const { bench } = desk
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    await desk.unplug()
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('token-absent')
    expect((await bench.show(work)).summary.stage).toBe('review')
    expect(await states(work)).toEqual([])
    await desk.room.plug(desk.key, 0)
    const before = desk.signatures
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(desk.signatures - before).toBe(1)
  })

  test('while it is logged in to is no approval', async () => {
    const { bench } = desk
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    // Breaks in VERIFY with the PIN.
    desk.key.dieIn(({ ins }) => ins === 0x20)
    const refused = codeOf(await bench.station.desk.approve(bench.approval(detail)))
    expect(['token-removed', 'token-absent', 'token-error']).toContain(refused)
    expect((await bench.show(work)).summary.stage).toBe('review')
    expect(await bench.story(work)).not.toContain('approved')
    await desk.plug()
    orThrow(await bench.station.desk.approve(bench.approval(await bench.until(work, 'review'))))
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(desk.key.card.chip.pin.left).toBe(3)
  })

  test('once it is approved, before the first file, signs nothing more than it says', async () => {
    const { bench } = desk
    const work = await bench.ask(2)
    const before = desk.signatures
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    desk.key.dieIn(({ ins }) => ins === 0x87)
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    // The token was asked and did not answer: whether it signed is not known, so a person has to look.
    const incident = await bench.until(work, 'incident')
    expect((await states(work))[0]).toBe('begun')
    expect(desk.signatures - before).toBe(0)
    await desk.plug()
    expect(await resume(incident)).toBe('not-now')
    orThrow(await bench.station.desk.closeIncident(incident.summary.id, 'The YubiKey broke.'))
    expect(await bench.untilCompleted(work)).toBe('failure')
    expect(desk.signatures - before).toBe(0)
  })

  test('while it waits for the touch leaves that file an incident, and nothing is signed twice', async () => {
    const { bench, key } = desk
    const work = await bench.ask(2)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    desk.wantsTouch('always')
    key.finger = 'away'
    const before = desk.signatures
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    await key.touchAwaited()
    await desk.unplug()
    const incident = await bench.until(work, 'incident')
    expect((await states(work))[0]).toBe('begun')
    expect(desk.signatures - before).toBe(0)
    orThrow(await bench.station.desk.closeIncident(incident.summary.id, 'The YubiKey was pulled.'))
    expect(await bench.untilCompleted(work)).toBe('failure')
  })

  test('between two files keeps the first, and no file is asked for twice', async () => {
    const { bench } = desk
    const work = await bench.ask(3)
    const before = desk.signatures
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    // The first file has its signature; the key is out when the second is asked for.
    bench.at('outcome', 'before', () => desk.key.dieIn(({ ins }) => ins === 0x87))
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    const incident = await bench.until(work, 'incident')
    const seen = await states(work)
    expect(seen[0]).toBe('signed')
    expect(seen).toContain('begun')
    expect(desk.signatures - before).toBe(seen.filter((state) => state === 'signed').length)
    await desk.plug()
    orThrow(await bench.station.desk.closeIncident(incident.summary.id, 'The YubiKey was pulled.'))
    await bench.untilCompleted(work)
    expect(desk.signatures - before).toBe(seen.filter((state) => state === 'signed').length)
  })

  once('after the last signature is not missed: the result is uploaded', async () => {
    const { bench } = desk
    const work = await bench.ask(2)
    const before = desk.signatures
    const pulled = pullAt('upload', 'before')
    await bench.approve(work)
    await pulled
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(desk.signatures - before).toBe(2)
  })

  once('and touched too late, is asked again under the same approval, for the same file', async () => {
    const { bench, key } = desk
    const work = await bench.ask(1)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    desk.wantsTouch('always')
    key.finger = 'away'
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    await key.touchAwaited()
    key.letTouchExpire()
    const stopped = await bench.until(work, 'interrupted')
    expect(stopped.failure?.code).toBe('touch-timeout')
    key.finger = 'on-the-key'
    expect(await resume(stopped)).toBe('ok')
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(key.card.chip.pin.left).toBe(3)
  })
})
