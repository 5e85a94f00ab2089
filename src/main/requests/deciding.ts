import type { RequestId } from '../../shared/ids.ts'

/** What runs for a request, and how it is ended. */
export interface Running {
  readonly abort: AbortController
  readonly done: Promise<void>
}

/** One PIN, or one renewal, at a time for a request: a click that comes twice finds the first one at work. */
export class Deciding {
  readonly #running = new Map<RequestId, Running>()

  has(id: RequestId): boolean {
    return this.#running.has(id)
  }

  all(): readonly Running[] {
    return [...this.#running.values()]
  }

  async alone<T>(id: RequestId, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    const { promise: done, resolve: decided } = Promise.withResolvers<void>()
    this.#running.set(id, { abort, done })
    try {
      return await work(abort.signal)
    } finally {
      this.#running.delete(id)
      decided()
    }
  }
}
