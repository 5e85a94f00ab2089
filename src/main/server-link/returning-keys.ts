import type { OfferedKey } from '../debusine/server.ts'

/** A key that was lost once is offered again after this long, and after twice as long each time that it is lost again. */
const firstHoldMs = 2_000
const longestHoldMs = 60_000
/** A key that stayed so long has a clean slate. */
const forgetMs = 300_000

interface Loss {
  readonly at: number
  readonly times: number
}

/** What of the usable keys is offered, and when a key that is held back is due. */
export interface Admission {
  readonly offered: readonly OfferedKey[]
  readonly againInMs: number | null
}

/**
 * Stands between what can sign now and what the server is told. A key that goes is withdrawn at once, since work for it could not be
 * done. One that comes back is offered again after a pause that grows with each loss, so that a device with a loose plug makes no
 * more than two changes a minute, and no other key waits for it.
 */
export function createReturningKeys(now: () => Date): (usable: readonly OfferedKey[]) => Admission {
  const offered = new Map<string, OfferedKey>()
  const losses = new Map<string, Loss>()
  const nameOf = ({ purpose, fingerprint }: OfferedKey) => `${purpose}:${fingerprint}`

  return (usable) => {
    const at = now().getTime()
    const here = new Map(usable.map((key) => [nameOf(key), key]))
    for (const name of offered.keys()) {
      if (here.has(name)) continue
      offered.delete(name)
      const before = losses.get(name)
      losses.set(name, { at, times: before !== undefined && at - before.at < forgetMs ? before.times + 1 : 1 })
    }
    let againInMs: number | null = null
    for (const [name, key] of here) {
      if (offered.has(name)) continue
      const wait = waitFor(losses.get(name), at)
      if (wait <= 0) offered.set(name, key)
      else againInMs = Math.min(againInMs ?? wait, wait)
    }
    for (const [name, loss] of losses) if (at - loss.at >= forgetMs) losses.delete(name)
    // In one order, however they came: the same keys are the same words to the server.
    const names = [...offered.keys()].sort()
    return { offered: names.flatMap((name) => offered.get(name) ?? []), againInMs }
  }
}

function waitFor(loss: Loss | undefined, at: number): number {
  if (loss === undefined) return 0
  const hold = Math.min(longestHoldMs, firstHoldMs * 2 ** (loss.times - 1))
  // A clock that was set back must not hold a key for longer.
  return Math.min(hold, loss.at + hold - at)
}
