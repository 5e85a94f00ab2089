import type { HandDelivery, OpenByHand } from '../../../shared/by-hand.ts'
import type { Failure } from '../../../shared/failure.ts'
import type { RequestId } from '../../../shared/ids.ts'
import { err, type Result } from '../../../shared/result.ts'
import { type DeskPorts, notNow } from '../desk-ports.ts'
import { redirectDelivery } from './deliver-by-hand.ts'
import { openByHand } from './open-by-hand.ts'

/** What a person does with files of this machine; the rest of their way is the desk's. */
export interface HandDesk {
  /** Makes a request of files that a person opened at this station. */
  openByHand(input: OpenByHand): Promise<Result<RequestId, Failure>>
  /** A person's answer where their signatures could not be written; the delivery goes on. */
  redirectDelivery(id: RequestId, delivery: HandDelivery): Promise<Result<null, Failure>>
}

export function createHandDesk(
  ports: DeskPorts,
  desk: {
    readonly isBusy: (id: RequestId) => boolean
    readonly begin: (id: RequestId) => void
    readonly returnAgain: (id: RequestId) => Promise<Result<null, Failure>>
  },
): HandDesk & { stop(): Promise<void> } {
  const ending = new AbortController()
  const opening = new Set<Promise<unknown>>()
  return {
    openByHand: async (input) => {
      if (ending.signal.aborted) return err(notNow)
      const copying = openByHand(ports, input, ending.signal)
      opening.add(copying)
      try {
        const id = await copying
        if (id.ok) desk.begin(id.value)
        return id
      } finally {
        opening.delete(copying)
      }
    },
    redirectDelivery: async (id, delivery) => {
      if (desk.isBusy(id) || ending.signal.aborted) return err(notNow)
      const redirected = await redirectDelivery(ports, id, delivery)
      return redirected.ok ? desk.returnAgain(id) : redirected
    },
    stop: async () => {
      ending.abort()
      await Promise.allSettled(opening)
    },
  }
}
