import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { VirtualYubiHsm } from '../yubihsm/virtual-yubihsm.ts'
import { makeCard } from '../yubikey/card.ts'
import { generateCardKey } from '../yubikey/card-key.ts'
import { withKeys } from '../yubikey/testing/given-key.ts'
import { VirtualYubiKey } from '../yubikey/virtual-yubikey.ts'
import { UsbIpServer } from './server.ts'
import { UsbYubiHsm } from './usb-yubihsm.ts'
import { UsbYubiKey } from './usb-yubikey.ts'

// What a kernel would send, by hand: `npm run test:usb` has a real one do it.

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

/** The kernel's end of a connection. */
class Kernel {
  readonly #socket: Socket
  #waiting = Buffer.alloc(0)
  #wake: () => void = () => {}
  #sequence = 0
  ended = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => {
      this.#waiting = Buffer.concat([this.#waiting, bytes])
      this.#wake()
    })
    socket.on('close', () => {
      this.ended = true
      this.#wake()
    })
  }

  static async at(port: number): Promise<Kernel> {
    const socket = createConnection(port, '127.0.0.1')
    await once(socket, 'connect')
    undo.push(async () => void socket.destroy())
    return new Kernel(socket)
  }

  async read(length: number): Promise<Buffer> {
    while (this.#waiting.length < length) {
      if (this.ended) throw new Error('the server hung up')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const bytes = Buffer.from(this.#waiting.subarray(0, length))
    this.#waiting = this.#waiting.subarray(length)
    return bytes
  }

  async over(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  write(...parts: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(parts))
  }

  async import(busId: string): Promise<number> {
    this.write(Buffer.from('0111800300000000', 'hex'), Buffer.from(busId.padEnd(32, '\0')))
    const status = (await this.read(8)).readUInt32BE(4)
    if (status === 0) await this.read(312)
    return status
  }

  submit(
    endpoint: number,
    isIn: boolean,
    length: number,
    data: Uint8Array = new Uint8Array(),
    setup: Uint8Array = new Uint8Array(8),
  ): number {
    this.#sequence += 1
    const header = Buffer.alloc(40)
    for (const [index, value] of [1, this.#sequence, 0x10001, Number(isIn), endpoint, 0, length].entries())
      header.writeUInt32BE(value, index * 4)
    this.write(header, setup, data)
    return this.#sequence
  }

  unlink(victim: number): void {
    this.#sequence += 1
    const header = Buffer.alloc(48)
    for (const [index, value] of [2, this.#sequence, 0x10001, 0, 0, victim].entries())
      header.writeUInt32BE(value, index * 4)
    this.write(header)
  }

  /** The next end of a transfer, or of the taking back of one. */
  async answer(isIn: boolean): Promise<{ readonly sequence: number; readonly status: number; readonly data: Buffer }> {
    const header = await this.read(48)
    const length = header.readUInt32BE(0) === 3 && isIn ? header.readUInt32BE(24) : 0
    return { sequence: header.readUInt32BE(4), status: header.readInt32BE(20), data: await this.read(length) }
  }

  async in(endpoint: number, length: number): Promise<Buffer> {
    this.submit(endpoint, true, length)
    const { status, data } = await this.answer(true)
    if (status !== 0) throw new Error(`status ${status}`)
    return data
  }

  async out(endpoint: number, data: Uint8Array): Promise<void> {
    this.submit(endpoint, false, data.length, data)
    expect((await this.answer(false)).status).toBe(0)
  }

  async control(setup: string, length: number): Promise<Buffer | number> {
    this.submit(0, true, length, new Uint8Array(), Buffer.from(setup, 'hex'))
    const { status, data } = await this.answer(true)
    return status === 0 ? data : status
  }
}

async function serve() {
  const server = await UsbIpServer.start(0)
  undo.push(() => server.close())
  return server
}

async function attached(device: UsbYubiHsm | UsbYubiKey) {
  const server = await serve()
  server.offer('1-1', device)
  const kernel = await Kernel.at(server.port)
  expect(await kernel.import('1-1')).toBe(0)
  return { server, kernel }
}

const yubihsm = () => new UsbYubiHsm(new VirtualYubiHsm({ serial: 7_550_140 }))

describe('a USB/IP server', () => {
  it('lists what it offers, and gives each device to one kernel', async () => {
    const server = await serve()
    server.offer('1-1', yubihsm())
    const asking = await Kernel.at(server.port)
    asking.write(Buffer.from('0111800500000000', 'hex'))
    const list = await asking.read(12 + 312 + 4)
    expect(list.readUInt32BE(8)).toBe(1)
    expect(list.subarray(12 + 300, 12 + 306).toString('hex')).toBe('105000300240')
    expect(list.subarray(-4).toString('hex')).toBe('ff000000')
    const [first, second] = [await Kernel.at(server.port), await Kernel.at(server.port)]
    expect([
      await first.import('1-1'),
      await second.import('1-1'),
      await asking.import('1-9').catch(() => 'gone'),
    ]).toEqual([0, 1, 'gone'])
  })

  it('describes the device as the real one is described', async () => {
    const { kernel } = await attached(yubihsm())
    expect(await kernel.control('8006000100004000', 64)).toEqual(
      Buffer.from('120100020000004050103000400201020301', 'hex'),
    )
    const configuration = await kernel.control('800600020000ff00', 255)
    expect(typeof configuration === 'number' ? configuration : configuration.toString('hex')).toBe(
      '0902200001010080320904000002ff0000000705010240000007058102400000',
    )
    const text = await kernel.control('800603030904ff00', 255)
    expect(typeof text === 'number' ? text : text.subarray(2).toString('utf16le')).toBe('0007550140')
    // The qualifier of a device that is faster elsewhere: there is none.
    expect(await kernel.control('8006000600000a00', 10)).toBe(-32)
  })

  it('keeps a question until there is an answer, and lets it be taken back', async () => {
    const { kernel } = await attached(yubihsm())
    const asked = kernel.submit(1, true, 64)
    kernel.unlink(asked)
    expect((await kernel.answer(true)).status).toBe(-104)
    kernel.unlink(asked)
    expect((await kernel.answer(true)).status).toBe(0)
  })

  it('hangs up on who speaks another protocol', async () => {
    const server = await serve()
    const kernel = await Kernel.at(server.port)
    kernel.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await kernel.over()
  })
})

describe('a YubiHSM on USB', () => {
  it('answers a message with a message, and ends one that fills its last packet with an empty packet', async () => {
    const { kernel } = await attached(yubihsm())
    for (const length of [1, 61, 100, 125]) {
      const data = Buffer.alloc(length, 0x5a)
      await kernel.out(1, Buffer.concat([Buffer.from([0x01, 0, length]), data]))
      const answer = await kernel.in(1, 4096)
      expect(answer).toEqual(Buffer.concat([Buffer.from([0x81, 0, length]), data]))
    }
    // Asked for exactly what comes: the empty packet is still to be had.
    await kernel.out(1, Buffer.concat([Buffer.from([0x01, 0, 61]), Buffer.alloc(61)]))
    expect((await kernel.in(1, 64)).length).toBe(64)
    expect((await kernel.in(1, 64)).length).toBe(0)
  })

  it('loses its sessions and answers nothing when it is pulled', async () => {
    const device = yubihsm()
    const { server, kernel } = await attached(device)
    await kernel.out(1, Buffer.from('03000a00010102030405060708', 'hex'))
    expect((await kernel.in(1, 64))[0]).toBe(0x83)
    expect(device.device.openSessions).toBe(1)
    server.withdraw('1-1')
    await kernel.over()
    await expect.poll(() => [device.device.isPlugged, device.device.openSessions]).toEqual([false, 0])
  })
})

describe('a YubiKey on USB', () => {
  const header = (kind: number, length: number, sequence: number) => {
    const bytes = Buffer.alloc(10)
    bytes[0] = kind
    bytes.writeUInt32LE(length, 1)
    bytes[6] = sequence
    return bytes
  }
  async function plugged(finger: 'away' | 'on-the-key') {
    const made = withKeys(makeCard({ firmware: '5.4.3' }), [
      { slot: 0x9c, algorithm: 'ec-p256', key: generateCardKey('ec-p256'), pin: 'never', touch: 'always' },
    ])
    const device = new UsbYubiKey(new VirtualYubiKey({ made, finger, touchTimeoutMs: null }))
    const { server, kernel } = await attached(device)
    let sequence = 0
    const send = async (kind: number, data: Uint8Array = new Uint8Array()) => {
      sequence += 1
      await kernel.out(2, Buffer.concat([header(kind, data.length, sequence), data]))
    }
    const exchange = async (kind: number, data?: Uint8Array) => {
      await send(kind, data)
      return await kernel.in(2, 4096)
    }
    return { device, server, kernel, send, exchange }
  }
  const selectPiv = Buffer.from('00a4040005a00000030800', 'hex')
  const signIn9c = Buffer.from(`0087119c267c2482008120${'11'.repeat(32)}00`, 'hex')

  it('is a reader with a card in it: it tells so, switches it on and carries its commands', async () => {
    const { kernel, exchange } = await plugged('on-the-key')
    expect((await kernel.in(3, 8)).toString('hex')).toBe('5003')
    expect((await exchange(0x65)).toString('hex')).toBe('81000000000001010000')
    const on = await exchange(0x62)
    expect([on[0], on[7], on.subarray(10).toString('hex')]).toEqual([
      0x80,
      0,
      '3bfd1300008131fe158073c021c057597562694b657940',
    ])
    const selected = await exchange(0x6f, selectPiv)
    expect([selected[6], selected.subarray(-2).toString('hex')]).toEqual([3, '9000'])
    // What it does not know is refused with the reason, not left without an answer.
    expect((await exchange(0x6b)).subarray(7, 9).toString('hex')).toBe('4000')
  })

  it('asks for more time as long as it waits for a finger, and then answers', async () => {
    const { device, kernel, send, exchange } = await plugged('away')
    await exchange(0x62)
    await exchange(0x6f, selectPiv)
    await send(0x6f, signIn9c)
    const waits = await kernel.in(2, 4096)
    expect(waits.toString('hex')).toBe('80000000000003800100')
    expect(device.timeExtensions).toBe(1)
    device.key.touch()
    let answer = await kernel.in(2, 4096)
    while (answer[7] === 0x80) answer = await kernel.in(2, 4096)
    expect([answer[7], answer.subarray(-2).toString('hex')]).toEqual([0, '9000'])
  })

  it('that is pulled while it waits signs nothing', async () => {
    const { device, server, kernel, send, exchange } = await plugged('away')
    await exchange(0x62)
    await exchange(0x6f, selectPiv)
    await send(0x6f, signIn9c)
    await device.key.touchAwaited()
    server.withdraw('1-1')
    await kernel.over()
    await expect.poll(() => device.key.blinking).toBe(false)
    device.key.touch()
    expect(device.key.exchanges.at(-1)).toMatchObject({ ins: 0x87, sw: null })
  })
})
