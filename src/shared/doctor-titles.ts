import type { DoctorCheck } from './doctor.ts'

/** What a check is called, in the window and on the command line. Apart from the schemas: the window takes no parser along. */
export const doctorTitles: Readonly<Record<DoctorCheck, string>> = {
  usb: 'USB',
  device: 'Device on USB',
  'hot-plug': 'Plugging in is noticed',
  session: 'Seat and session',
  permission: 'Access to the device',
  interfaces: 'Interfaces of the YubiKey',
  pcscd: 'Smart-card service (pcscd)',
  polkit: 'Permission of the smart-card service (polkit)',
  scdaemon: 'GnuPG’s scdaemon',
  connector: 'YubiHSM connector',
  'module-installed': 'Module installed',
  'module-chosen': 'Module chosen',
  'module-file': 'Module’s file',
  'module-loads': 'Module loads',
  'module-shows-token': 'Module shows the token',
}
