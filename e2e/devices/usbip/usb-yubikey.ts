import type { VirtualYubiKey } from '../yubikey/virtual-yubikey.ts'
import type { Line, UsbDevice } from './usb-device.ts'

// CCID 1.1 (Specification for Integrated Circuit(s) Cards Interface Devices): the reader in a YubiKey, with the card that cannot be
// taken out of it.

const outEndpoint = 0x02
const inEndpoint = 0x82
const interruptEndpoint = 0x83

/** §6.1 and §6.2: what the host sends, and what is answered. */
const toReader = {
  iccPowerOn: 0x62,
  iccPowerOff: 0x63,
  getSlotStatus: 0x65,
  escape: 0x6b,
  getParameters: 0x6c,
  resetParameters: 0x6d,
  setParameters: 0x61,
  transfer: 0x6f,
} as const
const fromReader = { dataBlock: 0x80, slotStatus: 0x81, parameters: 0x82, escape: 0x83 } as const

/** §6.2.6: the card is there and has power, is there without, and what came of the command. */
const icc = { active: 0, inactive: 1 } as const
const outcome = { done: 0x00, failed: 0x40, timeExtension: 0x80 } as const
const notSupported = 0

const headerBytes = 10
const mostWaiting = 8192

/** §6.1.5, T=1 as the card's ATR says it. */
const parametersT1 = Uint8Array.of(0x18, 0x10, 0xff, 0x15, 0x00, 0xfe, 0x00)

/** §5.1: one slot, T=1, whole APDUs of extended length, messages of at most 3072 bytes. */
const classDescriptor = Buffer.from(
  '36210001000702000000a00f0000a00f00000000b0040000b0040000f60b00000000000000000000fe000400000c0000ffff00000001',
  'hex',
)

/** How often a reader says that its card needs more time; a second on real keys. */
const extensionMs = 1_000

/** A virtual YubiKey with its plug. Only its smart-card interface is on, as `ykman config usb` leaves it. */
export class UsbYubiKey implements UsbDevice {
  readonly vendorId = 0x1050
  readonly productId = 0x0407
  readonly release = 0x0543
  // No serial number, as keys come from the factory.
  readonly strings = { 1: 'Yubico', 2: 'YubiKey OTP+FIDO+CCID' }
  readonly serialIndex = 0
  readonly interface = { class: 0x0b, subclass: 0, protocol: 0, extra: classDescriptor }
  readonly endpoints = [
    { address: outEndpoint, kind: 'bulk', interval: 0 },
    { address: inEndpoint, kind: 'bulk', interval: 0 },
    { address: interruptEndpoint, kind: 'interrupt', interval: 32 },
  ] as const
  readonly key: VirtualYubiKey
  #line: Line | null = null
  #waiting: Buffer = Buffer.alloc(0)
  #active = false
  #extensions = 0

  constructor(key: VirtualYubiKey) {
    this.key = key
  }

  /** How often it has asked for more time, in all. */
  get timeExtensions(): number {
    return this.#extensions
  }

  plugged(line: Line): void {
    this.#line = line
    this.#waiting = Buffer.alloc(0)
    this.#active = false
    // §6.3.1: a card is in the slot, which is news.
    line.send(interruptEndpoint & 0x0f, Uint8Array.of(0x50, 0x03))
  }

  gone(): void {
    this.#line = null
    this.#active = false
    this.key.removed()
  }

  receive(_endpoint: number, bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes])
    if (this.#waiting.length > mostWaiting) this.#waiting = Buffer.alloc(0)
    if (this.#waiting.length < headerBytes) return
    const length = headerBytes + this.#waiting.readUInt32LE(1)
    if (this.#waiting.length < length) return
    const message = Buffer.from(this.#waiting.subarray(0, length))
    this.#waiting = Buffer.alloc(0)
    const header = { slot: message[5] ?? 0, sequence: message[6] ?? 0 }
    const data = message.subarray(headerBytes)
    void this.#command(message[0] ?? 0, header, data)
  }

  async #command(kind: number, header: Header, data: Uint8Array): Promise<void> {
    switch (kind) {
      case toReader.iccPowerOn:
        this.key.power()
        this.#active = true
        return this.#answer(fromReader.dataBlock, header, outcome.done, 0, this.key.atr)
      case toReader.iccPowerOff:
        this.key.power()
        this.#active = false
        return this.#answer(fromReader.slotStatus, header, outcome.done)
      case toReader.getSlotStatus:
        return this.#answer(fromReader.slotStatus, header, outcome.done)
      case toReader.getParameters:
      case toReader.resetParameters:
      case toReader.setParameters:
        return this.#answer(fromReader.parameters, header, outcome.done, 0, parametersT1, 1)
      case toReader.transfer:
        return await this.#transfer(header, data)
      case toReader.escape:
        return this.#answer(fromReader.escape, header, outcome.failed, notSupported)
      default:
        return this.#answer(fromReader.slotStatus, header, outcome.failed, notSupported)
    }
  }

  /** §6.2.6: while the card is at work, the reader says each second that its answer takes longer. */
  async #transfer(header: Header, data: Uint8Array): Promise<void> {
    const line = this.#line
    const extend = setInterval(() => {
      this.#extensions += 1
      this.#answer(fromReader.dataBlock, header, outcome.timeExtension, 1)
    }, extensionMs)
    const answer = await this.key.transmit(data)
    clearInterval(extend)
    // Null: it was pulled, or lost its power, and whoever asked hears of it in another way.
    if (answer !== null && this.#line === line) this.#answer(fromReader.dataBlock, header, outcome.done, 0, answer)
  }

  #answer(
    kind: number,
    { slot, sequence }: Header,
    came: number,
    error = 0,
    data: Uint8Array = new Uint8Array(),
    last = 0,
  ): void {
    const header = Buffer.alloc(headerBytes)
    header[0] = kind
    header.writeUInt32LE(data.length, 1)
    header[5] = slot
    header[6] = sequence
    header[7] = (this.#active ? icc.active : icc.inactive) | came
    header[8] = error
    header[9] = last
    this.#line?.send(inEndpoint & 0x0f, Buffer.concat([header, data]))
  }
}

type Header = { readonly slot: number; readonly sequence: number }
