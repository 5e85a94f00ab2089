// The messages of USB/IP 1.1.1 (Linux, Documentation/usb/usbip_protocol.rst). All numbers are big-endian.

export const usbIpPort = 3240
const version = 0x0111

const operation = {
  deviceListRequest: 0x8005,
  deviceList: 0x0005,
  importRequest: 0x8003,
  imported: 0x0003,
} as const
const command = { submit: 1, unlink: 2, submitted: 3, unlinked: 4 } as const

/** A negative errno of Linux, as the status of a transfer has it. */
export const status = { done: 0, noSuchDevice: -19, stalled: -32, overflow: -75, unlinked: -104 } as const

const headerBytes = 48
const busIdBytes = 32
const operationBytes = 8

/** What a server tells of a device before the kernel has asked it anything. */
export type ExportedDevice = {
  /** `1-1` */
  readonly busId: string
  readonly busNumber: number
  readonly deviceNumber: number
  readonly vendorId: number
  readonly productId: number
  /** Binary-coded decimal, `bcdDevice`. */
  readonly release: number
  readonly interfaces: readonly { readonly class: number; readonly subclass: number; readonly protocol: number }[]
}

/** What a client asks for before it hands its connection to the kernel. */
export type Operation = { readonly kind: 'list' } | { readonly kind: 'import'; readonly busId: string }

export type Submit = {
  readonly kind: 'submit'
  readonly sequence: number
  readonly isIn: boolean
  readonly endpoint: number
  /** How much is sent, or may be answered. */
  readonly length: number
  /** Eight bytes; they mean something at endpoint 0 only. */
  readonly setup: Uint8Array
  /** What is sent; empty for IN. */
  readonly data: Uint8Array
}
export type Unlink = { readonly kind: 'unlink'; readonly sequence: number; readonly victim: number }
export type Command = Submit | Unlink

/** The first whole message in `bytes` and its length; null: more has to come. Throws where the peer speaks another protocol. */
export function parseOperation(bytes: Buffer): { readonly operation: Operation; readonly length: number } | null {
  if (bytes.length < operationBytes) return null
  if (bytes.readUInt16BE(0) !== version) throw new Error(`version ${bytes.readUInt16BE(0).toString(16)} of USB/IP`)
  const code = bytes.readUInt16BE(2)
  if (code === operation.deviceListRequest) return { operation: { kind: 'list' }, length: operationBytes }
  if (code !== operation.importRequest) throw new Error(`operation ${code.toString(16)} of USB/IP`)
  const length = operationBytes + busIdBytes
  if (bytes.length < length) return null
  const busId = bytes.toString('latin1', operationBytes, length).replace(/\0.*$/s, '')
  return { operation: { kind: 'import', busId }, length }
}

/** As `parseOperation`, of what the kernel sends after the import. */
export function parseCommand(bytes: Buffer): { readonly command: Command; readonly length: number } | null {
  if (bytes.length < headerBytes) return null
  const kind = bytes.readUInt32BE(0)
  const sequence = bytes.readUInt32BE(4)
  if (kind === command.unlink)
    return { command: { kind: 'unlink', sequence, victim: bytes.readUInt32BE(20) }, length: headerBytes }
  if (kind !== command.submit) throw new Error(`command ${kind} of USB/IP`)
  const isIn = bytes.readUInt32BE(12) === 1
  const asked = bytes.readUInt32BE(24)
  const length = headerBytes + (isIn ? 0 : asked)
  if (bytes.length < length) return null
  return {
    command: {
      kind: 'submit',
      sequence,
      isIn,
      endpoint: bytes.readUInt32BE(16),
      length: asked,
      setup: Uint8Array.from(bytes.subarray(40, 48)),
      data: Uint8Array.from(bytes.subarray(headerBytes, length)),
    },
    length,
  }
}

export function deviceList(devices: readonly ExportedDevice[]): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(devices.length)
  const each = devices.flatMap((device) => [
    description(device),
    ...device.interfaces.map((one) => Buffer.from([one.class, one.subclass, one.protocol, 0])),
  ])
  return Buffer.concat([reply(operation.deviceList, 0), count, ...each])
}

/** Null: there is no such device. */
export function imported(device: ExportedDevice | null): Buffer {
  return device === null
    ? reply(operation.imported, 1)
    : Buffer.concat([reply(operation.imported, 0), description(device)])
}

/** The end of a transfer. `data`: what was read; for OUT `length` says how much was taken. */
export function submitted(
  of: Submit,
  outcome: number,
  data: Uint8Array = new Uint8Array(),
  length = data.length,
): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(command.submitted, 0)
  header.writeUInt32BE(of.sequence, 4)
  header.writeInt32BE(outcome, 20)
  header.writeUInt32BE(length, 24)
  return Buffer.concat([header, data])
}

export function unlinked(of: Unlink, outcome: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(command.unlinked, 0)
  header.writeUInt32BE(of.sequence, 4)
  header.writeInt32BE(outcome, 20)
  return header
}

function reply(code: number, outcome: number): Buffer {
  const bytes = Buffer.alloc(operationBytes)
  bytes.writeUInt16BE(version, 0)
  bytes.writeUInt16BE(code, 2)
  bytes.writeUInt32BE(outcome, 4)
  return bytes
}

/** 312 bytes: what the client shows of a device, and how the kernel sets its port up. */
function description(device: ExportedDevice): Buffer {
  const bytes = Buffer.alloc(312)
  bytes.write(`/sys/devices/virtual/${device.busId}`, 0, 255, 'latin1')
  bytes.write(device.busId, 256, busIdBytes - 1, 'latin1')
  bytes.writeUInt32BE(device.busNumber, 288)
  bytes.writeUInt32BE(device.deviceNumber, 292)
  bytes.writeUInt32BE(fullSpeed, 296)
  bytes.writeUInt16BE(device.vendorId, 300)
  bytes.writeUInt16BE(device.productId, 302)
  bytes.writeUInt16BE(device.release, 304)
  // Class, subclass and protocol are the interfaces'; one configuration, which is number 1.
  bytes.set([0, 0, 0, 1, 1, device.interfaces.length], 306)
  return bytes
}

/** enum usb_device_speed of Linux. */
const fullSpeed = 2
