import type { HostAnswer, HostFailure } from '../protocol.ts'
import { askDevice } from './device.ts'
import type { DeviceChannel } from './device-channel.ts'
import { type DeviceDuties, optionValue } from './device-server.ts'
import { LogHostError } from './log-host-error.ts'
import { command, DeviceRefusal, errorCode, u16 } from './message.ts'

const option = { forceAudit: 1, commandAudit: 3 } as const

/** Takes the log out of one YubiHSM. */
export const logDuties: DeviceDuties = {
  run: async (request, inSession, exchange) => {
    switch (request.op) {
      case 'log-read':
        return await inSession(async ({ info, send }) => {
          const { serial, capacity, used } = info
          return { serial, capacity, used, answer: await send(command.getLogEntries) }
        })
      case 'log-free':
        return await inSession(async ({ send }) => {
          await send(command.setLogIndex, u16(request.upTo))
          return null
        })
      case 'log-state':
        return await inSession(async (channel) => {
          const audit = await auditOf(channel)
          const { serial, capacity, used } = await askDevice(exchange)
          return { serial, capacity, used, audit }
        })
      default:
        throw new LogHostError('token-error', 'this process reads a device log and does nothing else')
    }
  },
  failureOf: (error): HostFailure => {
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
  },
}

async function auditOf(channel: DeviceChannel): Promise<HostAnswer<'log-state'>['audit']> {
  const force = await readOption(channel, option.forceAudit)
  const pairs = force === null ? null : await readOption(channel, option.commandAudit)
  if (force === null || pairs === null) return null
  const commands: { readonly command: number; readonly value: 0 | 1 | 2 }[] = []
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const value = optionValue(pairs[at + 1])
    if (value !== 0) commands.push({ command: pairs[at] ?? 0, value })
  }
  return { force: optionValue(force[0]), commands }
}

/** Null: the authentication key may not ask for options. */
async function readOption({ send }: DeviceChannel, which: number): Promise<Uint8Array | null> {
  try {
    return await send(command.getOption, Uint8Array.of(which))
  } catch (error) {
    if (error instanceof DeviceRefusal && error.code === errorCode.insufficientPermissions) return null
    throw error
  }
}
