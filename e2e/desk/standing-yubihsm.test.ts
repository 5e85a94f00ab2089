import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { UsbDevice } from '../../src/shared/devices.ts'
import { vendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { defaultPin } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import { codeOf, orThrow } from './desk-bench.ts'
import { generateOpenPgp } from './openpgp-keys.ts'
import { IndexDesk } from './testing/index-desk.ts'
import { YubiHsmDesk } from './yubihsm-desk.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 })

// Approvals that are given ahead, with the maker's own module and a virtual YubiHSM. Its log is what decides: a device that writes down what
// it signs wants its PIN around each signature.

const vendor = await vendorSoftware()
/** No command that signs is audited, as devices are from firmware 2.3.1 on. */
const unaudited = '47005500560064006a005d00'

const device: Omit<UsbDevice, 'plug' | 'address'> = {
  kind: 'yubihsm',
  vendorId: 0x1050,
  productId: 0x30,
  bus: 1,
  product: 'YubiHSM',
  serial: '0007550140',
  interfaces: [],
}

describe.skipIf(!vendor.ok)(`a standing approval on a YubiHSM${vendor.ok ? '' : ` (${vendor.error})`}`, () => {
  let hsm: YubiHsmDesk
  let desk: IndexDesk
  let offset = 0
  beforeAll(async () => {
    if (!vendor.ok) return
    const now = () => new Date(Date.now() + offset)
    hsm = await YubiHsmDesk.make(vendor.value, { audit: unaudited, now, standing: { seesLock: () => true } })
    desk = await IndexDesk.make(hsm.bench, await generateOpenPgp(hsm.bench, '0123', defaultPin), defaultPin)
    await desk.begin('forky')
  })
  afterAll(() => hsm.dispose())
  beforeEach(() => hsm.hsm.device.plugIn())

  const standing = () => hsm.bench.station.desk.standing
  const option = (name: 'command-audit' | 'force-audit', value: string) =>
    hsm.hsm.shell('-a', 'put-option', '--opt-name', name, '--opt-value', value)

  it('that writes no log signs two indexes with one login, and gpgv accepts them', async () => {
    const { id } = await desk.granted({ uses: 3 })
    for (const use of [2, 3]) {
      const work = await desk.signsAlone()
      expect(await desk.accepted(work)).toBe(true)
      const { summary, sheetDigest } = await hsm.bench.show(work)
      expect((await desk.usesOf(id)).at(-1)).toMatchObject({ requestId: summary.id, sheetDigest, use, uses: 3 })
    }
    await desk.endedFor(id, 'used-up')
  })

  it('ends when the device is pulled, and stays ended when it is plugged in again', async () => {
    const { id } = await desk.granted()
    hsm.hsm.connector.unplug()
    await standing().tokensChanged()
    expect(await desk.endsOf(id)).toEqual(['token-lost'])
    hsm.hsm.device.plugIn()
    await hsm.bench.station.tokens.devicesChanged([])
    hsm.bench.station.keysChanged()
    await desk.endedFor(id, 'token-lost')
  })

  it('ends when USB tells that the device was away, though it is back before anybody asked', async () => {
    const { tokens } = hsm.bench.station
    const onUsb = { ...device, plug: '1-2:1.4', address: 4 }
    await tokens.devicesChanged([onUsb])
    const { id } = await desk.granted()
    // The module would hide it: it makes itself a new session with what it kept of the password, and signs.
    hsm.hsm.connector.unplug()
    hsm.hsm.device.plugIn()
    await tokens.devicesChanged([{ ...onUsb, plug: '1-2:1.5', address: 5 }])
    hsm.bench.station.keysChanged()
    await desk.endedFor(id, 'token-lost')
    await tokens.devicesChanged([])
  })

  it('ends at withdrawal, at the lock of the screen and with its time', async () => {
    const first = await desk.granted()
    orThrow(await standing().withdraw(first.id))
    await desk.endedFor(first.id, 'operator')
    const second = await desk.granted()
    await standing().deskLocked()
    await desk.endedFor(second.id, 'desk-locked')
    const third = await desk.granted({ minutes: 30 })
    offset = 30 * 60_000
    await standing().tokensChanged()
    offset = 0
    await desk.endedFor(third.id, 'time-over')
  })

  it.each([
    ['writes down signatures', 'command-audit', '5601', '5600'],
    ['refuses to sign without room in its log', 'force-audit', '01', '00'],
  ] as const)('is not granted where it %s', async (_, name, on, off) => {
    await option(name, on)
    try {
      const work = await desk.ask()
      const detail = await hsm.bench.until(work, 'review')
      const refused = await desk.grant(detail)
      expect(codeOf(refused)).toBe('standing-device-log')
      expect(refused.ok ? '' : refused.error.message).toMatch(/keeps a log.*Nothing was granted/)
      expect(standing().list()).toEqual([])
      expect(await hsm.bench.entries('standing-approval-granted')).toHaveLength(
        (await hsm.bench.entries('standing-approval-withdrawn')).length,
      )
      // A person with the PIN signs there as ever: nothing was left logged in.
      await hsm.bench.approve(work)
      expect(await hsm.bench.untilCompleted(work)).toBe('success')
      await hsm.bench.until(work, 'done')
    } finally {
      await option(name, off)
    }
  })

  it('is not granted for a wrong PIN, and the log of the device is left alone then', async () => {
    const work = await desk.ask()
    const detail = await hsm.bench.until(work, 'review')
    const drained = (await hsm.bench.entries('device-log-drained')).length
    expect(codeOf(await desk.grant(detail, { pin: '0001passwords' }))).toBe('pin-incorrect')
    expect(await hsm.bench.entries('device-log-drained')).toHaveLength(drained)
    expect(await hsm.bench.entries('login-failed')).toHaveLength(1)
    await desk.waits(work)
  })
})
