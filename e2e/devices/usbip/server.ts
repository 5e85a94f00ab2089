import { createServer, type Server, type Socket } from 'node:net'
import { descriptorOf, packetBytes, type UsbDevice } from './usb-device.ts'
import {
  type Command,
  deviceList,
  type ExportedDevice,
  imported,
  type Operation,
  parseCommand,
  parseOperation,
  type Submit,
  status,
  submitted,
  unlinked,
  usbIpPort,
} from './wire.ts'

/** A device that is offered, and the connection to the kernel that has taken it. */
type Place = { readonly device: UsbDevice; readonly shown: ExportedDevice; socket: Socket | null }

/**
 * A USB/IP server: what `usbipd` is for devices of flesh, for devices of this program. `usbip attach -r 127.0.0.1 -b 1-1` on the
 * machine that shall have one; Linux then has it on a port of a host controller of its own (vhci-hcd), and its drivers, udev and
 * every program see a device on USB.
 */
export class UsbIpServer {
  readonly #server: Server
  readonly #places = new Map<string, Place>()
  readonly #sockets = new Set<Socket>()
  #lastNumber = 0

  private constructor() {
    this.#server = createServer((socket) => this.#welcome(socket))
  }

  static async start(port = usbIpPort): Promise<UsbIpServer> {
    const started = new UsbIpServer()
    await new Promise<void>((resolve, reject) => {
      started.#server.once('error', reject)
      started.#server.listen(port, '127.0.0.1', resolve)
    })
    return started
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server does not listen')
    return address.port
  }

  /** Offers a device under a bus id (`1-1`) to whoever comes for it. */
  offer(busId: string, device: UsbDevice): void {
    if (this.#places.has(busId)) throw new Error(`there is a device at ${busId}`)
    this.#lastNumber += 1
    const { vendorId, productId, release } = device
    const shown: ExportedDevice = {
      busId,
      busNumber: 1,
      deviceNumber: this.#lastNumber,
      vendorId,
      productId,
      release,
      interfaces: [device.interface],
    }
    this.#places.set(busId, { device, shown, socket: null })
  }

  /** Pulls the device out, whatever it is doing: the connection ends without a word, and the kernel's port loses its device. */
  withdraw(busId: string): void {
    const place = this.#places.get(busId)
    this.#places.delete(busId)
    place?.socket?.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #welcome(socket: Socket): void {
    socket.setNoDelay(true)
    this.#sockets.add(socket)
    // How a kernel that let go of its port looks from here; the close that follows says the same.
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let waiting: Buffer = Buffer.alloc(0)
    let take: (command: Command) => void = () => {}
    let attached = false
    socket.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes])
      try {
        for (;;) {
          if (attached) {
            const next = parseCommand(waiting)
            if (next === null) return
            waiting = waiting.subarray(next.length)
            take(next.command)
          } else {
            const next = parseOperation(waiting)
            if (next === null) return
            waiting = waiting.subarray(next.length)
            const taken = this.#answer(socket, next.operation)
            if (taken !== null) {
              attached = true
              take = taken
            }
          }
        }
      } catch {
        // Another protocol, or none: nobody to talk to.
        socket.destroy()
      }
    })
  }

  /** What takes the kernel's commands from now on, if a device was handed over. */
  #answer(socket: Socket, operation: Operation): ((command: Command) => void) | null {
    if (operation.kind === 'list') {
      const free = [...this.#places.values()].filter((place) => place.socket === null)
      socket.end(deviceList(free.map(({ shown }) => shown)))
      return null
    }
    const place = this.#places.get(operation.busId)
    if (place === undefined || place.socket !== null) {
      socket.end(imported(null))
      return null
    }
    place.socket = socket
    socket.write(imported(place.shown))
    const { device } = place
    const plug = new Plug(device, socket)
    socket.once('close', () => {
      if (place.socket === socket) place.socket = null
      device.gone()
    })
    device.plugged({ send: (endpoint, message) => plug.send(endpoint, message) })
    return (command) => plug.take(command)
  }
}

