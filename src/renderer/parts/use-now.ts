import { useSyncExternalStore } from 'react'

const every = 30_000
let current = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | null = null

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (timer === null) {
    // Nobody looked for a while, and nobody moved it. React reads it once more after this.
    current = Date.now()
    timer = setInterval(() => {
      current = Date.now()
      for (const each of listeners) each()
    }, every)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer)
      timer = null
    }
  }
}

/** The time, moving every half minute: one timer for all that say how long ago something was. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => current)
}
