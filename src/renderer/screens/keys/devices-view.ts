import type { UsbDevice, UsbDeviceKind, UsbState } from '../../../shared/devices.ts'

const kindWords: Readonly<Record<UsbDeviceKind, string>> = {
  yubikey: 'YubiKey',
  yubihsm: 'YubiHSM',
  reader: 'Smart-card reader',
}

export type DeviceView = {
  readonly plug: string
  readonly kind: string
  /** As the device calls itself; null: it says no more than its kind. */
  readonly name: string | null
  readonly serial: string | null
  /** What of it is switched on, and what that means; null: nothing to say. */
  readonly note: string | null
}

export function deviceView(device: UsbDevice): DeviceView {
  const kind = kindWords[device.kind]
  const on = device.interfaces.filter((name) => name !== 'other').map((name) => name.toUpperCase())
  const without = device.kind === 'yubikey' && !device.interfaces.includes('ccid')
  return {
    plug: device.plug,
    kind,
    name: device.product === '' || device.product === kind ? null : device.product,
    serial: device.serial,
    note: without
      ? `its smart-card interface is switched off (on: ${on.join(', ') || 'none'})`
      : device.kind === 'yubikey'
        ? `interfaces ${on.join(', ')}`
        : null,
  }
}

/** What the operator has to know about how changes are noticed, or null. */
export function watchNote({ watch }: UsbState): string | null {
  switch (watch) {
    case 'events':
      return null
    case 'polling':
      return 'udev does not tell this program what is plugged in, so USB is looked at every two seconds.'
    case 'no-usb':
      return 'This system shows no USB. Tokens that are reached otherwise are found when they are read again.'
    case 'off':
      return 'USB is not being watched at the moment. After plugging a token in, read the tokens again.'
  }
}

/** Why the list of tokens is empty, as far as USB tells. */
export function noTokenSentence(state: UsbState | undefined): string {
  if (state === undefined || state.watch === 'off' || state.watch === 'no-usb') return 'No module shows one.'
  if (state.devices.length === 0) return 'None is plugged in, as far as USB tells.'
  return state.devices.every(({ kind }) => kind === 'reader')
    ? 'There is a card reader, and no module shows a card in it.'
    : 'Something is plugged in, and no module shows it yet. That can take some seconds.'
}
