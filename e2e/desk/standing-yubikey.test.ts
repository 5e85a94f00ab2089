import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { whyNoReader } from '../devices/reader.ts'
import { sharedKey } from '../devices/yubikey/testing/card-talk.ts'
import { installedYkcs11, trixieYkcs11, type VendorModule } from '../devices/yubikey/testing/vendor-modules.ts'
import { codeOf, orThrow } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'
import { IndexDesk } from './testing/index-desk.ts'
import { YubiKeyDesk } from './yubikey-desk.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 })

// Approvals that are given ahead, with Yubico's own module and a virtual YubiKey: what the SoftHSM of the other tests has not, a token that
// is pulled out, waits for a finger, and wants the PIN anew for each signature.

const noReader = whyNoReader()
const pin = '123456'

async function find(which: 'installed' | 'of Debian 13'): Promise<VendorModule | string> {
  if (noReader !== null) return noReader
  if (which === 'installed') return installedYkcs11() ?? 'the Debian package ykcs11 is not installed'
  return trixieYkcs11().catch((error: unknown) => `the package ykcs11 of Debian 13 could not be had: ${String(error)}`)
}

describe.each(['installed', 'of Debian 13'] as const)('with ykcs11 %s, a standing approval', (which) => {
  let yubikey: YubiKeyDesk
  let desk: IndexDesk
  let why: string | null = null
  let offset = 0
  beforeAll(async () => {
    const module = await find(which)
    if (typeof module === 'string') {
      why = module
      return
    }
    const always = { slot: 0x9c, algorithm: 'ec-p256', key: sharedKey('ec-p256'), pin: 'always' } as const
    const now = () => new Date(Date.now() + offset)
    yubikey = await YubiKeyDesk.make(module, { others: [always], now, standing: { seesLock: () => true } })
    desk = await IndexDesk.make(
      yubikey.bench,
      await registerOpenPgp(yubikey.bench, '01', 'openpgp-repository', pin),
      pin,
    )
    await desk.begin('forky')
  })
  afterAll(async () => {
    if (why === null) await yubikey.dispose()
  })
  beforeEach(async (context) => {
    if (why !== null) return context.skip(why)
    yubikey.wantsTouch('never')
    yubikey.key.finger = 'on-the-key'
    if (!yubikey.room.holds(yubikey.key)) await yubikey.plug()
    return undefined
  })
  afterEach(async () => {
    if (why !== null) return
    const { standing } = yubikey.bench.station.desk
    for (const { id } of standing.list()) await standing.withdraw(id)
    // Whatever happened: the right PIN was the only one that the key saw.
    expect(yubikey.key.card.chip.pin.left).toBe(3)
    expect(yubikey.bench.server.record.violations).toEqual([])
  })
  /** The token is asked nothing here that one module answers in another way than the other. */
  const once = (title: string, body: () => Promise<void>) =>
    test(title, (context) => (which === 'installed' ? body() : context.skip('tried with the installed module')))
  /** Commands VERIFY that the key was sent. */
  const logins = () => yubikey.key.exchanges.filter(({ ins, sw }) => ins === 0x20 && sw === 0x9000).length
  const signing = () => yubikey.bench.station.desk

  test('signs two indexes with one login, and gpgv accepts them; it is over with the last', async () => {
    const { id } = await desk.granted({ uses: 3 })
    const [loggedIn, signed] = [logins(), yubikey.signatures]
    for (const use of [2, 3]) {
      const work = await desk.signsAlone()
      expect(await desk.accepted(work)).toBe(true)
      const { summary, sheetDigest } = await yubikey.bench.show(work)
      expect((await desk.usesOf(id)).at(-1)).toMatchObject({ requestId: summary.id, sheetDigest, use, uses: 3 })
    }
    expect(yubikey.signatures - signed).toBe(2)
    expect(logins()).toBe(loggedIn)
    await desk.endedFor(id, 'used-up')
  })

  once('ends when the key is pulled, and stays ended when it is plugged in again', async () => {
    const { id } = await desk.granted()
    await yubikey.unplug()
    await yubikey.bench.station.desk.standing.tokensChanged()
    expect(await desk.endsOf(id)).toEqual(['token-lost'])
    await yubikey.plug()
    await desk.endedFor(id, 'token-lost')
  })

  test('ends when the key is pulled and plugged in again before anybody looked', async () => {
    const { id } = await desk.granted()
    const signed = yubikey.signatures
    await yubikey.unplug()
    await yubikey.room.plug(yubikey.key, 0)
    await yubikey.bench.station.desk.standing.tokensChanged()
    await desk.endedFor(id, 'token-lost')
    expect(yubikey.signatures).toBe(signed)
  })

  once('ends at withdrawal, at the lock of the screen and with its time', async () => {
    const first = await desk.granted()
    orThrow(await signing().standing.withdraw(first.id))
    await desk.endedFor(first.id, 'operator')
    const second = await desk.granted()
    await signing().standing.deskLocked()
    await desk.endedFor(second.id, 'desk-locked')
    const third = await desk.granted({ minutes: 30 })
    offset = 30 * 60_000
    await signing().standing.tokensChanged()
    offset = 0
    await desk.endedFor(third.id, 'time-over')
  })

  test('of a key that wants a touch asks for one each time; nobody there ends it, and a person goes on', async () => {
    const { bench, key } = yubikey
    yubikey.wantsTouch('always')
    const { id } = await desk.granted()
    key.finger = 'away'
    const touched = await desk.ask()
    await key.touchAwaited()
    await vi.waitFor(() => expect(bench.published.at(-1)?.payload).toMatchObject({ phase: 'touch' }))
    key.touch()
    expect(await bench.untilCompleted(touched)).toBe('success')
    await bench.until(touched, 'done')
    const work = await desk.ask()
    await key.touchAwaited()
    key.letTouchExpire()
    const stopped = await bench.until(work, 'interrupted')
    expect(stopped.failure?.code).toBe('touch-timeout')
    await vi.waitFor(async () => expect(await desk.endsOf(id)).toEqual(['signing-failed']))
    // Nobody has seen the sheet, so nobody goes on with it blindly.
    const { acknowledged: _, ...again } = bench.approval(stopped)
    expect(codeOf(await signing().resume(again))).toBe('sheet-not-shown')
    await bench.showSheet(stopped)
    key.finger = 'on-the-key'
    const { acknowledged: __, ...seen } = bench.approval(stopped)
    expect(codeOf(await signing().resume(seen))).toBe('ok')
    expect(await bench.untilCompleted(work)).toBe('success')
    expect(await bench.story(work)).toEqual([
      'request-received',
      'standing-approval-used',
      'intent',
      'sign-failed',
      'sheet-shown',
      'intent',
      'signed',
      'returned',
    ])
    yubikey.wantsTouch('never')
    await desk.endedFor(id, 'signing-failed')
  })

  once('that is withdrawn while the key waits for a finger does not wait for it', async () => {
    const { bench, key } = yubikey
    yubikey.wantsTouch('always')
    const { id } = await desk.granted()
    key.finger = 'away'
    const work = await desk.ask()
    await key.touchAwaited()
    orThrow(await signing().standing.withdraw(id))
    expect(await desk.endsOf(id)).toEqual(['operator'])
    // It blinks still. Whoever touches it now has it sign for nobody: the process that asked is gone.
    key.touch()
    // It was asked, and may have signed: a person looks.
    const incident = await bench.until(work, 'incident')
    orThrow(await signing().closeIncident(incident.summary.id, 'Withdrawn while it waited.'))
    await bench.until(work, 'done')
    // The reasons alone went back.
    const outputs = await bench.server.outputs(work)
    expect(outputs.map(({ category }) => category)).toEqual(['debusine:work-request-debug-logs'])
    expect((await bench.signatures(work)).map(({ state }) => state)).toEqual(['unknown'])
    yubikey.wantsTouch('never')
    await desk.endedFor(id, 'operator')
  })

  test('is not granted for a key that wants the PIN for each signature: nobody keeps it', async () => {
    const { bench } = yubikey
    const other = await IndexDesk.make(bench, await registerOpenPgp(bench, '02', 'openpgp-repository', pin), pin)
    await other.begin('sid')
    const work = await other.ask({ suite: 'sid' })
    const detail = await bench.until(work, 'review')
    const before = (await bench.entries()).length
    const refused = await other.grant(detail)
    expect(codeOf(refused)).toBe('pin-each-time')
    expect(refused.ok ? '' : refused.error.message).toContain('Nothing was signed or granted')
    expect(signing().standing.list()).toEqual([])
    // The sheet that was shown, and no word of a login that failed.
    expect((await bench.entries()).slice(before).map(({ event }) => event)).toEqual(['sheet-shown'])
    await other.waits(work)
  })
})
