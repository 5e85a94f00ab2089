/**
 * Turns at the operator's folders. A call on a medium that hangs holds a thread of the four that all files of the program go
 * through, and cannot be taken back: so there is one call at a time for each folder, and two at most altogether.
 */
export interface Media {
  /** Does `work` when it is this folder's turn. `isWanted` is asked then; what nobody waits for any more is not begun (null). */
  inTurn<T>(folder: string, work: () => Promise<T>, isWanted?: () => boolean): Promise<T | null>
  /** The same, for somebody who waits no longer than `patience`. */
  soon<T>(folder: string, work: () => Promise<T>): Promise<T | null>
  /** Calls `then` when a folder is taken for silent; gives what takes it back. */
  whenSilent(then: () => void): () => void
}

/** Milliseconds. A disk that spins up answers within it. */
const patience = 5_000
const atOnce = 2

export type After = (ms: number, then: () => void) => () => void

export function createMedia(after: After = afterTimer): Media {
  const lastOf = new Map<string, Promise<unknown>>()
  const waiting: (() => void)[] = []
  let free = atOnce

  async function withSlot<T>(work: () => Promise<T>, isWanted: () => boolean): Promise<T | null> {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
    try {
      return isWanted() ? await work() : null
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }

  function inTurn<T>(folder: string, work: () => Promise<T>, isWanted = () => true): Promise<T | null> {
    const before = lastOf.get(folder) ?? Promise.resolve()
    const done = before.then(() => (isWanted() ? withSlot(work, isWanted) : null))
    const settled = done.catch(() => null)
    lastOf.set(folder, settled)
    void settled.then(() => {
      if (lastOf.get(folder) === settled) lastOf.delete(folder)
    })
    return done
  }

  return {
    inTurn,
    soon: (folder, work) =>
      new Promise((resolve, reject) => {
        let waits = true
        const takeBack = after(patience, () => {
          waits = false
          resolve(null)
        })
        inTurn(folder, work, () => waits)
          .then(resolve, reject)
          .finally(takeBack)
      }),
    whenSilent: (then) => after(patience, then),
  }
}

function afterTimer(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms)
  return () => clearTimeout(timer)
}
