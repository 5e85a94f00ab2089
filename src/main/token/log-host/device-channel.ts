import { randomBytes } from 'node:crypto'
import { askDevice, type Credentials, type DeviceInfo, type Exchange } from './device.ts'
import { LogHostError } from './log-host-error.ts'
import { answerTo, command, DeviceRefusal, encodeMessage, u16 } from './message.ts'
import { parseBegun, SecureChannel } from './secure-channel.ts'

/**
 * A session with a device that proved the password. Which one it is it says between its proof and the first command, because DEVICE INFO is
 * no command of a session; one that is put in its place has not this session, and cannot answer what follows.
 */
export interface DeviceChannel {
  readonly info: DeviceInfo
  /** `code`: one of the table of whoever has the session. The data of the answer; throws what `answerTo` throws. */
  readonly send: (code: number, data?: Uint8Array) => Promise<Uint8Array>
  /** One of 16 sessions is free again. Never fails: a session that is not closed is used anew after 30 s. */
  readonly close: () => Promise<void>
}

/** One try. Throws where it is another device than `serial`, or does not take the password. */
export async function openChannel(
  exchange: Exchange,
  { keyId, longTerm }: Credentials,
  serial: number,
): Promise<DeviceChannel> {
  const challenge = randomBytes(8)
  const create = encodeMessage(command.createSession, Buffer.concat([u16(keyId), challenge]))
  const begun = parseBegun(answerTo(command.createSession, await exchange(create)))
  const channel = new SecureChannel(longTerm, challenge, begun)
  const send = async (code: number, data: Uint8Array = new Uint8Array()) =>
    channel.open(code, await exchange(channel.seal(code, data)))
  const close = async () => {
    try {
      await send(command.closeSession)
    } catch (error) {
      if (!(error instanceof DeviceRefusal || error instanceof LogHostError)) throw error
    } finally {
      channel.wipe()
    }
  }
  try {
    answerTo(command.authenticateSession, await exchange(channel.authentication()))
    const info = await askDevice(exchange)
    if (info.serial === serial) return { info, send, close }
    await close()
    throw new LogHostError('token-swapped', `the device at the connector has serial number ${info.serial}`)
  } catch (error) {
    channel.wipe()
    throw error
  }
}
