import type { HostProcess } from './host-process.ts'
import type { HostAnswer } from './protocol.ts'
import type { TokenFailure } from './token-service.ts'

/** One enabled module. `problem` is why its process ended; while it stands, only an explicit act starts the process again. */
export type Slot = {
  readonly path: string
  host: HostProcess | null
  /** An approval opens or holds sessions: nobody else touches the process. */
  taken: boolean
  /** Where on USB the tokens of these sessions are, as far as that can be known. */
  plugs: readonly string[]
  /** A look that is under way: whoever asks meanwhile waits for it, because a token can take seconds to list. */
  looking: Promise<void> | null
  listed: HostAnswer<'list'> | null
  problem: TokenFailure | null
}
