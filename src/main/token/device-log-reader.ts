import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Log } from '../log/logger.ts'
import { tokenFailure } from './failures.ts'
import { HostProcess } from './host-process.ts'
import { type HostAnswer, type HostOperation, maxPinLength } from './protocol.ts'
import type { TokenFailure } from './token-service.ts'
import { readConnectors } from './yubihsm-connectors.ts'

/** How full the store of a device's log is, in entries. */
export interface LogStore {
  readonly capacity: number
  readonly used: number
}

/** What a device audits (docs/formats/device-log.md §4). 0: off, 1: on, 2: on until it is reset. */
export interface DeviceAudit {
  readonly force: 0 | 1 | 2
  readonly commands: readonly { readonly command: number; readonly value: 0 | 1 | 2 }[]
}

/** A YubiHSM as it named itself at its connector, without a login: nothing proves it. */
export interface SeenDevice extends LogStore {
  /** As PKCS#11 writes it. */
  readonly serial: string
  readonly firmware: string
}

/** One device, with the PIN of a run. Every operation opens a session, asks for the serial number in between, and closes it. */
export interface DeviceLogSession {
  /** The data of the answer to GET LOG ENTRIES, and the store before. */
  read(): Promise<Result<LogStore & { readonly answer: Uint8Array }, TokenFailure>>
  /** SET LOG INDEX. */
  free(upTo: number): Promise<Result<null, TokenFailure>>
  /** `audit` is null where the authentication key may not ask. */
  state(): Promise<Result<LogStore & { readonly audit: DeviceAudit | null }, TokenFailure>>
  /** What was made of the PIN dies with the process. */
  close(): Promise<void>
}

/** Reads the logs of YubiHSMs outside of PKCS#11, which has no word for them. It can use no key: its process knows no such command. */
export interface DeviceLogReader {
  look(): Promise<readonly SeenDevice[]>
  /** Takes the PIN over and wipes it. */
  open(serial: string, pin: Secret): Promise<Result<DeviceLogSession, TokenFailure>>
}

export interface DeviceLogReaderOptions {
  /** A plain Node binary. */
  readonly node: string
  /** `out/main/device-log-host.js`, or the `.ts` file in a source tree. */
  readonly hostEntry: string
  /** The environment of token processes: its YUBIHSM_PKCS11_CONF names the connectors. */
  readonly environment: Readonly<Record<string, string>>
  /** Milliseconds. An exchange with a connector takes at most 5 s; `session` is several of them. */
  readonly deadlines?: Partial<Deadlines>
  readonly log: Log
}
interface Deadlines {
  readonly start: number
  readonly look: number
  readonly session: number
}
const defaultDeadlines: Deadlines = { start: 15_000, look: 6_000, session: 12_000 }

export function createDeviceLogReader(options: DeviceLogReaderOptions): DeviceLogReader {
  const deadlines = { ...defaultDeadlines, ...options.deadlines }
  const start = (connector: string) =>
    new HostProcess(
      {
        node: options.node,
        entry: options.hostEntry,
        role: { kind: 'device-log', connector },
        // The configuration is read here; the process needs nothing of it.
        environment: {},
      },
      deadlines.start,
      options.log,
      () => {},
    )
  const connectors = () => readConnectors(options.environment['YUBIHSM_PKCS11_CONF'])

  /** The processes of all connectors, with what each device says of itself. */
  async function ask(urls: readonly string[]) {
    return await Promise.all(
      urls.map(async (url) => {
        const host = start(url)
        return { host, device: await host.call('log-device', {}, deadlines.look) }
      }),
    )
  }

  return {
    look: async () => {
      const asked = await ask(connectors().urls)
      for (const { host } of asked) host.kill(over)
      return asked.flatMap(({ device }) => {
        if (!device.ok) return []
        const { serial, firmware, capacity, used } = device.value
        return [{ serial: serialText(serial), firmware, capacity, used }]
      })
    },
    open: async (serial, pin) => {
      try {
        const { length } = pin.reveal()
        if (length < 1 || length > maxPinLength) return err(tokenFailure('pin-length'))
        const { urls, unused } = connectors()
        if (urls.length === 0) return err(tokenFailure('connector-not-used', `${unused.length} other connectors`))
        const asked = await ask(urls)
        const found = asked.find(({ device }) => device.ok && serialText(device.value.serial) === serial)
        // The PIN goes to the one device that says it is the one, and has to prove it.
        for (const { host } of asked) if (host !== found?.host) host.kill(over)
        if (found === undefined) {
          const silent = asked.find(({ device }) => !device.ok)?.device
          if (asked.some(({ device }) => device.ok)) return err(tokenFailure('token-absent', `serial ${serial}`))
          return silent === undefined || silent.ok ? err(tokenFailure('connector-silent')) : err(plain(silent.error))
        }
        const { host } = found
        const body = { serial: Number(serial), pinLength: length }
        const loggedIn = await host.call('log-login', body, deadlines.look, {}, pin)
        if (loggedIn.ok) return ok(sessionOf(host, deadlines.session))
        host.kill(over)
        return err(plain(loggedIn.error))
      } finally {
        pin.wipe()
      }
    },
  }
}

function sessionOf(host: HostProcess, deadline: number): DeviceLogSession {
  async function ask<O extends HostOperation>(
    op: O,
    body: Parameters<typeof host.call<O>>[1],
  ): Promise<Result<HostAnswer<O>, TokenFailure>> {
    const answer = await host.call(op, body, deadline)
    return answer.ok ? answer : err(plain(answer.error))
  }
  return {
    read: () => ask('log-read', {}),
    free: (upTo) => ask('log-free', { upTo }),
    state: () => ask('log-state', {}),
    close: async () => {
      if (!host.dead) await host.call('close', {}, 1000)
      host.kill(over)
    },
  }
}

/** What is said of token processes, which sign, is not said of these. */
function plain(failure: TokenFailure): TokenFailure {
  return failure.code === 'module-crashed' || failure.code === 'module-timeout'
    ? tokenFailure('log-process-ended', failure.detail ?? failure.code)
    : failure
}

const over = tokenFailure('cancelled')

function serialText(serial: number): string {
  return String(serial).padStart(8, '0')
}
