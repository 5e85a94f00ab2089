import { DeviceGone, type VirtualYubiHsm } from '../yubihsm/virtual-yubihsm.ts'
import type { Line, UsbDevice } from './usb-device.ts'

/** `cmd u8, length u16` stand before the data of a message. */
const headerBytes = 3
/** More than any message of the device. */
const mostWaiting = 8192

/** A virtual YubiHSM with its plug: one message a transfer, OUT of endpoint 1 and IN of endpoint 1. */
export class UsbYubiHsm implements UsbDevice {
  readonly vendorId = 0x1050
  readonly productId = 0x0030
  readonly release: number
  readonly strings: Readonly<Record<number, string>>
  readonly serialIndex = 3
  readonly interface = { class: 0xff, subclass: 0, protocol: 0, extra: new Uint8Array() }
  readonly endpoints = [
    { address: 0x01, kind: 'bulk', interval: 0 },
    { address: 0x81, kind: 'bulk', interval: 0 },
  ] as const
  readonly device: VirtualYubiHsm
  #line: Line | null = null
  #waiting: Buffer = Buffer.alloc(0)

  readonly #lostPower: () => void

  /** `lostPower`: it went dark in the middle of a command, as somebody pulled it. The cable is the caller's to pull. */
  constructor(device: VirtualYubiHsm, lostPower: () => void = () => {}) {
    this.device = device
    this.#lostPower = lostPower
    const [major, minor, patch] = device.firmware
    this.release = (major << 8) | (minor << 4) | patch
    this.strings = { 1: 'Yubico', 2: 'YubiHSM', 3: String(device.serial).padStart(10, '0') }
    device.unplug()
  }

  plugged(line: Line): void {
    this.#line = line
    this.#waiting = Buffer.alloc(0)
    this.device.plugIn()
  }

  gone(): void {
    this.#line = null
    this.device.unplug()
  }

  receive(_endpoint: number, bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes])
    if (this.#waiting.length > mostWaiting) this.#waiting = Buffer.alloc(0)
    if (this.#waiting.length < headerBytes) return
    const length = headerBytes + this.#waiting.readUInt16BE(1)
    if (this.#waiting.length < length) return
    const message = Uint8Array.from(this.#waiting.subarray(0, length))
    this.#waiting = Buffer.alloc(0)
    void this.#exchange(message)
  }

  async #exchange(message: Uint8Array): Promise<void> {
    const line = this.#line
    try {
      const answer = await this.device.exchange(message)
      if (this.#line === line) line?.send(1, answer)
    } catch (error) {
      // Without power there is nobody to answer; the cable tells the rest.
      if (!(error instanceof DeviceGone)) throw error
      if (this.#line === line && line !== null) this.#lostPower()
    }
  }
}
