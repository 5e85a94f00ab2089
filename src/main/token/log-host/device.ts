import { LogHostError } from './log-host-error.ts'
import { answerTo, command, encodeMessage } from './message.ts'

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
