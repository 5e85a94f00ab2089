import { Worker } from 'node:worker_threads'
import type { HashAnswer, HashJob } from './hash-job.ts'

interface Waiting {
  readonly job: HashJob
  readonly resolve: (answer: HashAnswer) => void
}

/**
 * Hashes large files in worker threads. Workers are started when work comes, at most `threads` of them, and kept; an idle one does not keep
 * the process alive. Answers never reject: a dead worker answers `unreadable` for its job and is replaced.
 */
export class Digester {
  readonly #workerUrl: URL
  readonly #threads: number
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Waiting>()
  readonly #queue: Waiting[] = []
  #closed = false

  /** @param workerUrl the entry `hash-worker`: see `entryUrl`. */
  constructor(workerUrl: URL, threads = 3) {
    this.#workerUrl = workerUrl
    this.#threads = threads
  }

  sha256(job: HashJob): Promise<HashAnswer> {
    if (this.#closed) return Promise.resolve({ kind: 'unreadable', detail: 'the program is closing' })
    return new Promise((resolve) => {
      this.#queue.push({ job, resolve })
      this.#dispatch()
    })
  }

  /** Ends all workers; jobs under way answer `unreadable`. */
  async close(): Promise<void> {
    this.#closed = true
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()]
    for (const waiting of this.#queue.splice(0))
      waiting.resolve({ kind: 'unreadable', detail: 'the program is closing' })
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && !this.#closed) {
      const idle = this.#idle.pop()
      if (idle === undefined && this.#busy.size >= this.#threads) return
      const waiting = this.#queue.shift()
      if (waiting === undefined) return
      const worker = idle ?? this.#start()
      this.#busy.set(worker, waiting)
      worker.ref()
      worker.postMessage(waiting.job)
      if (idle === undefined) {
        // Starting a thread holds the event loop for milliseconds: one for each turn of it.
        setImmediate(() => this.#dispatch())
        return
      }
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, {
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    })
    let reason = 'the hashing thread ended'
    worker.on('message', (answer: HashAnswer) => {
      const waiting = this.#busy.get(worker)
      this.#busy.delete(worker)
      worker.unref()
      this.#idle.push(worker)
      waiting?.resolve(answer)
      this.#dispatch()
    })
    worker.on('error', (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => {
      const waiting = this.#busy.get(worker)
      this.#busy.delete(worker)
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      waiting?.resolve({ kind: 'unreadable', detail: reason })
      this.#dispatch()
    })
    return worker
  }
}
