import type { HostProcess } from './host-process.ts'
import type { HostAnswer } from './protocol.ts'
import type { TokenFailure } from './token-service.ts'

/** One enabled module. `problem` is why its process ended; while it stands, only an explicit act starts the process again. */
export type Slot = {
  readonly path: string
  host: HostProcess | null
  /** An approval opens or holds a session: nobody else touches the process. */
  taken: boolean
  /** Where on USB the token of that session is, if that can be known. */
  plug: string | null
  /** A look that is under way: whoever asks meanwhile waits for it, because a token can take seconds to list. */
  looking: Promise<void> | null
  listed: HostAnswer<'list'> | null
  problem: TokenFailure | null
}
