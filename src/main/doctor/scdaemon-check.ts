import type { UsbDevice } from '../../shared/devices.ts'
import type { DoctorFinding } from '../../shared/doctor.ts'
import { linkOf, type Machine, namesIn, nodeOf, readText } from './machine.ts'
import { deviceName, needsPcscd } from './usb-checks.ts'
import { cannotTell, finding, notApplicable, ok, problem } from './verdict.ts'

const maxProcesses = 100_000

/**
 * gpg's scdaemon takes a reader's interface for itself when it comes first; pcscd then has none, and killing scdaemon alone does not
 * give it back.
 */
export async function scdaemonFindings(
  machine: Machine,
  devices: readonly UsbDevice[],
): Promise<readonly DoctorFinding[]> {
  const cards = devices.filter(needsPcscd)
  if (cards.length === 0) return [finding('scdaemon', null, notApplicable('No smart card and no YubiKey is on USB.'))]
  const running = await processesNamed(machine, 'scdaemon')
  if (running === null) return [finding('scdaemon', null, cannotTell('The list of processes cannot be read.'))]
  if (running.length === 0) return [finding('scdaemon', null, ok('scdaemon does not run.'))]
  const open = await Promise.all(running.map((pid) => openFiles(machine, pid)))
  const holder = cards.find((device) => open.some((files) => files?.includes(nodeOf(device)) === true))
  if (holder !== undefined)
    return [
      finding(
        'scdaemon',
        deviceName(holder),
        problem(
          'scdaemon holds the device, so that pcscd and every PKCS#11 module find no reader.',
          'Tell scdaemon to go through pcscd, end it, and plug the token in again (pcscd does not try again by itself):',
          'mkdir -p -m 700 ~/.gnupg && echo disable-ccid >> ~/.gnupg/scdaemon.conf && gpgconf --kill scdaemon',
        ),
      ),
    ]
  if (open.includes(null))
    return [
      finding(
        'scdaemon',
        null,
        cannotTell(
          'scdaemon runs, and what it holds cannot be seen from this account. If pcscd has no reader for the device, scdaemon has it.',
        ),
      ),
    ]
  return [finding('scdaemon', null, ok('scdaemon runs, and holds no device of these.'))]
}

async function processesNamed(machine: Machine, name: string): Promise<readonly string[] | null> {
  const all = await namesIn(machine, '/proc')
  if (all === null) return null
  const pids = all.filter((entry) => /^[0-9]+$/.test(entry)).slice(0, maxProcesses)
  const found: string[] = []
  for (const pid of pids) if ((await readText(machine, `/proc/${pid}/comm`))?.trim() === name) found.push(pid)
  return found
}

/** Null: another user's process, or one that keeps them from its own user too, as Debian's scdaemon does (prctl PR_SET_DUMPABLE). */
async function openFiles(machine: Machine, pid: string): Promise<readonly string[] | null> {
  const names = await namesIn(machine, `/proc/${pid}/fd`)
  if (names === null) return null
  const links = await Promise.all(names.map((name) => linkOf(machine, `/proc/${pid}/fd/${name}`)))
  return links.filter((link) => link !== null)
}
