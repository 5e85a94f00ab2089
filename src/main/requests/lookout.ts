import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type DeskPorts, notEnrolled } from './desk-ports.ts'
import { type Taken, takeNext } from './intake.ts'

/** How long a server takes from "queued" to "completed": well under a second. */
const settleMs = 500

/** Looks for work at the server, one look after another. */
export interface Lookout {
  look(apiUrl: string): Promise<Result<null, Failure>>
  /** What was in hand has ended: the server may have rung for the next one while it still was. */
  lookAgain(apiUrl: string): void
  /** Takes a look again that failed: the server has rung, and does not ring again for the same request. */
  lookIfOwed(): void
  /** Looks no more, and waits for a fetch that is under way: what the server hands out and nobody keeps is lost. */
  stop(): Promise<void>
}

export function createLookout(ports: DeskPorts, took: (taken: Taken) => void): Lookout {
  let again: NodeJS.Timeout | null = null
  let looking: Promise<unknown> | null = null
  let waiting: Promise<Result<null, Failure>> | null = null
  let stopped = false
  /** Where a look failed that is worth another. */
  let owed: string | null = null

  async function lookOnce(apiUrl: string): Promise<Result<null, Failure>> {
    const server = ports.serverAt(apiUrl)
    if (server === null) return err(notEnrolled)
    const taken = await takeNext({ ...ports, server })
    if (!taken.ok) {
      if (taken.error.kind === 'unavailable') owed = apiUrl
      return taken
    }
    if (taken.value.kind === 'settling' && !stopped) {
      if (again !== null) clearTimeout(again)
      again = setTimeout(() => lookAgain(apiUrl), settleMs)
    }
    took(taken.value)
    return ok(null)
  }

  /**
   * Two looks at once would both find nothing in hand, and the second fetch would be the destructive one. A bell that rings
   * during a look gets one of its own, because that look may have begun before what it is rung for.
   */
  function look(apiUrl: string): Promise<Result<null, Failure>> {
    if (stopped) return Promise.resolve(ok(null))
    if (looking === null) {
      const mine = lookOnce(apiUrl)
      looking = mine
        .catch(() => null)
        .finally(() => {
          looking = null
        })
      return mine
    }
    waiting ??= looking.then(() => {
      waiting = null
      return look(apiUrl)
    })
    return waiting
  }

  function lookAgain(apiUrl: string): void {
    look(apiUrl).then(
      (looked) => {
        if (!looked.ok) ports.log('requests.fetch-failed', { code: looked.error.code, detail: looked.error.detail })
      },
      (error: unknown) => ports.log('requests.look-defect', { error }),
    )
  }

  return {
    look,
    lookAgain,
    lookIfOwed: () => {
      if (owed !== null) lookAgain(owed)
      owed = null
    },
    stop: async () => {
      stopped = true
      if (again !== null) clearTimeout(again)
      await looking
    },
  }
}
