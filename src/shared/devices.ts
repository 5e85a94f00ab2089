import { z } from 'zod'

/** What a device on USB is to this program. `reader`: anything with a smart-card interface (USB class 0b) that is none of the others. */
export const usbDeviceKind = z.enum(['yubikey', 'yubihsm', 'reader'])
export type UsbDeviceKind = z.infer<typeof usbDeviceKind>

/** What a YubiKey's interfaces are for, as they are switched on now. `ccid` is the one that PIV needs. */
export const usbInterface = z.enum(['otp', 'fido', 'ccid', 'other'])
export type UsbInterface = z.infer<typeof usbInterface>

/** USB 2.0 §9.6.7: a string descriptor holds at most 126 UTF-16 units. The device chose every one of them. */
const deviceText = z
  .string()
  .max(126)
  .refine((text) => text.isWellFormed(), 'not valid text')

/** A token or reader on the bus, as the kernel tells of it. No device is opened for any of this. */
export const usbDevice = z.strictObject({
  /** Port, bus and address, `1-4.2:1.23`: another one each time that it is plugged in. */
  plug: z.string().regex(/^[0-9]{1,5}-[0-9]{1,3}(?:\.[0-9]{1,3}){0,8}:[0-9]{1,5}\.[0-9]{1,5}$/),
  kind: usbDeviceKind,
  vendorId: z.int().min(0).max(0xffff),
  productId: z.int().min(0).max(0xffff),
  bus: z.int().min(0).max(65_535),
  address: z.int().min(0).max(65_535),
  product: deviceText,
  /** Null: the device has none to read. YubiKeys have none unless that was switched on. */
  serial: deviceText.nullable(),
  interfaces: z.array(usbInterface).max(32),
})
export type UsbDevice = z.infer<typeof usbDevice>

/**
 * How it is known that a device came or went. `events`: udev tells; `polling`: udev does not, the bus is looked at every few seconds;
 * `no-usb`: the system shows no USB at all (a container); `off`: the process that watches is not running.
 */
export const usbWatch = z.enum(['events', 'polling', 'no-usb', 'off'])
export type UsbWatch = z.infer<typeof usbWatch>

export const usbState = z.strictObject({ watch: usbWatch, devices: z.array(usbDevice).max(64) })
export type UsbState = z.infer<typeof usbState>
