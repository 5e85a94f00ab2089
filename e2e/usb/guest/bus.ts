import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { UsbIpServer } from '../../devices/usbip/server.ts'
import type { UsbDevice } from '../../devices/usbip/usb-device.ts'

const run = promisify(execFile)
const limitMs = 20_000

/** The guest's USB ports. A device goes in by `usbip attach`, as the kernel's own tool does it, and out as a cable does. */
export class Bus {
  readonly #server: UsbIpServer
  readonly #places = new Map<UsbDevice, string>()
  #last = 0

  private constructor(server: UsbIpServer) {
    this.#server = server
  }

  static async open(): Promise<Bus> {
    return new Bus(await UsbIpServer.start())
  }

  /** The moment, in milliseconds of the guest's clock, at which the kernel had the port. */
  async plug(device: UsbDevice): Promise<number> {
    this.#last += 1
    const busId = `1-${this.#last}`
    this.#server.offer(busId, device)
    this.#places.set(device, busId)
    await run('/usr/sbin/usbip', ['attach', '--remote=127.0.0.1', `--busid=${busId}`])
    return Date.now()
  }

  /** Pulls it, whatever it is doing. */
  pull(device: UsbDevice): number {
    const busId = this.#places.get(device)
    this.#places.delete(device)
    if (busId !== undefined) this.#server.withdraw(busId)
    return Date.now()
  }

  /** Waits until the kernel has its strings, or has forgotten them. */
  async settled(device: UsbDevice, there: boolean): Promise<void> {
    const until = performance.now() + limitMs
    while (((await nodeOf(device)) !== null) !== there) {
      if (performance.now() > until) throw new Error(`the kernel does not ${there ? 'see' : 'forget'} the device`)
      await delay(20)
    }
    await run('/usr/bin/udevadm', ['settle'])
  }

  async close(): Promise<void> {
    await this.#server.close()
  }
}

/**
 * Its node, `/dev/bus/usb/003/007`; null: the kernel has no such device. Not with this thread: the kernel holds the files of a device
 * back while it talks to it, and whom it talks to is in this thread.
 */
export async function nodeOf({ vendorId, productId }: UsbDevice): Promise<string | null> {
  const wanted = `PRODUCT=${vendorId.toString(16)}/${productId.toString(16)}/`
  for (const entry of (await readdir(folder)).filter((name) => /^\d+-[\d.]+$/.test(name))) {
    // Empty: it went away meanwhile.
    const told = await readFile(`${folder}/${entry}/uevent`, 'utf8').catch(() => '')
    const node = /^DEVNAME=(\S+)$/m.exec(told)?.[1]
    if (told.includes(wanted) && node !== undefined) return `/dev/${node}`
  }
  return null
}

const folder = '/sys/bus/usb/devices'
