import { existsSync } from 'node:fs'
import type { WatcherMessage } from '../protocol.ts'
import { type KnownStrings, type Scan, scanUsb, usbFolder, usbIsThere } from './scan.ts'

export type WatchPorts = {
  readonly send: (message: WatcherMessage) => void
  /** Makes `ring` be called at each event. Called once, and only where there is USB: without it the package ends the process. */
  readonly listen: (ring: () => void) => Promise<void>
  /** Calls back after that many milliseconds. */
  readonly after: (milliseconds: number, call: () => void) => void
  readonly folder?: string
  readonly udevSocket?: string
}

/** udevd listens there. `usb` hears udevd and not the kernel, so without it no event ever comes. */
const udevdSocket = '/run/udev/control'

const pollMs = 2_000
/** While events come, the bus is still looked at now and then, in case one was missed. */
const safetyMs = 10_000
/** After an event: the kernel tells of a device before it has made its interfaces. */
const settleMs = [0, 100, 300, 1_000] as const

/** Looks at the bus when the bell rings, and every few seconds; tells when what it sees is not what it told last. */
export class UsbWatch {
  readonly #ports: WatchPorts
  readonly #strings: KnownStrings = new Map()
  #told = ''
  #census: string | null = null
  #listening: 'no' | 'yes' | 'failed' = 'no'
  /** udevd is there, and yet something came or went without a word of it: a container has the socket's folder, not its events. */
  #deaf = false
  #rung = false
  #looking: Promise<unknown> = Promise.resolve()

  constructor(ports: WatchPorts) {
    this.#ports = ports
  }

  async start(): Promise<void> {
    await this.#round()
  }

  /** The package failed after it was loaded: what it says is of no use any more. */
  lostEvents(): void {
    this.#listening = 'failed'
  }

  async #round(): Promise<void> {
    await this.#listenOnce()
    await this.#look('round')
    this.#ports.after(this.#mode() === 'events' ? safetyMs : pollMs, () => void this.#round())
  }

  #mode(): 'events' | 'polling' | 'no-usb' {
    if (!usbIsThere(this.#ports.folder ?? usbFolder)) return 'no-usb'
    const udevd = existsSync(this.#ports.udevSocket ?? udevdSocket)
    return udevd && this.#listening === 'yes' && !this.#deaf ? 'events' : 'polling'
  }

  async #listenOnce(): Promise<void> {
    if (this.#listening !== 'no' || !usbIsThere(this.#ports.folder ?? usbFolder)) return
    try {
      await this.#ports.listen(() => this.#ring())
      this.#listening = 'yes'
    } catch (error) {
      this.#listening = 'failed'
      this.#ports.send({ kind: 'trouble', text: String(error).slice(0, 2000) })
    }
  }

  #ring(): void {
    this.#rung = true
    this.#deaf = false
    for (const milliseconds of settleMs) this.#ports.after(milliseconds, () => void this.#look('bell'))
  }

  /** One look after the other. */
  #look(why: 'round' | 'bell'): Promise<unknown> {
    this.#looking = this.#looking.then(() => this.#lookNow(why))
    return this.#looking
  }

  async #lookNow(why: 'round' | 'bell'): Promise<void> {
    const none: Scan = { devices: [], census: '', unfinished: false }
    const mode = this.#mode()
    const scan = mode === 'no-usb' ? none : await scanUsb(this.#ports.folder ?? usbFolder, this.#strings)
    if (why === 'round') {
      if (this.#census !== null && this.#census !== scan.census && !this.#rung) this.#deaf = true
      this.#rung = false
      if (scan.unfinished) this.#ports.after(settleMs[2], () => void this.#look('bell'))
    }
    this.#census = scan.census
    const message: WatcherMessage = { kind: 'seen', watch: this.#mode(), devices: [...scan.devices] }
    const line = JSON.stringify(message)
    if (line === this.#told) return
    this.#told = line
    this.#ports.send(message)
  }
}
