import { LogHostError } from './log-host-error.ts'

/**
 * The commands of a YubiHSM that this process knows (`yh_cmd` in lib/yubihsm.h of yubihsm-shell 2.8.0). There is none among them that
 * uses or changes a key, so that whoever takes this process over in its own words signs nothing.
 */
export const command = {
  createSession: 0x03,
  authenticateSession: 0x04,
  sessionMessage: 0x05,
  deviceInfo: 0x06,
  closeSession: 0x40,
  getLogEntries: 0x4d,
  getOption: 0x50,
  setLogIndex: 0x67,
} as const

export const errorCode = {
  invalidSession: 0x03,
  authenticationFailed: 0x04,
  sessionsFull: 0x05,
  insufficientPermissions: 0x09,
  logFull: 0x0a,
  objectNotFound: 0x0b,
} as const

const errorMessage = 0x7f
export const headBytes = 3
/** From firmware 2.4; before, 2,048. */
export const largestMessage = 3136

/** The device said no. */
export class DeviceRefusal extends Error {
  readonly code: number

  constructor(code: number) {
    super(`the device answered with error ${code}`)
    this.code = code
  }
}

/** `code`: one of a table like the one above; which commands a process knows is its own table's business. */
export function encodeMessage(code: number, data: Uint8Array): Uint8Array {
  const message = Buffer.alloc(headBytes + data.length)
  message.writeUInt8(code, 0)
  message.writeUInt16BE(data.length, 1)
  message.set(data, headBytes)
  return message
}

/** The data of the answer to a command. Throws `DeviceRefusal` for an error of the device, `LogHostError` for what is no answer to it. */
export function answerTo(code: number, bytes: Uint8Array): Uint8Array {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const wrong = () => new LogHostError('connector-silent', 'what came is no answer to what was asked')
  if (message.length < headBytes || message.readUInt16BE(1) !== message.length - headBytes) throw wrong()
  const data = message.subarray(headBytes)
  if (message[0] === errorMessage) {
    if (data.length !== 1) throw wrong()
    throw new DeviceRefusal(data[0] ?? 0)
  }
  if (message[0] !== (code | 0x80)) throw wrong()
  return data
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}
