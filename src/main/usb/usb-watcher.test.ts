import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { UsbState } from '../../shared/devices.ts'
import { type FakeDevice, FakeUsb, yubihsm, yubikey } from './testing/fake-usb.ts'

type Told = UsbState & { readonly at: number }

/** The watcher's main side, running in the namespace, with all that it told. */
class Driver {
  readonly told: Told[] = []
  log = ''
  readonly #child: ChildProcess

  constructor(fake: FakeUsb) {
    const [command, ...args] = [
      ...fake.enter,
      process.execPath,
      fileURLToPath(new URL('./testing/watch-and-tell.ts', import.meta.url)),
    ]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => this.told.push(JSON.parse(line)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
    })
  }

  /** Resolves to the newest picture once it is as wanted. */
  async until(wanted: (state: Told) => boolean): Promise<Told> {
    await expect.poll(() => this.told.some(wanted), { timeout: 15_000, interval: 5 }).toBe(true)
    return this.told.findLast(wanted) as Told
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.stdin?.end()
    await gone
  }
}

const noNamespace = 'this user may make no namespaces, or python3 is not installed'
const kinds = (state: UsbState) => state.devices.map(({ kind }) => kind)

describe('the watcher, with the real usb package on a bus of the test’s own', () => {
  const open: { end(): Promise<void> }[] = []
  afterEach(async () => {
    for (const thing of open.splice(0).reverse()) await thing.end()
  })
  async function begin(options: Parameters<typeof FakeUsb.make>[0], there: readonly FakeDevice[] = []) {
    const fake = await FakeUsb.make(options)
    if (fake === null) return null
    open.push(fake)
    for (const device of there) fake.put(device)
    const driver = new Driver(fake)
    open.push(driver)
    return { fake, driver }
  }

  test('tells what is there at the start, with serial number and interfaces, and opens nothing', async (ctx) => {
    const bench = await begin({ udevd: true }, [yubikey, yubihsm, keyboard])
    if (bench === null) return ctx.skip(noNamespace)
    const first = await bench.driver.until(({ watch }) => watch === 'events')
    expect(first.devices).toEqual([
      {
        plug: '1-1:1.4',
        kind: 'yubikey',
        vendorId: 0x1050,
        productId: 0x407,
        bus: 1,
        address: 4,
        product: 'YubiKey OTP+FIDO+CCID',
        serial: null,
        interfaces: ['otp', 'fido', 'ccid'],
      },
      {
        plug: '1-2:1.9',
        kind: 'yubihsm',
        vendorId: 0x1050,
        productId: 0x30,
        bus: 1,
        address: 9,
        product: 'YubiHSM',
        serial: '0007550140',
        interfaces: ['other'],
      },
    ])
  })

  test('hears from udev that a device came, and that it went', async (ctx) => {
    const bench = await begin({ udevd: true })
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    await driver.until(({ watch }) => watch === 'events')
    for (const device of [yubikey, yubihsm, reader]) {
      fake.plug(device)
      const seen = await driver.until((state) => state.devices.some(({ address }) => address === device.address))
      // Not by polling: that would say so.
      expect(seen.watch).toBe('events')
    }
    expect(kinds(await driver.until(({ devices }) => devices.length === 3))).toEqual(['yubikey', 'yubihsm', 'reader'])
    fake.unplug(yubikey)
    const after = driver.told.length
    await driver.until((state) => driver.told.indexOf(state) >= after - 1 && state.devices.length === 2)
    expect(kinds(driver.told.at(-1) ?? noState)).toEqual(['yubihsm', 'reader'])
    // The getters of the package throw for a device that went: whoever reads one there loses the events.
    expect(driver.told.at(-1)?.watch).toBe('events')
    expect(driver.log).toBe('')
  })

  test('tells two YubiKeys apart that have no serial number, and which of them went', async (ctx) => {
    const second = { ...yubikey, port: '1-6', address: 7 }
    const bench = await begin({ udevd: true }, [yubikey, second])
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    const both = await driver.until(({ devices, watch }) => devices.length === 2 && watch === 'events')
    expect(both.devices.map(({ plug, serial }) => [plug, serial])).toEqual([
      ['1-1:1.4', null],
      ['1-6:1.7', null],
    ])
    fake.unplug(yubikey)
    const left = await driver.until((state) => driver.told.indexOf(state) > 0 && state.devices.length === 1)
    expect(left.devices.map(({ plug }) => plug)).toEqual(['1-6:1.7'])
  })

  test('takes a device in the same port for another one', async (ctx) => {
    const bench = await begin({ udevd: true }, [yubikey])
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    await driver.until(({ devices }) => devices.length === 1)
    fake.take(yubikey)
    fake.plug({ ...yubikey, address: 5 })
    const swapped = await driver.until(({ devices }) => devices[0]?.address === 5)
    expect(swapped.devices.map(({ plug }) => plug)).toEqual(['1-1:1.5'])
  })

  test('waits for the interfaces of a device that the kernel is still making', async (ctx) => {
    const bench = await begin({ udevd: true })
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    await driver.until(({ watch }) => watch === 'events')
    fake.plug({ ...reader, interfaces: [] })
    fake.put(reader)
    expect(kinds(await driver.until(({ devices }) => devices.length === 1))).toEqual(['reader'])
  })

  test('says that it polls where no udevd runs, and still notices', async (ctx) => {
    const bench = await begin({ udevd: false })
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    await driver.until(({ watch }) => watch === 'polling')
    fake.put(yubihsm)
    expect(kinds(await driver.until(({ devices }) => devices.length === 1))).toEqual(['yubihsm'])
    fake.take(yubihsm)
    await driver.until((state) => driver.told.indexOf(state) > 1 && state.devices.length === 0)
  })

  test('no longer believes udevd when something came without a word of it', async (ctx) => {
    const bench = await begin({ udevd: true })
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    await driver.until(({ watch }) => watch === 'events')
    fake.put(yubihsm)
    const seen = await driver.until(({ devices }) => devices.length === 1)
    expect(seen.watch).toBe('polling')
  })

  test('lives where the system shows no USB, and begins when it does', async (ctx) => {
    const bench = await begin({ udevd: true, usb: false })
    if (bench === null) return ctx.skip(noNamespace)
    const { fake, driver } = bench
    await driver.until(({ watch }) => watch === 'no-usb')
    fake.put(yubikey)
    expect(kinds(await driver.until(({ devices }) => devices.length === 1))).toEqual(['yubikey'])
    fake.plug(yubihsm)
    await driver.until(({ devices, watch }) => devices.length === 2 && watch === 'events')
    expect(driver.log).toBe('')
  })

  test('is killed with main, and started anew when it dies itself', async (ctx) => {
    const bench = await begin({ udevd: true }, [yubikey])
    if (bench === null) return ctx.skip(noNamespace)
    const { driver } = bench
    await driver.until(({ devices }) => devices.length === 1)
    const [first] = childrenOf(driver.pid)
    expect(first).toBeDefined()
    process.kill(first ?? 0, 'SIGKILL')
    await driver.until(({ watch }) => watch === 'off')
    await expect.poll(() => driver.told.at(-1)?.devices.length).toBe(1)
    expect(driver.log).toContain('"how":"SIGKILL"')
    const [second] = childrenOf(driver.pid)
    expect(second).toBeDefined()
    process.kill(driver.pid, 'SIGKILL')
    await expect.poll(() => isRunning(second ?? 0)).toBe(false)
  })
})

const noState: UsbState = { watch: 'off', devices: [] }
const reader: FakeDevice = {
  port: '1-4.2',
  address: 23,
  vendorId: '08e6',
  productId: '3437',
  product: 'USB SmartCard Reader',
  interfaces: ['0b0000'],
}
const keyboard: FakeDevice = {
  port: '1-5',
  address: 2,
  vendorId: '046d',
  productId: 'c31c',
  product: 'Keyboard',
  interfaces: ['030101'],
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
