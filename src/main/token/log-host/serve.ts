import { pbkdf2Sync } from 'node:crypto'
import { Pin } from '../host/pin.ts'
import {
  descriptors,
  type HostAnswer,
  type HostFailure,
  type HostMessage,
  type HostOperation,
  type HostRequest,
} from '../protocol.ts'
import { askDevice, type Credentials, DeviceSession, type Exchange } from './device.ts'
import { LogHostError } from './log-host-error.ts'
import { DeviceRefusal, errorCode } from './message.ts'

type Request = Exclude<HostRequest, { op: 'cancel' }>

const option = { forceAudit: 1, commandAudit: 3 } as const

/**
 * Takes the log out of one YubiHSM. What is made of the PIN stays until `close`, because a long run drains more than once and nobody is asked
 * for it again; each operation opens a session and closes it, so that none is held while a person or a token takes its time.
 */
export class LogServer {
  readonly #exchange: Exchange
  readonly #send: (message: HostMessage) => void
  #login: (Credentials & { readonly serial: number }) | null = null
  #last: Promise<void> = Promise.resolve()

  constructor(exchange: Exchange, send: (message: HostMessage) => void) {
    this.#exchange = exchange
    this.#send = send
  }

  /** Rejects with a defect only. */
  receive(request: HostRequest): Promise<void> {
    if (request.op === 'cancel') return Promise.resolve()
    this.#last = this.#last.then(() => this.#answer(request))
    return this.#last
  }

  async #answer(request: Request): Promise<void> {
    try {
      this.#send({ kind: 'done', id: request.id, value: await this.#run(request), calls: 0 })
    } catch (error) {
      this.#send({ kind: 'failed', id: request.id, error: failureOf(error), calls: 0 })
    }
  }

  async #run(request: Request): Promise<HostAnswer<HostOperation>> {
    switch (request.op) {
      case 'log-device': {
        const { serial, firmware, capacity, used } = await askDevice(this.#exchange)
        return { serial, firmware, capacity, used }
      }
      case 'log-login':
        return await this.#logIn(request.serial, request.pinLength)
      case 'log-read':
        return await this.#inSession(async (session) => {
          const { serial, capacity, used } = session.info
          return { serial, capacity, used, answer: await session.logEntries() }
        })
      case 'log-free':
        return await this.#inSession(async (session) => {
          await session.setLogIndex(request.upTo)
          return null
        })
      case 'log-state':
        return await this.#inSession(async (session) => {
          const audit = await auditOf(session)
          const { serial, capacity, used } = await askDevice(this.#exchange)
          return { serial, capacity, used, audit }
        })
      case 'close':
        this.#login?.longTerm.fill(0)
        this.#login = null
        return null
      default:
        throw new LogHostError('token-error', 'this process reads a device log and does nothing else')
    }
  }

  async #logIn(serial: number, pinLength: number): Promise<null> {
    // Read first, whatever follows: bytes left in the pipe would be taken for the next PIN.
    const pin = Pin.read(descriptors.pinPipe, pinLength)
    try {
      if (this.#login !== null) throw new LogHostError('token-error', 'logged in already')
      this.#login = { ...credentialsOf(pin.bytes()), serial }
    } finally {
      pin.wipe()
    }
    return null
  }

  async #inSession<T>(work: (session: DeviceSession) => Promise<T>): Promise<T> {
    if (this.#login === null) throw new LogHostError('token-error', 'not logged in')
    const session = await DeviceSession.open(this.#exchange, this.#login, this.#login.serial)
    try {
      return await work(session)
    } finally {
      await session.close()
    }
  }
}

const keyIdDigits = 4

/** `0001password`: the number of the authentication key and its password, as yubihsm_pkcs11 takes it. */
export function credentialsOf(pin: Uint8Array): Credentials {
  const digits = Buffer.from(pin.subarray(0, keyIdDigits)).toString('latin1')
  if (!/^[0-9A-Fa-f]{4}$/.test(digits) || pin.length <= keyIdDigits)
    throw new LogHostError('log-login-unsupported', 'the PIN does not begin with four hexadecimal digits')
  const longTerm = pbkdf2Sync(pin.subarray(keyIdDigits), 'Yubico', 10_000, 32, 'sha256')
  return { keyId: Number.parseInt(digits, 16), longTerm }
}

async function auditOf(session: DeviceSession): Promise<HostAnswer<'log-state'>['audit']> {
  const force = await session.option(option.forceAudit)
  const pairs = force === null ? null : await session.option(option.commandAudit)
  if (force === null || pairs === null) return null
  const commands: { readonly command: number; readonly value: 0 | 1 | 2 }[] = []
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const value = valueOf(pairs[at + 1])
    if (value !== 0) commands.push({ command: pairs[at] ?? 0, value })
  }
  return { force: valueOf(force[0]), commands }
}

function valueOf(byte: number | undefined): 0 | 1 | 2 {
  if (byte === 0 || byte === 1 || byte === 2) return byte
  throw new LogHostError('token-error', 'an option has a value that is not known')
}

/** What is no failure of ours, of the device or of the way to it is thrown on: a defect. */
function failureOf(error: unknown): HostFailure {
  if (error instanceof LogHostError) return error.failure
  if (!(error instanceof DeviceRefusal)) throw error
  const detail = error.message
  switch (error.code) {
    case errorCode.insufficientPermissions:
      return { code: 'log-not-permitted', detail }
    case errorCode.authenticationFailed:
    case errorCode.objectNotFound:
      return { code: 'pin-incorrect', detail }
    default:
      return { code: 'token-error', detail }
  }
}
