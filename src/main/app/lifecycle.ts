import type { Log } from '../log/logger.ts'

export interface Lifecycle {
  /** A part runs from now on. Its `stop` resolves when what it was doing has ended: a signature in the token is waited for. */
  started(name: string, stop: () => Promise<void> | void): void
  /** Stops every part, the last started first, each after the one before has ended. The second call waits for the first. */
  stop(): Promise<void>
}

/** After this time a part that has not stopped is named in the log; it is still waited for. */
const overdueMs = 10_000

/** The order in which the program ends. A part that fails to stop is logged and does not keep the others running. */
export function createLifecycle(log: Log): Lifecycle {
  const parts: { readonly name: string; readonly stop: () => Promise<void> | void }[] = []
  let stopping: Promise<void> | null = null

  async function stopAll(): Promise<void> {
    // Taken one by one: a part that is started while others stop is stopped too.
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const { name, stop } = part
      const overdue = setTimeout(() => log('lifecycle.still-stopping', { name }), overdueMs)
      try {
        await stop()
        log('lifecycle.stopped', { name })
      } catch (error) {
        log('lifecycle.stop-failed', { name, error })
      } finally {
        clearTimeout(overdue)
      }
    }
  }

  return {
    started(name, stop) {
      parts.push({ name, stop })
    },
    stop() {
      stopping ??= stopAll()
      return stopping
    },
  }
}

interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/** Ends the program in order when the session ends or a terminal asks; a second signal changes nothing, so that impatience loses no signature. */
export function stopOnSignals(source: SignalSource, stop: (signal: NodeJS.Signals) => void): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    source.on(signal, () => {
      if (stopping) return
      stopping = true
      stop(signal)
    })
  }
}
