import { usb } from 'usb'

/**
 * Rings when udev says that something came or went. It is a bell and nothing more: of the event's device nothing is read, because
 * the getters of `usb` open the device (`configuration`, `serialNumber`), and throw for one that has just gone.
 */
export function listen(ring: () => void): void {
  usb.addEventListener('connect', ring)
  usb.addEventListener('disconnect', ring)
}