/** One device on one kernel's port. */
class Plug {
  readonly #device: UsbDevice
  readonly #socket: Socket
  /** Packets that wait to be asked for, and questions that wait for a packet, by number of the IN endpoint. */
  readonly #packets = new Map<number, Uint8Array[]>()
  readonly #questions = new Map<number, Submit[]>()
  #configuration = 0

  constructor(device: UsbDevice, socket: Socket) {
    this.#device = device
    this.#socket = socket
  }

  send(endpoint: number, message: Uint8Array): void {
    const packets: Uint8Array[] = []
    for (let at = 0; at < message.length; at += packetBytes) packets.push(message.subarray(at, at + packetBytes))
    if (message.length % packetBytes === 0) packets.push(new Uint8Array())
    this.#packets.set(endpoint, [...(this.#packets.get(endpoint) ?? []), ...packets])
    this.#serve(endpoint)
  }

  take(command: Command): void {
    if (command.kind === 'unlink') {
      const pending = [...this.#questions.entries()].find(([, all]) =>
        all.some(({ sequence }) => sequence === command.victim),
      )
      if (pending === undefined) return this.#write(unlinked(command, status.done))
      const [endpoint, all] = pending
      this.#questions.set(
        endpoint,
        all.filter(({ sequence }) => sequence !== command.victim),
      )
      return this.#write(unlinked(command, status.unlinked))
    }
    if (command.endpoint === 0) return this.#control(command)
    if (!command.isIn) {
      this.#write(submitted(command, status.done, new Uint8Array(), command.length))
      this.#device.receive(command.endpoint, command.data)
      return undefined
    }
    this.#questions.set(command.endpoint, [...(this.#questions.get(command.endpoint) ?? []), command])
    return this.#serve(command.endpoint)
  }

  /** A transfer ends with a packet that is not full, or when it has what was asked for (USB 2.0 §5.8.3). */
  #serve(endpoint: number): void {
    const packets = this.#packets.get(endpoint) ?? []
    const questions = this.#questions.get(endpoint) ?? []
    while (questions.length > 0 && packets.length > 0) {
      const [question] = questions
      if (question === undefined) return
      const taken: Uint8Array[] = []
      let length = 0
      let overflow = false
      for (;;) {
        const packet = packets[0]
        // The rest of the message comes with the next packets, which are there: a message is queued whole.
        if (packet === undefined) break
        overflow = length + packet.length > question.length
        packets.shift()
        if (overflow) break
        taken.push(packet)
        length += packet.length
        if (packet.length < packetBytes || length === question.length) break
      }
      questions.shift()
      this.#write(submitted(question, overflow ? status.overflow : status.done, Buffer.concat(taken)))
    }
  }

  /** USB 2.0 §9.4, as far as Linux asks. */
  #control(command: Submit): void {
    const setup = Buffer.from(command.setup)
    const [requestType = 0, request = 0, low = 0, high = 0] = setup
    const length = setup.readUInt16LE(6)
    const answer = (bytes: Uint8Array | null) =>
      bytes === null
        ? this.#write(submitted(command, status.stalled))
        : this.#write(submitted(command, status.done, bytes.subarray(0, Math.min(length, command.length))))
    const recipient = requestType & 0x1f
    if ((requestType & 0x60) !== 0) return answer(null)
    switch (request) {
      case standard.getDescriptor:
        return answer(recipient === 0 ? descriptorOf(this.#device, high, low) : null)
      case standard.getStatus:
        return answer(Uint8Array.of(0, 0))
      case standard.getConfiguration:
        return answer(Uint8Array.of(this.#configuration))
      case standard.setConfiguration:
        this.#configuration = low
        return answer(new Uint8Array())
      case standard.getInterface:
        return answer(Uint8Array.of(0))
      case standard.clearFeature:
        // An endpoint that was halted goes on; what lay in it is of no use to anybody.
        if (recipient === 2) this.#packets.delete(command.setup[4] === undefined ? 0 : command.setup[4] & 0x0f)
        return answer(new Uint8Array())
      case standard.setFeature:
      case standard.setInterface:
        return answer(new Uint8Array())
      default:
        return answer(null)
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }
}

/** USB 2.0 table 9-4. */
const standard = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
} as const
