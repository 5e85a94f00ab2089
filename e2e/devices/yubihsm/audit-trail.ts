import { command, noObject } from './codes.ts'
import type { DeviceLog } from './device-log.ts'
import { type Message, Refusal, refuse } from './message.ts'
import type { DeviceOptions } from './options.ts'

/** What the log says of a command besides the command itself. */
export interface LogNote {
  readonly sessionKey: number
  readonly target: number
  readonly second: number
}

export const noNote: LogNote = { sessionKey: noObject, target: noObject, second: noObject }

/** With forced audit and a full log: what opens a session, what frees the log, and the end of the session that did. */
const alwaysLetIn: ReadonlySet<number> = new Set([
  command.createSession,
  command.authenticateSession,
  command.getLogEntries,
  command.setLogIndex,
  command.closeSession,
])

const answerBit = 0x80

/** Decides what is logged, and what is refused because it could not be. */
export class AuditTrail {
  readonly #log: DeviceLog
  readonly #options: DeviceOptions
  readonly #tick: () => number

  constructor(log: DeviceLog, options: DeviceOptions, tick: () => number) {
    this.#log = log
    this.#options = options
    this.#tick = tick
  }

  /**
   * Runs a command and logs what became of it: its code with the highest bit set, or the error. The command that switches its own
   * audit on is not logged yet. `note` is asked afterwards, when the command knows its objects.
   */
  async run<T>(message: Message, note: () => LogNote, work: () => T | Promise<T>): Promise<T> {
    const audited = this.#options.audits(message.command)
    if (audited && this.#hasNoRoom() && !alwaysLetIn.has(message.command)) refuse('logFull')
    try {
      const answer = await work()
      // A reset begins a new log, in which it is the first entry.
      if (audited && message.command !== command.resetDevice) this.#append(message, note(), message.command | answerBit)
      return answer
    } catch (error) {
      if (audited && error instanceof Refusal) this.#append(message, note(), error.code)
      throw error
    }
  }

  #append(message: Message, note: LogNote, result: number): void {
    if (this.#hasNoRoom()) {
      if (message.command === command.authenticateSession) this.#log.countAuthentication()
      return
    }
    this.#log.append({ command: message.command, length: message.data.length, ...note, result }, this.#tick())
  }

  #hasNoRoom(): boolean {
    return this.#options.auditIsForced && this.#log.full
  }
}
