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
import { askDevice, type Credentials, type Exchange } from './device.ts'
import { type DeviceChannel, openChannel } from './device-channel.ts'
import { LogHostError } from './log-host-error.ts'

export type DeviceRequest = Exclude<HostRequest, { op: 'cancel' }>

/** Does something in a session of its own, which is closed whatever comes of it. */
export type InSession = <T>(work: (channel: DeviceChannel, keyId: number) => Promise<T>) => Promise<T>

/** What one kind of process does with a device, beside what all do. */
export interface DeviceDuties {
  /** Throws what `failureOf` explains. */
  run(request: DeviceRequest, inSession: InSession, exchange: Exchange): Promise<HostAnswer<HostOperation>>
  /** What is no failure of ours, of the device or of the way to it is thrown on: a defect. */
  failureOf(error: unknown): HostFailure
}

/**
 * Answers main about one YubiHSM, one request after the other. What is made of the PIN stays until `close`, because a piece of work takes more
 * than one session and nobody is asked for it again; each operation opens a session and closes it, so that none is held while a person or a
 * token takes its time.
 */
export class DeviceServer {
  readonly #exchange: Exchange
  readonly #send: (message: HostMessage) => void
  readonly #duties: DeviceDuties
  #login: (Credentials & { readonly serial: number }) | null = null
  #last: Promise<void> = Promise.resolve()

  constructor(exchange: Exchange, send: (message: HostMessage) => void, duties: DeviceDuties) {
    this.#exchange = exchange
    this.#send = send
    this.#duties = duties
  }

  /** Rejects with a defect only. */
  receive(request: HostRequest): Promise<void> {
    if (request.op === 'cancel') return Promise.resolve()
    this.#last = this.#last.then(() => this.#answer(request))
    return this.#last
  }

  async #answer(request: DeviceRequest): Promise<void> {
    try {
      this.#send({ kind: 'done', id: request.id, value: await this.#run(request), calls: 0 })
    } catch (error) {
      this.#send({ kind: 'failed', id: request.id, error: this.#duties.failureOf(error), calls: 0 })
    }
  }

  async #run(request: DeviceRequest): Promise<HostAnswer<HostOperation>> {
    switch (request.op) {
      case 'log-device': {
        const { serial, firmware, capacity, used } = await askDevice(this.#exchange)
        return { serial, firmware, capacity, used }
      }
      case 'log-login':
        return this.#logIn(request.serial, request.pinLength)
      case 'close':
        this.#login?.longTerm.fill(0)
        this.#login = null
        return null
      default:
        return await this.#duties.run(request, (work) => this.#inSession(work), this.#exchange)
    }
  }

  #logIn(serial: number, pinLength: number): null {
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

  async #inSession<T>(work: (channel: DeviceChannel, keyId: number) => Promise<T>): Promise<T> {
    if (this.#login === null) throw new LogHostError('token-error', 'not logged in')
    const channel = await openChannel(this.#exchange, this.#login, this.#login.serial)
    try {
      return await work(channel, this.#login.keyId)
    } finally {
      await channel.close()
    }
  }
}

const keyIdDigits = 4

/** `0001password`: the number of the authentication key and its password, as yubihsm_pkcs11 takes it. */
function credentialsOf(pin: Uint8Array): Credentials {
  const digits = Buffer.from(pin.subarray(0, keyIdDigits)).toString('latin1')
  if (!/^[0-9A-Fa-f]{4}$/.test(digits) || pin.length <= keyIdDigits)
    throw new LogHostError('log-login-unsupported', 'the PIN does not begin with four hexadecimal digits')
  const longTerm = pbkdf2Sync(pin.subarray(keyIdDigits), 'Yubico', 10_000, 32, 'sha256')
  return { keyId: Number.parseInt(digits, 16), longTerm }
}

/** The value of an option of the device: off, on, or on for ever. */
export function optionValue(byte: number | undefined): 0 | 1 | 2 {
  if (byte === 0 || byte === 1 || byte === 2) return byte
  throw new LogHostError('token-error', 'an option has a value that is not known')
}
