import type { UsbDevice } from '../../shared/devices.ts'
import type { DoctorFinding, DoctorVerdict } from '../../shared/doctor.ts'
import { type ConnectorState, isServed } from './connector.ts'
import { canUse, isThere, type Machine, namesIn, nodeOf, readText } from './machine.ts'
import { deviceName } from './usb-checks.ts'
import { finding, notApplicable, ok, problem, shellWord, writeAsRoot } from './verdict.ts'

/**
 * For the YubiHSM: its node belongs to root, and no rule of Debian's tags it for who sits at the desk. Numbered below 73, where
 * `73-seat-late.rules` gives tagged devices away.
 */
export const yubihsmRule =
  'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="1050", ATTR{idProduct}=="0030", MODE="0660", GROUP="plugdev", TAG+="uaccess"'
const ruleFile = '/etc/udev/rules.d/70-signing-station-yubihsm.rules'
const ruleFolders = ['/etc/udev/rules.d', '/run/udev/rules.d', '/usr/lib/udev/rules.d', '/lib/udev/rules.d'] as const

export async function permissionFindings(
  machine: Machine,
  devices: readonly UsbDevice[],
  connector: ConnectorState,
): Promise<readonly DoctorFinding[]> {
  return Promise.all(
    devices.map(async (device) =>
      finding('permission', deviceName(device), await permissionOf(machine, device, connector)),
    ),
  )
}

async function permissionOf(machine: Machine, device: UsbDevice, connector: ConnectorState): Promise<DoctorVerdict> {
  if (device.kind !== 'yubihsm')
    return notApplicable('It is reached through pcscd, and you need no access of your own.')
  const node = nodeOf(device)
  if (!(await isThere(machine, node)))
    return problem(
      `Its device node ${node} is not there, so no program here can open it.`,
      'In a container, /dev/bus/usb has to be handed in. On a desk, udev makes the node.',
      'sudo udevadm trigger --subsystem-match=usb',
    )
  if (await canUse(machine, node)) return ok(`You may open ${node}.`)
  if (!connector.direct && isServed(connector))
    return ok(`You may not open ${node}, and need not: the connector has it.`)
  const rule = await namedRule(machine)
  const user = shellWord(machine.user)
  if (rule === ruleFile)
    return problem(
      `The rule ${ruleFile} is there, and you still may not open ${node}.`,
      'The rule gives access to who sits at the desk, and to members of the group plugdev. Take the YubiHSM out and plug it in again; if you do not sit at its desk, join the group and log in anew.',
      `sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb\nsudo usermod -aG plugdev ${user}`,
    )
  return problem(
    rule === null
      ? `No udev rule gives you access to ${node}.`
      : `You may not open ${node}; the udev rule in ${rule} gives it to somebody else (Debian’s gives it to the connector).`,
    connector.direct
      ? 'The module is configured to use the device itself (yhusb://). Give it to who sits at the desk, and to the group plugdev:'
      : 'Either run the connector, or give the device to who sits at the desk, and to the group plugdev:',
    `${writeAsRoot(ruleFile, [yubihsmRule])}\nsudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb`,
  )
}

/** The rule file that names the YubiHSM's numbers, ours if it is there. */
async function namedRule(machine: Machine): Promise<string | null> {
  if ((await readText(machine, ruleFile)) !== null) return ruleFile
  for (const folder of ruleFolders) {
    const names = ((await namesIn(machine, folder)) ?? []).filter((name) => name.endsWith('.rules')).slice(0, 500)
    for (const name of names) {
      const text = (await readText(machine, `${folder}/${name}`)) ?? ''
      const line = text.split('\n').find((rule) => !rule.startsWith('#') && /"1050"/.test(rule) && /"0030"/.test(rule))
      if (line !== undefined) return `${folder}/${name}`
    }
  }
  return null
}
