import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { UsbState } from '../../shared/devices.ts'
import type { Log } from '../log/logger.ts'
import { floodWindowMs, maxWatcherLine, maxWatcherLines, watcherMessage } from './protocol.ts'

export type UsbWatcherOptions = {
  /** A plain Node binary. */
  readonly node: string
  /** See `entryUrl('usb-watcher', …)`. */
  readonly entry: URL
  /** Called with each new picture, and with `off` when the process ended. */
  readonly onState: (state: UsbState) => void
  readonly log: Log
  /** Milliseconds before the first new start; doubled with each further one, up to a minute. */
  readonly firstRetryMs?: number
}

const off: UsbState = { watch: 'off', devices: [] }
const longestRetryMs = 60_000
/** A process that lived so long was not broken: the next start waits no longer than the first did. */
const provenMs = 60_000

/**
 * The process that watches USB, and its channel. The `usb` package can end its process (an unhandled rejection, a getter that throws
 * in a listener), so it is never loaded in main; when the process ends, or says what the contract does not know, or more than anyone
 * could plug in, it is killed and started anew, each time later.
 */
export class UsbWatcher {
  readonly #options: UsbWatcherOptions
  #state: UsbState = off
  #child: ChildProcess | null = null
  #retry: NodeJS.Timeout | null = null
  #failures = 0
  #closed = false

  constructor(options: UsbWatcherOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#child === null && !this.#closed) this.#spawn()
  }

  state(): UsbState {
    return this.#state
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
  }

  #spawn(): void {
    const { node, entry, log } = this.#options
    const began = performance.now()
    const args = [
      // Of Node's own powers: reading files, one addon, one thread. No other process, no writing.
      '--permission',
      '--allow-fs-read=*',
      '--allow-addons',
      '--allow-worker',
      '--disable-warning=SecurityWarning',
      '--disallow-code-generation-from-strings',
      '--max-old-space-size=64',
      fileURLToPath(entry),
    ]
    const child = spawn(node, args, { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    let complaint = ''
    let told = ''
    // Held open for as long as main lives: its end is what ends the watcher.
    child.stdin.on('error', () => {})
    const read = new LineReader(
      (line) => this.#hear(line),
      (why) => {
        complaint = why
        child.stdout.destroy()
        child.kill('SIGKILL')
      },
    )
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.#closed) read.add(chunk)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told = (told + text).slice(-2000)
    })
    let ended = false
    const gone = (how: string) => {
      if (ended) return
      ended = true
      this.#child = null
      if (this.#closed) return
      this.#failures = performance.now() - began > provenMs ? 1 : this.#failures + 1
      const wait = Math.min(longestRetryMs, (this.#options.firstRetryMs ?? 500) * 2 ** (this.#failures - 1))
      log('usb.watcher-ended', { how: complaint === '' ? how : complaint, told, retryMs: wait })
      this.#set(off)
      this.#retry = setTimeout(() => this.#spawn(), wait)
      this.#retry.unref()
    }
    child.on('error', (error) => gone(error.message))
    child.on('close', (code, signal) => gone(signal ?? `exit code ${code ?? 'unknown'}`))
  }

  /** False: the watcher broke the contract. */
  #hear(line: string): boolean {
    const message = watcherMessage.safeParse(parse(line))
    if (!message.success) return false
    if (message.data.kind === 'trouble') this.#options.log('usb.watcher-trouble', { text: message.data.text })
    else this.#set({ watch: message.data.watch, devices: message.data.devices })
    return true
  }

  #set(state: UsbState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return
    this.#state = state
    this.#options.onState(state)
  }
}

/** Cuts what comes into lines, and gives up on one that is too long, one too many, or one that nobody understands. */
class LineReader {
  readonly #hear: (line: string) => boolean
  readonly #giveUp: (why: string) => void
  #rest: Buffer = Buffer.alloc(0)
  #since = Number.NEGATIVE_INFINITY
  #lines = 0
  #over = false

  constructor(hear: (line: string) => boolean, giveUp: (why: string) => void) {
    this.#hear = hear
    this.#giveUp = giveUp
  }

  add(chunk: Buffer): void {
    if (this.#over) return
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      if (end > maxWatcherLine) return this.#stop('a line is too long')
      if (!this.#mayTake()) return this.#stop('too many lines')
      if (!this.#hear(rest.toString('utf8', 0, end))) return this.#stop('broke the protocol')
      rest = rest.subarray(end + 1)
    }
    if (rest.length > maxWatcherLine) return this.#stop('a line is too long')
    this.#rest = Buffer.from(rest)
  }

  #mayTake(): boolean {
    const now = performance.now()
    if (now - this.#since > floodWindowMs) {
      this.#since = now
      this.#lines = 0
    }
    this.#lines += 1
    return this.#lines <= maxWatcherLines
  }

  #stop(why: string): void {
    this.#over = true
    this.#rest = Buffer.alloc(0)
    this.#giveUp(why)
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
