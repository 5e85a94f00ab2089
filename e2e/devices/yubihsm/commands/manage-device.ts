import { randomBytes } from 'node:crypto'
import { command } from '../codes.ts'
import { messageLimit } from '../firmware.ts'
import { refuse, u16 } from '../message.ts'
import { type CommandKind, nothing } from './command.ts'

export const deviceCommands: readonly CommandKind[] = [
  { code: command.echo, needs: null, run: ({ fields }) => fields.rest() },
  {
    code: command.closeSession,
    needs: null,
    run({ device, fields, session }) {
      fields.end()
      device.closeSession(session)
      return nothing
    },
  },
  {
    code: command.getStorageInfo,
    needs: null,
    run({ device, fields }) {
      fields.end()
      const { totalRecords, freeRecords, totalPages, freePages, pageBytes } = device.objects.storage()
      return Buffer.concat([totalRecords, freeRecords, totalPages, freePages, pageBytes].map(u16))
    },
  },
  {
    code: command.getPseudoRandom,
    needs: 'getPseudoRandom',
    run({ device, fields }) {
      const count = fields.u16()
      fields.end()
      // It has to fit into one answer, with its header and the session's.
      return count > messageLimit(device.firmware) - 32 ? refuse('wrongLength') : randomBytes(count)
    },
  },
  {
    code: command.getLogEntries,
    needs: 'getLogEntries',
    run({ device, fields }) {
      fields.end()
      return device.log.answer()
    },
  },
  {
    code: command.setLogIndex,
    // The maker's reference asks for the capability to read the log.
    needs: 'getLogEntries',
    run({ device, fields }) {
      const index = fields.u16()
      fields.end()
      return device.log.free(index) ? nothing : refuse('invalidData')
    },
  },
  {
    code: command.setOption,
    needs: 'setOption',
    run({ device, fields }) {
      const option = fields.u8()
      const value = fields.bytes(fields.u16())
      fields.end()
      device.options.set(option, value, device.isFresh())
      return nothing
    },
  },
  {
    code: command.getOption,
    needs: 'getOption',
    run({ device, fields }) {
      const option = fields.u8()
      fields.end()
      return device.options.get(option)
    },
  },
  {
    code: command.blinkDevice,
    needs: null,
    run({ device, fields }) {
      const seconds = fields.u8()
      fields.end()
      device.blink(seconds)
      return nothing
    },
  },
  {
    code: command.resetDevice,
    needs: 'resetDevice',
    run({ device, fields }) {
      fields.end()
      device.factoryReset()
      return nothing
    },
  },
]
