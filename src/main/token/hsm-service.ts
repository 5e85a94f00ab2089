import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Log } from '../log/logger.ts'
import { tokenFailure } from './failures.ts'
import { HostProcess } from './host-process.ts'
import { type HostAnswer, type HostOperation, maxPinLength } from './protocol.ts'
import type { TokenFailure } from './token-service.ts'
import { readConnectors } from './yubihsm-connectors.ts'

export type HsmObject = NonNullable<HostAnswer<'hsm-object'>>

/** One YubiHSM, with the PIN of one step. Every operation opens a session, asks for the serial number in between, and closes it. */
export interface HsmDevice {
  /** Null: there is no such object. */
  object(type: 'asymmetric-key' | 'wrap-key', objectId: number): Promise<Result<HsmObject | null, TokenFailure>>
  /** A key that may leave under a wrap key. `mayExist` in a failure: the device was asked, and what became of it is not known. */
  generateExportable(what: {
    readonly objectId: number
    readonly label: string
    readonly algorithm: 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ec-p256' | 'ec-p384'
  }): Promise<Result<Uint8Array, TokenFailure>>
  exportWrapped(wrapKeyId: number, objectId: number): Promise<Result<Uint8Array, TokenFailure>>
  importWrapped(
    wrapKeyId: number,
    wrapped: Uint8Array,
  ): Promise<Result<{ readonly type: number; readonly objectId: number }, TokenFailure>>
  deleteKey(objectId: number): Promise<Result<null, TokenFailure>>
  /** DER. */
  attest(
    objectId: number,
  ): Promise<Result<{ readonly statement: Uint8Array; readonly device: Uint8Array }, TokenFailure>>
  setAudit(
    force: 0 | 1 | 2 | null,
    signatures: 0 | 1 | 2 | null,
  ): Promise<Result<HostAnswer<'hsm-audit'>, TokenFailure>>
  /** What was made of the PIN dies with the process. */
  close(): Promise<void>
}

/** What a ceremony does with YubiHSMs outside of PKCS#11, each time in a process of its own. */
export interface HsmService {
  /** `serial` as PKCS#11 writes it. Takes the PIN over and wipes it. */
  open(serial: string, pin: Secret): Promise<Result<HsmDevice, TokenFailure>>
}

export interface HsmServiceOptions {
  /** A plain Node binary. */
  readonly node: string
  /** `out/main/hsm-host.js`, or the `.ts` file in a source tree. */
  readonly hostEntry: string
  /** The environment of token processes: its YUBIHSM_PKCS11_CONF names the connectors. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: Log
}

/** Milliseconds. An RSA key of 4096 bits takes a YubiHSM up to two minutes (the maker's guide). */
const deadlines = { start: 15_000, look: 6_000, session: 20_000, generate: 240_000 } as const

export function createHsmService(options: HsmServiceOptions): HsmService {
  const start = (connector: string) =>
    new HostProcess(
      { node: options.node, entry: options.hostEntry, role: { kind: 'hsm', connector }, environment: {} },
      deadlines.start,
      options.log,
      () => {},
    )
  return {
    open: async (serial, pin) => {
      try {
        const { length } = pin.reveal()
        if (length < 1 || length > maxPinLength) return err(tokenFailure('pin-length'))
        const { urls, unused } = readConnectors(options.environment['YUBIHSM_PKCS11_CONF'])
        if (urls.length === 0) return err(tokenFailure('hsm-not-reached', `${unused.length} other connectors`))
        const asked = await Promise.all(
          urls.map(async (url) => {
            const host = start(url)
            return { host, device: await host.call('log-device', {}, deadlines.look) }
          }),
        )
        const found = asked.find(({ device }) => device.ok && serialText(device.value.serial) === serial)
        // The PIN goes to the one device that says it is the one, and has to prove it.
        for (const { host } of asked) if (host !== found?.host) host.kill(over)
        if (found === undefined) return err(tokenFailure('token-absent', `serial ${serial}`))
        const { host } = found
        const body = { serial: Number(serial), pinLength: length }
        const loggedIn = await host.call('log-login', body, deadlines.look, {}, pin)
        if (loggedIn.ok) return ok(deviceOf(host))
        host.kill(over)
        return err(plain(loggedIn.error))
      } finally {
        pin.wipe()
      }
    },
  }
}

function deviceOf(host: HostProcess): HsmDevice {
  async function ask<O extends HostOperation>(
    op: O,
    body: Parameters<typeof host.call<O>>[1],
    deadline: number = deadlines.session,
  ): Promise<Result<HostAnswer<O>, TokenFailure>> {
    const answer = await host.call(op, body, deadline)
    return answer.ok ? answer : err(plain(answer.error))
  }
  return {
    object: (type, objectId) => ask('hsm-object', { type, objectId }),
    generateExportable: (what) => ask('hsm-generate', what, deadlines.generate),
    exportWrapped: (wrapKeyId, objectId) => ask('hsm-export', { wrapKeyId, objectId }),
    importWrapped: (wrapKeyId, wrapped) => ask('hsm-import', { wrapKeyId, wrapped }),
    deleteKey: (objectId) => ask('hsm-delete', { type: 'asymmetric-key', objectId }),
    attest: (objectId) => ask('hsm-attest', { objectId }),
    setAudit: (force, signatures) => ask('hsm-audit', { force, signatures }),
    close: async () => {
      if (!host.dead) await host.call('close', {}, 1000)
      host.kill(over)
    },
  }
}

/** What is said of the log, or of processes that sign, is not said here. */
function plain(failure: TokenFailure): TokenFailure {
  const detail = failure.detail ?? failure.code
  switch (failure.code) {
    case 'module-crashed':
    case 'module-timeout':
    case 'connector-silent':
      return tokenFailure('hsm-silent', detail)
    case 'log-not-permitted':
      return tokenFailure('hsm-not-permitted', detail)
    case 'log-login-unsupported':
      return tokenFailure('hsm-login-unsupported', detail)
    default:
      return failure
  }
}

const over = tokenFailure('cancelled')

function serialText(serial: number): string {
  return String(serial).padStart(8, '0')
}
