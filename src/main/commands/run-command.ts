import type { Failure } from '../../shared/failure.ts'
import { stopOnSignals } from '../app/lifecycle.ts'
import { visible } from '../audit/summary.ts'
import type { Command } from '../config/command-line.ts'
import { exitCodes } from '../config/exit-codes.ts'
import type { Profile } from '../config/profile.ts'
import type { Log } from '../log/logger.ts'
import { runServiceKey } from './service-key.ts'
import { runSoftwareKeys } from './software-keys.ts'
import { type CommandFiles, enterRoom, type Room } from './station-room.ts'

/** What a command tells and how it ended. `whole` false: something was left undone, which it told. */
export interface Terminal {
  readonly say: (line: string) => void
  /** A line that the next one replaces, where a person watches. */
  readonly progress: (line: string) => void
  readonly signal: AbortSignal
}
export type Told = { readonly whole: boolean }

/** Runs a command for a station whose window is closed; resolves to the exit code. */
export async function runCommand(command: Command, profile: Profile, files: CommandFiles): Promise<number> {
  // A person reads this terminal: of the log only what went wrong is for him.
  const log: Log = (event, fields = {}) => {
    if ('code' in fields || 'error' in fields) files.log(event, fields)
  }
  const room = await enterRoom(profile, { ...files, log })
  if (!room.ok) {
    complain(room.error)
    return room.error.code === 'already-running' ? exitCodes.alreadyRunning : exitCodes.commandFailed
  }
  const stop = new AbortController()
  stopOnSignals(process, () => stop.abort())
  const terminal: Terminal = {
    say: (line) => process.stdout.write(`${clear()}${visible(line)}\n`),
    progress: (line) => (process.stderr.isTTY ? process.stderr.write(`\r\x1b[K${visible(line)}`) : undefined),
    signal: stop.signal,
  }
  const told = await run(command, room.value, terminal)
  if (!told.ok) complain(told.error)
  const left = await room.value.leave()
  if (!left.ok) complain(left.error)
  return told.ok && told.value.whole ? exitCodes.closed : exitCodes.commandFailed
}

function run(command: Command, room: Room, terminal: Terminal) {
  return command.kind === 'service-key'
    ? runServiceKey(command.action, room, terminal)
    : runSoftwareKeys(command, room, terminal)
}

function complain({ message, code }: Failure): void {
  process.stderr.write(`${clear()}${visible(message)} (${code})\n`)
}

function clear(): string {
  return process.stderr.isTTY ? '\r\x1b[K' : ''
}
