/** A device as it is on the bus: what it says of itself, and its bulk and interrupt endpoints. Endpoint 0 is the server's. */
export interface UsbDevice {
  readonly vendorId: number
  readonly productId: number
  /** `bcdDevice`. */
  readonly release: number
  /** Strings by their index, from 1; index 0 is the list of languages. */
  readonly strings: Readonly<Record<number, string>>
  /** Index of the string with the serial number; 0: it has none. */
  readonly serialIndex: number
  readonly interface: {
    readonly class: number
    readonly subclass: number
    readonly protocol: number
    /** Descriptors of the class, between those of the interface and of its endpoints. */
    readonly extra: Uint8Array
  }
  readonly endpoints: readonly Endpoint[]
  /** Somebody's kernel has it now. `line` is what leads there, until `gone`. */
  plugged(line: Line): void
  /** An OUT transfer, whole. */
  receive(endpoint: number, bytes: Uint8Array): void
  /** The cable is out. */
  gone(): void
}

export type Endpoint = {
  /** With the direction in its highest bit: 0x81 is IN of endpoint 1. */
  readonly address: number
  readonly kind: 'bulk' | 'interrupt'
  readonly interval: number
}

/** The device's side of its IN endpoints. */
export interface Line {
  /** A message in one transfer. One that fills its last packet is followed by an empty one, so that its end is seen. */
  send(endpoint: number, message: Uint8Array): void
}

/** Full speed, USB 2.0 §5.8.3. */
export const packetBytes = 64

const type = { device: 1, configuration: 2, string: 3, interface: 4, endpoint: 5 } as const

/** USB 2.0 §9.6: the descriptor that is asked for, or null where the device has none (which it answers with a stall). */
export function descriptorOf(device: UsbDevice, kind: number, index: number): Uint8Array | null {
  if (kind === type.device) return deviceDescriptor(device)
  if (kind === type.configuration && index === 0) return configurationDescriptor(device)
  if (kind !== type.string) return null
  // English of the United States, the one language that everybody asks for.
  if (index === 0) return Uint8Array.of(4, type.string, 0x09, 0x04)
  const text = device.strings[index]
  if (text === undefined) return null
  const units = Buffer.from(text, 'utf16le')
  return Uint8Array.of(2 + units.length, type.string, ...units)
}

function deviceDescriptor({ vendorId, productId, release, serialIndex }: UsbDevice): Uint8Array {
  const bytes = Buffer.from([18, type.device, 0, 2, 0, 0, 0, packetBytes, 0, 0, 0, 0, 0, 0, 1, 2, serialIndex, 1])
  bytes.writeUInt16LE(vendorId, 8)
  bytes.writeUInt16LE(productId, 10)
  bytes.writeUInt16LE(release, 12)
  return bytes
}

function configurationDescriptor({ interface: own, endpoints }: UsbDevice): Uint8Array {
  const parts = [
    Uint8Array.of(9, type.interface, 0, 0, endpoints.length, own.class, own.subclass, own.protocol, 0),
    own.extra,
    ...endpoints.map(({ address, kind, interval }) =>
      Uint8Array.of(7, type.endpoint, address, kind === 'bulk' ? 2 : 3, packetBytes, 0, interval),
    ),
  ]
  const all = Buffer.concat(parts)
  const total = 9 + all.length
  // Powered by the bus, 100 mA.
  return Buffer.concat([Uint8Array.of(9, type.configuration, total & 0xff, total >> 8, 1, 1, 0, 0x80, 50), all])
}
