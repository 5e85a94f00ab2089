import type { Log } from '../log/logger.ts'
import type { Deadlines } from './deadlines.ts'

export type TokenServiceOptions = {
  /** Path of a plain Node binary: `process.execPath` under Node, the shipped one under Electron. */
  readonly node: string
  /** The host's entry, see `HostCommand.entry`. */
  readonly hostEntry: string
  readonly modules: readonly string[]
  readonly serviceKeysFolder: string
  /** The whole environment of token processes: `moduleEnvironment(process.env)`. */
  readonly environment: Readonly<Record<string, string>>
  readonly deadlines?: Partial<Deadlines>
  readonly touchAfterMs?: number
  readonly log: Log
}
