import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type FakeDevice = {
  /** `1-3`. */
  readonly port: string
  readonly address: number
  readonly vendorId: string
  readonly productId: string
  readonly product?: string
  readonly serial?: string
  /** Class, subclass, protocol of each interface, hex. */
  readonly interfaces?: readonly string[]
}

export const yubikey: FakeDevice = {
  port: '1-1',
  address: 4,
  vendorId: '1050',
  productId: '0407',
  product: 'YubiKey OTP+FIDO+CCID',
  interfaces: ['030101', '030000', '0b0000'],
}
export const yubihsm: FakeDevice = {
  port: '1-2',
  address: 9,
  vendorId: '1050',
  productId: '0030',
  product: 'YubiHSM',
  serial: '0007550140',
  interfaces: ['ff0000'],
}

/**
 * A mount and network namespace in which /sys/bus and /run are empty folders of the test's own, and whatever runs inside hears only
 * the events that the test sends. The `usb` package in it is the real one, and so is the way it hears events: netlink.
 */
export class FakeUsb {
  readonly #holder: ChildProcess
  readonly root: string

  private constructor(holder: ChildProcess) {
    this.#holder = holder
    this.root = `/proc/${holder.pid}/root`
  }

  /** Null where this user may make no namespaces, or there is no python3 to send events. */
  static async make(options: { readonly udevd: boolean; readonly usb?: boolean }): Promise<FakeUsb | null> {
    if (spawnSync('python3', ['-c', '']).status !== 0) return null
    const folders = options.usb === false ? '/run/udev' : '/run/udev /sys/bus/usb/devices'
    const script = `mount -t tmpfs -o mode=755 tmpfs /sys/bus && mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p ${folders} && ip link set lo up; echo ready; exec cat`
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
    const holder = spawn('unshare', [...user, '--mount', '--net', '--propagation', 'private', 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    holder.stdin.on('error', () => {})
    const first = await Promise.race([once(createInterface({ input: holder.stdout }), 'line'), once(holder, 'close')])
    const fake = new FakeUsb(holder)
    if (first[0] !== 'ready' || holder.pid === undefined) return null
    if (options.udevd) fake.startUdevd()
    return fake
  }

  /** What has to stand before a command that is to run inside. */
  get enter(): readonly [string, ...string[]] {
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']
    return ['nsenter', '--target', `${this.#holder.pid}`, ...user, '--mount', '--net', '--']
  }

  /** There is a socket where udevd listens: events are believed to come. */
  startUdevd(): void {
    writeFileSync(join(this.root, 'run/udev/control'), '')
  }

  /** Puts the device on the bus, without a word to anyone. */
  put(device: FakeDevice): void {
    const folder = join(this.root, 'sys/bus/usb/devices')
    const own = join(folder, device.port)
    mkdirSync(own, { recursive: true })
    const interfaces = device.interfaces ?? []
    const attributes: Record<string, string | undefined> = {
      busnum: '1',
      devnum: String(device.address),
      idVendor: device.vendorId,
      idProduct: device.productId,
      bcdDevice: '0240',
      version: ' 2.00',
      bDeviceClass: '00',
      bDeviceSubClass: '00',
      bDeviceProtocol: '00',
      speed: '12',
      manufacturer: 'Yubico',
      product: device.product,
      serial: device.serial,
      bConfigurationValue: '1',
      bNumInterfaces: ` ${interfaces.length}`,
      descriptors: '',
    }
    interfaces.forEach((classes, index) => {
      const at = join(folder, `${device.port}:1.${index}`)
      mkdirSync(at, { recursive: true })
      const [first, second, third] = [classes.slice(0, 2), classes.slice(2, 4), classes.slice(4, 6)]
      const parts = {
        bInterfaceNumber: `0${index}`,
        bInterfaceClass: first,
        bInterfaceSubClass: second,
        bInterfaceProtocol: third,
      }
      for (const [name, value] of Object.entries(parts)) writeFileSync(join(at, name), `${value}\n`)
    })
    for (const [name, value] of Object.entries(attributes))
      if (value !== undefined) writeFileSync(join(own, name), `${value}\n`)
  }

  take(device: FakeDevice): void {
    const folder = join(this.root, 'sys/bus/usb/devices')
    for (const index of (device.interfaces ?? []).keys())
      rmSync(join(folder, `${device.port}:1.${index}`), { recursive: true, force: true })
    rmSync(join(folder, device.port), { recursive: true, force: true })
  }

  /** What udevd sends when it is done with a device. */
  announce(action: 'add' | 'remove', device: FakeDevice): void {
    const program = fileURLToPath(new URL('./uevent.py', import.meta.url))
    const [command, ...args] = [
      ...this.enter,
      'python3',
      program,
      action,
      device.port,
      '1',
      String(device.address),
      device.vendorId,
      device.productId,
    ]
    const done = spawnSync(command, args, { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`the event was not sent: ${done.stderr}`)
  }

  plug(device: FakeDevice): void {
    this.put(device)
    this.announce('add', device)
  }

  unplug(device: FakeDevice): void {
    this.take(device)
    this.announce('remove', device)
  }

  async end(): Promise<void> {
    const gone = once(this.#holder, 'close')
    this.#holder.kill('SIGKILL')
    await gone
  }
}
