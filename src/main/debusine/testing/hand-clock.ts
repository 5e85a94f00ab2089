import type { Clock } from '../clock.ts'

/** A clock that a test moves by hand. Chance is always one half. */
export interface HandClock extends Clock {
  /** Moves time on, running what falls due on the way in order. */
  advance(milliseconds: number): void
  /** Milliseconds until each waiting task, soonest first. */
  readonly waiting: readonly number[]
}

export function handClock(start = Date.UTC(2026, 0, 1)): HandClock {
  let now = start
  const tasks = new Set<{ readonly due: number; readonly run: () => void }>()
  const soonest = () => [...tasks].sort((a, b) => a.due - b.due)
  return {
    now: () => new Date(now),
    random: () => 0.5,
    after: (milliseconds, run) => {
      const task = { due: now + milliseconds, run }
      tasks.add(task)
      return () => tasks.delete(task)
    },
    advance: (milliseconds) => {
      const end = now + milliseconds
      for (let next = soonest()[0]; next !== undefined && next.due <= end; next = soonest()[0]) {
        tasks.delete(next)
        now = next.due
        next.run()
      }
      now = end
    },
    get waiting() {
      return soonest().map(({ due }) => due - now)
    },
  }
}

/** Real time-outs, but back-off and other waits of the client are cut to almost nothing. */
export function hastyClock(): Clock {
  return {
    now: () => new Date(),
    random: () => 0.5,
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds <= 9000 ? 1 : milliseconds)
      return () => clearTimeout(timer)
    },
  }
}
