import type { UsbState } from '../../shared/devices.ts'
import type { DoctorFinding } from '../../shared/doctor.ts'
import type { ModuleDiscovery } from '../../shared/modules.ts'

const library = '/usr/lib/x86_64-linux-gnu'

/** A YubiKey that its module shows, and what else a Debian machine has. */
export function sampleDevices(): {
  readonly usb: UsbState
  readonly found: ModuleDiscovery
  readonly findings: DoctorFinding[]
} {
  return {
    usb: {
      watch: 'events',
      devices: [
        {
          plug: '1-2:1.9',
          kind: 'yubikey',
          vendorId: 0x1050,
          productId: 0x0407,
          bus: 1,
          address: 9,
          product: 'YubiKey OTP+FIDO+CCID',
          serial: null,
          interfaces: ['otp', 'fido', 'ccid'],
        },
      ],
    },
    found: {
      modules: [
        {
          path: `${library}/libykcs11.so.2`,
          file: `${library}/libykcs11.so.2.2.0`,
          kind: 'ykcs11',
          name: 'YubiKey (ykcs11)',
          foundIn: 'settings',
          disabledHere: false,
          state: { kind: 'fits' },
          chosen: true,
        },
        {
          path: `${library}/pkcs11/opensc-pkcs11.so`,
          file: `${library}/opensc-pkcs11.so`,
          kind: 'opensc',
          name: 'Smart cards (OpenSC)',
          foundIn: 'p11-kit',
          disabledHere: false,
          state: { kind: 'fits' },
          chosen: false,
        },
        {
          path: '/usr/local/lib/vendor/libtoken.so',
          file: '/usr/local/lib/vendor/libtoken.so',
          kind: 'other',
          name: 'vendor',
          foundIn: 'p11-kit',
          disabledHere: true,
          state: { kind: 'wrong-architecture', library: '32-bit x86', machine: '64-bit x86-64' },
          chosen: false,
        },
      ],
      ignored: [],
    },
    findings: [
      { check: 'usb', subject: null, verdict: { kind: 'ok', sentence: 'The system shows its USB devices.' } },
      {
        check: 'device',
        subject: 'YubiKey OTP+FIDO+CCID',
        verdict: { kind: 'ok', sentence: 'Is on USB, at bus 1, address 9.' },
      },
      {
        check: 'pcscd',
        subject: null,
        verdict: { kind: 'ok', sentence: 'pcscd runs, and shows “Yubico YubiKey OTP+FIDO+CCID 00 00”.' },
      },
      {
        check: 'connector',
        subject: null,
        verdict: { kind: 'not-applicable', sentence: 'No YubiHSM is on USB, and its module is not chosen.' },
      },
    ],
  }
}

/** A YubiHSM that its user may not open, with a name that wants to look like something else. */
export function troubledDevices(): ReturnType<typeof sampleDevices> {
  const sample = sampleDevices()
  const [yubikey] = sample.usb.devices
  if (yubikey === undefined) throw new Error('no sample device')
  return {
    ...sample,
    usb: {
      watch: 'polling',
      devices: [
        {
          ...yubikey,
          plug: '1-3:1.11',
          kind: 'yubihsm',
          productId: 0x30,
          product: 'YubiHSM \u202egnp.exe',
          serial: '0007550140',
          interfaces: ['other'],
        },
      ],
    },
    findings: [
      {
        check: 'permission',
        subject: 'YubiHSM [U+202E]gnp.exe (serial 0007550140)',
        verdict: {
          kind: 'problem',
          sentence: 'No udev rule gives you access to /dev/bus/usb/001/011.',
          advice: 'Either run the connector, or give the device to who sits at the desk, and to the group plugdev:',
          command:
            'sudo tee /etc/udev/rules.d/70-signing-station-yubihsm.rules >/dev/null <<\'END\'\nSUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="1050", ATTR{idProduct}=="0030", MODE="0660", GROUP="plugdev", TAG+="uaccess"\nEND\nsudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb',
        },
      },
      {
        check: 'connector',
        subject: 'http://127.0.0.1:12345',
        verdict: {
          kind: 'problem',
          sentence:
            'Nobody listens at port 12345: the YubiHSM connector does not run, and the module reaches the YubiHSM through it.',
          advice: 'Start it:',
          command: 'sudo apt-get install yubihsm-connector && sudo systemctl enable --now yubihsm-connector.service',
        },
      },
      {
        check: 'hot-plug',
        subject: null,
        verdict: { kind: 'cannot-tell', sentence: 'This took too long to find out.' },
      },
      ...sample.findings.slice(0, 1),
    ],
  }
}
