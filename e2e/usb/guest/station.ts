import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { StationApi } from '../../../src/preload/api.ts'
import type { EventName, EventPayload } from '../../../src/shared/events.ts'
import type { Failure } from '../../../src/shared/failure.ts'
import type { Result } from '../../../src/shared/result.ts'
import { desk } from './desk.ts'

/** What the window was told: the event, and when, in milliseconds of the guest's clock. */
export type Heard = { readonly event: EventName; readonly payload: unknown; readonly at: number }

const startLimitMs = 60_000
const waitLimitMs = 60_000
const heardEvents: readonly EventName[] = ['devices.changed', 'tokens.changed', 'signing.progress', 'requests.changed']

/** The built program, started as an operator starts it, and the far end of its window. */
export class StationProgram {
  /** `window.station`, in the world of the page. */
  readonly api: StationApi
  readonly heard: Heard[] = []
  readonly #child: ChildProcess
  readonly #socket: Socket
  readonly #answers = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
  >()
  readonly #waiting = new Set<() => void>()
  #last = 0

  private constructor(child: ChildProcess, socket: Socket) {
    this.#child = child
    this.#socket = socket
    let part = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (part + chunk).split('\n')
      part = lines.pop() ?? ''
      for (const line of lines) this.#receive(JSON.parse(line) as Told) // from our own window
    })
    // Every name is a call; what the contract does not know, the window does not have.
    this.api = new Proxy({} as StationApi, { get: (_, name) => (input?: unknown) => this.#ask(String(name), input) })
  }

  static async start(logFile: string): Promise<StationProgram> {
    const path = join(desk.runtime, 'window.sock')
    rmSync(path, { force: true })
    const log = createWriteStream(logFile, { flags: 'a' })
    const [program, ...args] = desk.command([process.execPath, 'out/main/index.js', '--profile', desk.profile])
    const child = spawn(program, args, { cwd: process.cwd(), env: desk.environment, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    const until = performance.now() + startLimitMs
    for (;;) {
      if (child.exitCode !== null) {
        const window = readFileSync(join(desk.runtime, 'window.log'), 'utf8')
        throw new Error(`the station ended: ${readFileSync(logFile, 'utf8').slice(-2000)}\n${window}`)
      }
      const started = await connected(path).then(
        (socket) => new StationProgram(child, socket),
        () => null,
      )
      if (started !== null && (await started.#listen())) return started
      if (performance.now() > until) throw new Error('the station opened no window')
      await delay(100)
    }
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The first event that fits, from place `from` of what was heard on. */
  async event<E extends EventName>(
    name: E,
    fits: (payload: EventPayload<E>) => boolean,
    from = 0,
  ): Promise<{ readonly payload: EventPayload<E>; readonly at: number }> {
    return await this.#wait(name, () => {
      const found = this.heard
        .slice(from)
        .find(({ event, payload }) => event === name && fits(payload as EventPayload<E>))
      return found === undefined ? null : { payload: found.payload as EventPayload<E>, at: found.at }
    })
  }

  /** What `look` finds, looked for again after each event. */
  async until<T>(what: string, look: () => Promise<T | null>, limitMs = waitLimitMs): Promise<T> {
    const end = performance.now() + limitMs
    for (;;) {
      const found = await look()
      if (found !== null) return found
      if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
      await Promise.race([new Promise<void>((resolve) => this.#waiting.add(resolve)), delay(500)])
    }
  }

  /** As the operator closes it. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    await ended
    this.#socket.destroy()
  }

  async #wait<T>(what: string, look: () => T | null): Promise<T> {
    return await this.until(what, () => Promise.resolve(look()))
  }

  async #listen(): Promise<boolean> {
    try {
      for (const event of heardEvents) await this.#send({ event })
      return true
    } catch {
      this.#socket.destroy()
      return false
    }
  }

  #ask(name: string, input: unknown): Promise<unknown> {
    return this.#send(input === undefined ? { name } : { name, input })
  }

  #send(message: object): Promise<unknown> {
    this.#last += 1
    const id = this.#last
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      this.#socket.write(`${JSON.stringify({ id, ...message })}\n`)
    })
  }

  #receive(told: Told): void {
    if ('event' in told) {
      this.heard.push(told)
      for (const wake of this.#waiting) wake()
      this.#waiting.clear()
      return
    }
    const answer = this.#answers.get(told.id)
    this.#answers.delete(told.id)
    if ('problem' in told) answer?.reject(new Error(told.problem))
    else answer?.resolve(told.value)
  }
}

type Told = Heard | { readonly id: number; readonly value: unknown } | { readonly id: number; readonly problem: string }

async function connected(path: string): Promise<Socket> {
  const socket = createConnection(path)
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

export function valueOf<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message} ${result.error.detail ?? ''}`)
  return result.value
}
