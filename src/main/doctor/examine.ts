import type { UsbDevice } from '../../shared/devices.ts'
import { type DoctorFinding, type DoctorReport, doctorCheck } from '../../shared/doctor.ts'
import { utcTime } from '../../shared/ids.ts'
import type { ModuleDiscovery } from '../../shared/modules.ts'
import type { Settings } from '../../shared/settings.ts'
import { scanUsb, usbFolder, usbIsThere } from '../usb/process/scan.ts'
import { type ConnectorState, connectorFindings, readConnectors } from './connector.ts'
import type { Machine } from './machine.ts'
import {
  emptyReaderFindings,
  moduleChoiceFindings,
  moduleFindings,
  type ShownTokens,
  shownFindings,
} from './module-checks.ts'
import { askPcscd, type PcscdState } from './pcscd.ts'
import { pcscdFinding, polkitFinding } from './pcscd-checks.ts'
import { permissionFindings } from './permission-check.ts'
import { scdaemonFindings } from './scdaemon-check.ts'
import { readSession, sessionFinding } from './session.ts'
import { hotPlugFinding, interfaceFindings, needsPcscd, usbFindings } from './usb-checks.ts'
import { cannotTell, finding } from './verdict.ts'

export type DoctorPorts = {
  readonly machine: Machine
  /** The modules of this machine; those in use are marked. Nothing is loaded for it. */
  readonly modules: () => Promise<ModuleDiscovery>
  /** The modules in the settings; null where there is no station. */
  readonly chosen: Settings['modules'] | null
  /** Asks the chosen modules for their tokens, in processes of their own. */
  readonly tokens: () => Promise<ShownTokens>
  readonly now: () => Date
  /** Milliseconds for one check; and for the modules, which have limits of their own. */
  readonly limits?: { readonly check: number; readonly modules: number }
}

const defaultLimits = { check: 5_000, modules: 30_000 }

/**
 * Looks for the reason why a token is not shown: everything between the port and the list in the window. Reads only, needs no right
 * that the station does not have, and ends: what does not answer in time is told as not known.
 */
export async function examine(ports: DoctorPorts): Promise<DoctorReport> {
  const { machine, chosen } = ports
  const limits = ports.limits ?? defaultLimits
  const within = <T>(work: Promise<T>, otherwise: T) => inTime(limits.check, work, otherwise)

  const [devices, discovery, session, shown] = await Promise.all([
    within(devicesOnUsb(machine), null),
    within(ports.modules(), { modules: [], ignored: [] }),
    within(readSession(machine), null),
    inTime<ShownTokens | null>(limits.modules, ports.tokens(), null),
  ])
  const there: readonly UsbDevice[] = devices ?? []
  const inUse = discovery.modules.filter((module) => module.chosen)
  const wantsPcscd = there.some(needsPcscd) || inUse.some(({ kind }) => kind === 'ykcs11' || kind === 'opensc')
  const wantsConnector = there.some(({ kind }) => kind === 'yubihsm') || inUse.some(({ kind }) => kind === 'yubihsm')
  const [pcscd, connector] = await Promise.all([
    within<PcscdState>(wantsPcscd ? askPcscd(machine) : Promise.resolve({ kind: 'silent' }), { kind: 'silent' }),
    within<ConnectorState>(readConnectors(machine, wantsConnector), notAsked),
  ])
  // A YubiKey is a reader with its card in it.
  const empty =
    pcscd.kind === 'answers' && pcscd.readers.every(({ name, hasCard }) => !hasCard || /yubi/i.test(name))
      ? there.filter(({ kind }) => kind === 'reader')
      : []
  const inPlay = there.filter((device) => !empty.includes(device))
  const isNothingElse = inPlay.length === 0 && (shown?.tokens.length ?? 0) === 0
  const late = (check: DoctorFinding['check']) => [finding(check, null, cannotTell('This took too long to find out.'))]
  const [hotPlug, permission, polkit, scdaemon] = await Promise.all([
    within(
      hotPlugFinding(machine, devices).then((one) => [one]),
      late('hot-plug'),
    ),
    within(permissionFindings(machine, there, connector), late('permission')),
    within(
      polkitFinding(machine, pcscd, session, wantsPcscd).then((one) => [one]),
      late('polkit'),
    ),
    within(scdaemonFindings(machine, there), late('scdaemon')),
  ])
  const findings = [
    ...usbFindings(devices, shown?.tokens.length ?? null, session),
    ...hotPlug,
    sessionFinding(session),
    ...permission,
    ...interfaceFindings(there),
    pcscdFinding(machine, pcscd, there, wantsPcscd),
    ...polkit,
    ...scdaemon,
    ...connectorFindings(connector, there, wantsConnector),
    ...moduleChoiceFindings(inPlay, discovery, chosen, machine.architecture),
    ...moduleFindings(machine, discovery, shown),
    ...(inPlay.length === 0 && empty.length > 0 ? [] : shownFindings(inPlay, discovery, shown)),
    ...emptyReaderFindings(empty, isNothingElse),
  ]
  const order = (one: DoctorFinding) => doctorCheck.options.indexOf(one.check)
  const sorted = findings.sort((one, other) => order(one) - order(other))
  return { at: utcTime.parse(ports.now().toISOString()), findings: sorted.slice(0, 500) }
}

const notAsked: ConnectorState = { direct: false, connectors: [], rival: null }

async function devicesOnUsb(machine: Machine): Promise<readonly UsbDevice[] | null> {
  const folder = `${machine.root}${usbFolder}`
  return usbIsThere(folder) ? (await scanUsb(folder)).devices : null
}

async function inTime<T>(milliseconds: number, work: Promise<T>, otherwise: T): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => resolve(otherwise), milliseconds)
  work.then(resolve, reject)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
