import type { UsbDevice } from '../../shared/devices.ts'
import type { DoctorFinding } from '../../shared/doctor.ts'
import { isThere, type Machine } from './machine.ts'
import type { Session } from './session.ts'
import { cannotTell, finding, notApplicable, ok, printable, problem } from './verdict.ts'

const kindNames = { yubikey: 'YubiKey', yubihsm: 'YubiHSM', reader: 'Smart-card reader' } as const

/** `YubiHSM (serial 0007550140)`, `YubiKey OTP+FIDO+CCID`. */
export function deviceName(device: UsbDevice): string {
  const called = device.product === '' ? kindNames[device.kind] : printable(device.product)
  const name = called.toLowerCase().includes(device.kind === 'reader' ? '' : device.kind)
    ? called
    : `${kindNames[device.kind]} “${called}”`
  return device.serial === null ? name : `${name} (serial ${printable(device.serial)})`
}

/** Whether it is reached through pcscd. */
export function needsPcscd(device: UsbDevice): boolean {
  return device.kind !== 'yubihsm' && device.interfaces.includes('ccid')
}

/** What is on the bus. `tokens`: how many tokens the modules show; null: not known. */
export function usbFindings(
  devices: readonly UsbDevice[] | null,
  tokens: number | null,
  session: Session | null,
): readonly DoctorFinding[] {
  if (devices === null)
    return [
      finding(
        'usb',
        null,
        cannotTell(
          'This system shows no USB (there is no /sys/bus/usb): it is a container or a virtual machine without it. What is plugged into the machine around it cannot be seen from here.',
        ),
      ),
    ]
  const seen = finding('usb', null, ok('The system shows its USB devices.'))
  if (devices.length > 0)
    return [
      seen,
      ...devices.map((device) =>
        finding('device', deviceName(device), ok(`Is on USB, at bus ${device.bus}, address ${device.address}.`)),
      ),
    ]
  if (tokens !== null && tokens > 0)
    return [
      seen,
      finding(
        'device',
        null,
        notApplicable(
          'No YubiKey, YubiHSM or smart-card reader is on USB; the tokens that are shown are not on this bus.',
        ),
      ),
    ]
  const remote = session?.remote === true
  return [
    seen,
    finding(
      'device',
      null,
      problem(
        'No YubiKey, YubiHSM or smart-card reader is on USB.',
        remote
          ? 'You are logged in over the network: a token in the machine before you is not on this one. Plug it in here, or start the station there.'
          : 'Plug the token in, or try another port and no hub. If it is plugged in, the kernel’s messages say what it thinks of it.',
        remote ? null : 'sudo dmesg | tail -20',
      ),
    ),
  ]
}

export async function hotPlugFinding(machine: Machine, devices: readonly UsbDevice[] | null): Promise<DoctorFinding> {
  if (devices === null) return finding('hot-plug', null, notApplicable('There is no USB to be plugged into.'))
  if (await isThere(machine, '/run/udev/control'))
    return finding('hot-plug', null, ok('udev runs; the station hears at once when a token comes or goes.'))
  return finding(
    'hot-plug',
    null,
    problem(
      'udev does not run here, so nothing tells the station that a token came or went, and nothing gives you access to one.',
      'The station looks every two seconds instead. On a desk start udev; in a container that is how it is.',
      'sudo systemctl start systemd-udevd',
    ),
  )
}

export function interfaceFindings(devices: readonly UsbDevice[]): readonly DoctorFinding[] {
  return devices
    .filter(({ kind }) => kind === 'yubikey')
    .map((device) => {
      const on = device.interfaces.filter((name) => name !== 'other').map((name) => name.toUpperCase())
      if (device.interfaces.includes('ccid'))
        return finding('interfaces', deviceName(device), ok(`Its smart-card interface is on (${on.join(', ')}).`))
      return finding(
        'interfaces',
        deviceName(device),
        problem(
          `Its smart-card interface (CCID) is switched off; on are: ${on.join(', ') || 'none'}. Its PIV keys cannot be reached.`,
          'Switch PIV on with Yubico’s tool (package yubikey-manager). A Security Key has no PIV at all.',
          'ykman config usb --enable PIV',
        ),
      )
    })
}
