/** Time and chance as arguments, so that back-off, time-outs and heartbeats are tested without waiting. */
export interface Clock {
  now(): Date
  /** Runs `task` once after so many milliseconds, unless the returned function is called before. */
  after(milliseconds: number, task: () => void): () => void
  /** 0 ≤ x < 1; only for jitter, never for secrets. */
  random(): number
}

export const systemClock: Clock = {
  now: () => new Date(),
  after: (milliseconds, task) => {
    const timer = setTimeout(task, milliseconds)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}

/** Resolves `true` after the time, `false` as soon as the signal aborts. */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted === true) return Promise.resolve(false)
  return new Promise((resolve) => {
    const onAbort = () => {
      cancel()
      resolve(false)
    }
    const cancel = clock.after(milliseconds, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve(true)
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Exponential back-off with "equal jitter": half fixed, half random, so that many stations do not return in step. */
export function backOff(clock: Clock, attempt: number, base: number, cap: number): number {
  const full = Math.min(cap, base * 2 ** attempt)
  return full / 2 + clock.random() * (full / 2)
}

/** Runs the task at once, then at most once in each interval; what comes meanwhile is one more run at the interval's end. */
export function calmed(
  clock: Clock,
  interval: number,
  task: () => void,
): { readonly call: () => void; readonly stop: () => void } {
  let stop: (() => void) | null = null
  let again = false
  const rest = () => {
    stop = clock.after(interval, () => {
      stop = null
      if (!again) return
      again = false
      rest()
      task()
    })
  }
  return {
    call: () => {
      if (stop !== null) {
        again = true
        return
      }
      rest()
      task()
    },
    stop: () => {
      stop?.()
      stop = null
      again = false
    },
  }
}
