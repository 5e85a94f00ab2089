import type { HostProcess } from './host-process.ts'
import type { TokenFailure } from './token-service.ts'

/**
 * A token process while one approval holds keys open in it: those of one module, or one sealed key. It ends when the last of them is
 * closed, or with the first failure of any: what a module does after a failure is not known, and what there is of PINs dies with the
 * process. A key that is closed before the others is not asked any more; its session at the token goes with the process.
 */
export class SessionProcess {
  readonly host: HostProcess
  readonly #closeDeadlineMs: number
  readonly #end: () => void
  readonly #open = new Set<number>()
  #next = 0
  #failure: TokenFailure | null = null

  /** `end`: kills the process and gives free what it served. */
  constructor(host: HostProcess, closeDeadlineMs: number, end: () => void) {
    this.host = host
    this.#closeDeadlineMs = closeDeadlineMs
    this.#end = end
  }

  /** The first failure of a session. From then on no other session may ask for anything. */
  get failure(): TokenFailure | null {
    return this.#failure
  }

  get isOver(): boolean {
    return this.#failure !== null || this.host.dead
  }

  /** The name of a new session in this process. */
  join(): number {
    const session = this.#next
    this.#next += 1
    this.#open.add(session)
    return session
  }

  leave(session: number): Promise<void> {
    this.#open.delete(session)
    return this.#open.size === 0 ? this.close() : Promise.resolve()
  }

  /** Keeps the others from asking, while it is found out what happened. `fail` has to follow. */
  suspect(failure: TokenFailure): void {
    this.#failure ??= failure
  }

  fail(failure: TokenFailure): void {
    this.suspect(failure)
    this.#end()
  }

  /** Leaves the devices in order, then ends the process, whatever is open. */
  async close(): Promise<void> {
    await this.host.call('close', {}, this.#closeDeadlineMs)
    this.#end()
  }
}
