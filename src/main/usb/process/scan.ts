import { existsSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { UsbDevice } from '../../../shared/devices.ts'
import { type InterfaceClass, kindOf, purposeOf } from './known-device.ts'

/** Where the kernel tells of every device on USB. Reading there opens none of them. */
export const usbFolder = '/sys/bus/usb/devices'

/** The kernel writes at most one page; a device's string has 126 units, three bytes each. */
const maxAttributeBytes = 512
/** More than a machine with four full buses has. */
const maxPorts = 512
const maxDevices = 64
const maxInterfaces = 32
const maxText = 126
/** `product` and `serial` wait for the kernel's lock of the device: one that is just being reset must not hold up the others. */
const stringLimitMs = 500

export type Scan = {
  readonly devices: readonly UsbDevice[]
  /** Everything on the bus, known or not, to notice that something changed: name and address. */
  readonly census: string
  /** The kernel is still making the interfaces of something: look again soon. */
  readonly unfinished: boolean
}

export function usbIsThere(folder = usbFolder): boolean {
  return existsSync(folder)
}

/**
 * What a device calls itself, by plug, from earlier scans: read once. A string that did not come in time holds one thread of this
 * process, and asking for it again would hold another.
 */
export type KnownStrings = Map<string, { readonly product: string; readonly serial: string | null }>

/** All tokens and readers on the bus. A device that goes away while it is read is left out. */
export async function scanUsb(folder = usbFolder, strings: KnownStrings = new Map()): Promise<Scan> {
  const names: readonly string[] = await readdir(folder).then(
    (all) => all.sort((one, other) => (one < other ? -1 : 1)),
    () => [],
  )
  // `1-4.2` is a device, `1-4.2:1.0` an interface of it, `usb1` a root hub.
  const ports = names.filter((name) => /^\d{1,5}-\d{1,3}(?:\.\d{1,3}){0,8}$/.test(name)).slice(0, maxPorts)
  const found: Look[] = []
  for (const port of ports) {
    const seen = await look(folder, port, names, strings)
    if (seen !== null) found.push(seen)
  }
  for (const plug of strings.keys()) if (!found.some((seen) => seen.plug === plug)) strings.delete(plug)
  return {
    devices: found.flatMap(({ device }) => (device === null ? [] : [device])).slice(0, maxDevices),
    census: found.map(({ plug }) => plug).join(' '),
    unfinished: found.some(({ unfinished }) => unfinished),
  }
}

type Look = { readonly plug: string; readonly device: UsbDevice | null; readonly unfinished: boolean }

async function look(
  folder: string,
  port: string,
  names: readonly string[],
  strings: KnownStrings,
): Promise<Look | null> {
  const attribute = (name: string) => readAttribute(join(folder, port, name))
  const [vendor, product, bus, address, count] = await Promise.all([
    attribute('idVendor'),
    attribute('idProduct'),
    attribute('busnum'),
    attribute('devnum'),
    attribute('bNumInterfaces'),
  ])
  const [vendorId, productId] = [hexadecimal(vendor), hexadecimal(product)]
  const [busNumber, deviceAddress] = [decimal(bus), decimal(address)]
  if (vendorId === null || productId === null || busNumber === null || deviceAddress === null) return null
  const plug = `${port}:${busNumber}.${deviceAddress}`
  const interfaces = await interfacesOf(folder, port, names)
  const unfinished = interfaces.length < (decimal(count) ?? 0) && interfaces.length < maxInterfaces
  const kind = kindOf(vendorId, productId, interfaces)
  if (kind === null) return { plug, device: null, unfinished }
  const text = strings.get(plug) ?? (await stringsOf(join(folder, port)))
  strings.set(plug, text)
  return {
    plug,
    unfinished,
    device: {
      plug,
      kind,
      vendorId,
      productId,
      bus: busNumber,
      address: deviceAddress,
      ...text,
      interfaces: interfaces.map(purposeOf),
    },
  }
}

async function interfacesOf(
  folder: string,
  port: string,
  names: readonly string[],
): Promise<readonly InterfaceClass[]> {
  const own = names.filter((name) => name.startsWith(`${port}:`)).slice(0, maxInterfaces)
  const read = await Promise.all(
    own.map(async (name) => {
      const [first, second, third] = await Promise.all(
        ['bInterfaceClass', 'bInterfaceSubClass', 'bInterfaceProtocol'].map((part) =>
          readAttribute(join(folder, name, part)),
        ),
      )
      const entry = { class: hexadecimal(first), subclass: hexadecimal(second), protocol: hexadecimal(third) }
      return entry.class === null
        ? null
        : { class: entry.class, subclass: entry.subclass ?? 0, protocol: entry.protocol ?? 0 }
    }),
  )
  return read.filter((entry) => entry !== null)
}

async function stringsOf(device: string): Promise<{ readonly product: string; readonly serial: string | null }> {
  const [product, serial] = await Promise.all([
    inTime(readAttribute(join(device, 'product'))),
    inTime(readAttribute(join(device, 'serial'))),
  ])
  return { product: product ?? '', serial: serial === null || serial === '' ? null : serial }
}

async function inTime(work: Promise<string | null>): Promise<string | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | null>()
  const timer = setTimeout(() => resolve(null), stringLimitMs)
  work.then(resolve, reject)
  const text = await promise
  clearTimeout(timer)
  return text
}

/** One attribute without the line's end; null where there is none. */
function readAttribute(path: string): Promise<string | null> {
  return readStart(path).catch(() => null)
}

async function readStart(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxAttributeBytes), 0, maxAttributeBytes, 0)
    // Bytes that are no UTF-8 become U+FFFD; half a character at the cut as well.
    const text = buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0] ?? ''
    return text.trimEnd().slice(0, maxText).toWellFormed()
  } finally {
    await file.close()
  }
}

function hexadecimal(text: string | null | undefined): number | null {
  return text !== null && text !== undefined && /^[0-9a-f]{1,4}$/i.test(text.trim()) ? Number.parseInt(text, 16) : null
}

function decimal(text: string | null): number | null {
  return text !== null && /^[0-9]{1,5}$/.test(text.trim()) && Number(text) <= 65_535 ? Number(text) : null
}
