import { randomBytes } from 'node:crypto'
import { LogHostError } from './log-host-error.ts'
import { answerTo, command, DeviceRefusal, encodeMessage, errorCode, type InnerCommand, u16 } from './message.ts'
import { parseBegun, SecureChannel } from './secure-channel.ts'

export type Exchange = (message: Uint8Array) => Promise<Uint8Array>

/** What DEVICE INFO says: serial number, and the store of the log. */
export interface DeviceInfo {
  readonly serial: number
  readonly firmware: string
  /** Entries that the store has room for, and that it has. */
  readonly capacity: number
  readonly used: number
}

/** The authentication key of a PIN: its number, and the keys that PBKDF2 makes of the password (`yh_create_session_derived` of libyubihsm). */
export interface Credentials {
  readonly keyId: number
  readonly longTerm: Uint8Array
}

function parseDeviceInfo(data: Uint8Array): DeviceInfo {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
  if (bytes.length < 9) throw new LogHostError('connector-silent', 'DEVICE INFO: wrong length')
  return {
    serial: bytes.readUInt32BE(3),
    firmware: bytes.subarray(0, 3).join('.'),
    capacity: bytes.readUInt8(7),
    used: bytes.readUInt8(8),
  }
}

/** Asked outside of a session: whoever answers at the connector can say anything. */
export async function askDevice(exchange: Exchange): Promise<DeviceInfo> {
  const asked = encodeMessage(command.deviceInfo, new Uint8Array())
  return parseDeviceInfo(answerTo(command.deviceInfo, await exchange(asked)))
}

/**
 * A session with a device that proved the password. Which one it is it says between its proof and the first command, because DEVICE INFO is
 * no command of a session; one that is put in its place has not this session, and cannot answer what follows.
 */
export class DeviceSession {
  readonly #exchange: Exchange
  readonly #channel: SecureChannel
  readonly info: DeviceInfo

  private constructor(exchange: Exchange, channel: SecureChannel, info: DeviceInfo) {
    this.#exchange = exchange
    this.#channel = channel
    this.info = info
  }

  /** One try. Throws where it is another device than `serial`, or does not take the password. */
  static async open(exchange: Exchange, { keyId, longTerm }: Credentials, serial: number): Promise<DeviceSession> {
    const challenge = randomBytes(8)
    const create = encodeMessage(command.createSession, Buffer.concat([u16(keyId), challenge]))
    const begun = parseBegun(answerTo(command.createSession, await exchange(create)))
    const channel = new SecureChannel(longTerm, challenge, begun)
    try {
      answerTo(command.authenticateSession, await exchange(channel.authentication()))
      const info = await askDevice(exchange)
      const session = new DeviceSession(exchange, channel, info)
      if (info.serial === serial) return session
      await session.close()
      throw new LogHostError('token-swapped', `the device at the connector has serial number ${info.serial}`)
    } catch (error) {
      channel.wipe()
      throw error
    }
  }

  logEntries(): Promise<Uint8Array> {
    return this.#send(command.getLogEntries)
  }

  async setLogIndex(upTo: number): Promise<void> {
    await this.#send(command.setLogIndex, u16(upTo))
  }

  /** Null: the authentication key may not ask for options. */
  async option(option: number): Promise<Uint8Array | null> {
    try {
      return await this.#send(command.getOption, Uint8Array.of(option))
    } catch (error) {
      if (error instanceof DeviceRefusal && error.code === errorCode.insufficientPermissions) return null
      throw error
    }
  }

  /** One of 16 sessions is free again. Never fails: a session that is not closed is used anew after 30 s. */
  async close(): Promise<void> {
    try {
      await this.#send(command.closeSession)
    } catch (error) {
      if (!(error instanceof DeviceRefusal || error instanceof LogHostError)) throw error
    } finally {
      this.#channel.wipe()
    }
  }

  async #send(code: InnerCommand, data: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    return this.#channel.open(code, await this.#exchange(this.#channel.seal(code, data)))
  }
}
