import { type ChildProcess, fork } from 'node:child_process'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Log } from '../log/logger.ts'
import { fromHost, tokenFailure } from './failures.ts'
import {
  descriptors,
  type HostAnswer,
  type HostMessage,
  type HostOperation,
  type HostRequest,
  hostAnswers,
  hostMessage,
} from './protocol.ts'
import type { TokenFailure } from './token-service.ts'

export type HostCommand = {
  /** A plain Node binary, never Electron's: a module resolves its crypto calls in the executable that loads it. */
  readonly node: string
  /** The host's entry: `out/main/token-host.js`, or the `.ts` file in a source tree. */
  readonly entry: string
  readonly role:
    | { readonly kind: 'module'; readonly path: string }
    | { readonly kind: 'software'; readonly folder: string }
    | { readonly kind: 'device-log'; readonly connector: string }
    | { readonly kind: 'hsm'; readonly connector: string }
  /** The whole environment of the process. */
  readonly environment: Readonly<Record<string, string>>
}

type Call<O extends HostOperation = HostOperation> = {
  readonly id: number
  readonly op: O
  readonly deadlineMs: number
  readonly listener: CallListener
  readonly settle: (result: Result<HostAnswer<O>, TokenFailure>) => void
}

export type CallListener = {
  readonly onStart?: (id: number) => void
  readonly onSignal?: (signal: 'touch' | 'login') => void
  /** From here on the token may hold a key that it did not hold before. */
  readonly onGenerating?: () => void
  readonly onSignature?: (index: number, signature: Uint8Array) => void
}

type Body<O extends HostOperation> = Omit<Extract<HostRequest, { op: O }>, 'id' | 'op'>

/**
 * One token process and its channel. A call that is over its deadline, a message that breaks the contract and an end of any kind
 * settle every waiter once; after that the object is dead for good, and its owner makes a new one.
 */
export class HostProcess {
  readonly #child: ChildProcess
  readonly #log: Log
  readonly #pinPipe: NodeJS.WritableStream | null
  readonly #onEnd: () => void
  #death: TokenFailure | null = null
  #nextId = 1
  #current: Call | null = null
  #timer: NodeJS.Timeout | null = null
  #last: Promise<unknown>
  #settleReady: ((result: Result<null, TokenFailure>) => void) | null = null
  #onPurpose = false
  #ended: string | null = null
  #drained = false

  constructor(command: HostCommand, readyDeadlineMs: number, log: Log, onEnd: () => void) {
    this.#log = log
    this.#onEnd = onEnd
    this.#child = fork(command.entry, [command.role.kind, argumentOf(command.role)], {
      execPath: command.node,
      execArgv: [],
      env: { ...command.environment },
      // Nobody else can write there: yubihsm_pkcs11 would read a configuration from the current directory.
      cwd: '/',
      serialization: 'advanced',
      // What a module prints is thrown away: with debugging on, vendors print protocol bytes and PINs.
      stdio: ['pipe', 'ignore', 'ignore', 'ipc', 'pipe'],
    })
    const pipe = this.#child.stdio[descriptors.pinPipe]
    this.#pinPipe = pipe !== null && pipe !== undefined && 'write' in pipe ? pipe : null
    // Broken pipes are the other face of an ended process, which is told by `exit`.
    this.#pinPipe?.on('error', () => {})
    this.#child.stdin?.on('error', () => {})
    this.#child.on('error', (error) =>
      this.#die(tokenFailure('module-crashed', `the token process cannot be used: ${error.message}`)),
    )
    this.#child.on('message', (message) => this.#receive(message))
    // Signatures that were sent before a crash are still in the channel when `exit` comes; `disconnect` comes after them.
    this.#child.on('disconnect', () => this.#gone('drained'))
    this.#child.on('exit', (code, signal) => this.#gone(signal ?? `exit code ${code ?? 'unknown'}`))
    this.#last = new Promise((resolve) => {
      this.#settleReady = resolve
      this.#arm(readyDeadlineMs, 'while it was started')
    })
  }

  get dead(): boolean {
    return this.#death !== null
  }

  /** Why it ended; null while it lives. */
  get death(): TokenFailure | null {
    return this.#death
  }

  /** Ended by its owner, not by a failure. */
  get endedOnPurpose(): boolean {
    return this.#onPurpose
  }

  get busy(): boolean {
    return this.#current !== null
  }

  /**
   * Asks one thing; calls wait for each other, and the deadline runs from the moment at which this one is sent. For `sign` it
   * starts anew with each signature.
   */
  call<O extends HostOperation>(
    op: O,
    body: Body<O>,
    deadlineMs: number,
    listener: CallListener = {},
    pin: Secret | null = null,
  ): Promise<Result<HostAnswer<O>, TokenFailure>> {
    const turn = this.#last.then(() => this.#start(op, body, deadlineMs, listener, pin))
    this.#last = turn
    return turn
  }

  /** Asks a running batch to stop between two signatures. */
  cancel(id: number): void {
    if (this.#death === null && this.#child.connected)
      this.#child.send({ op: 'cancel', id } satisfies HostRequest, () => {})
  }

  /** Ends the process at once. Whoever waits for it gets `reason`. */
  kill(reason: TokenFailure): void {
    if (this.#death === null) this.#onPurpose = true
    this.#die(reason)
  }

  async #start<O extends HostOperation>(
    op: O,
    body: Body<O>,
    deadlineMs: number,
    listener: CallListener,
    pin: Secret | null,
  ): Promise<Result<HostAnswer<O>, TokenFailure>> {
    if (this.#death !== null) return err(this.#death)
    if (pin !== null) await this.#sendPin(pin)
    // The process may have ended while the PIN was written.
    const death = this.#death as TokenFailure | null
    if (death !== null) return err(death)
    const id = this.#nextId
    this.#nextId += 1
    return new Promise((settle) => {
      // One call is open at a time, and `#receive` parses its answer with the schema of its own operation.
      this.#current = { id, op, deadlineMs, listener, settle } as unknown as Call
      this.#arm(deadlineMs, `in ${op}`)
      listener.onStart?.(id)
      this.#child.send({ ...body, op, id }, () => {})
    })
  }

  /** The buffer itself goes into the pipe, with no copy on the way, and is zeroed as soon as the kernel has it. */
  #sendPin(pin: Secret): Promise<void> {
    const bytes = pin.reveal()
    return new Promise((resolve) => {
      const done = () => {
        pin.wipe()
        resolve()
      }
      if (this.#pinPipe === null || !this.#pinPipe.writable) done()
      else this.#pinPipe.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), done)
    })
  }

  #receive(raw: unknown): void {
    if (this.#death !== null) return
    const parsed = hostMessage.safeParse(raw)
    if (!parsed.success) {
      this.#die(tokenFailure('module-crashed', 'the token process broke the protocol'))
      return
    }
    const message = parsed.data
    switch (message.kind) {
      case 'ready':
        this.#disarm()
        this.#settleReady?.(ok(null))
        this.#settleReady = null
        return
      case 'unusable':
        this.#die(fromHost(message.error))
        return
      case 'defect':
        this.#log('token.host-defect', { text: message.text })
        this.#die(tokenFailure('module-crashed', 'a defect in the token process'))
        return
      case 'signal':
      case 'signature':
      case 'done':
      case 'failed':
        this.#deliver(message)
    }
  }

  #deliver(message: Exclude<HostMessage, { kind: 'ready' | 'unusable' | 'defect' }>): void {
    const call = this.#current
    if (call === null || call.id !== message.id) {
      this.#die(tokenFailure('module-crashed', 'the token process answered what was not asked'))
      return
    }
    switch (message.kind) {
      case 'signal':
        if (message.signal === 'generating') call.listener.onGenerating?.()
        else call.listener.onSignal?.(message.signal)
        return
      case 'signature':
        this.#arm(call.deadlineMs, 'in sign')
        call.listener.onSignature?.(message.index, message.signature)
        return
      case 'failed':
        this.#finish(call, err(fromHost(message.error)), message.calls)
        return
      case 'done': {
        const value = hostAnswers[call.op].safeParse(message.value)
        if (value.success) this.#finish(call, ok(value.data), message.calls)
        else this.#die(tokenFailure('module-crashed', `the token process broke the protocol in ${call.op}`))
      }
    }
  }

  #finish(call: Call, result: Result<HostAnswer<HostOperation>, TokenFailure>, calls: number): void {
    this.#disarm()
    this.#current = null
    this.#log('token.call', {
      op: call.op,
      calls,
      ...(result.ok ? {} : { code: result.error.code, detail: result.error.detail }),
    })
    call.settle(result)
  }

  #arm(deadlineMs: number, when: string): void {
    this.#disarm()
    this.#timer = setTimeout(
      () => this.#die(tokenFailure('module-timeout', `no answer for ${deadlineMs} ms ${when}`)),
      deadlineMs,
    )
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #gone(how: string): void {
    if (how === 'drained') this.#drained = true
    else this.#ended = how
    if (this.#drained && this.#ended !== null) this.#die(tokenFailure('module-crashed', this.#ended))
    // A process that only closed its channel is of no use, and may hang.
    else if (this.#drained) this.#child.kill('SIGKILL')
  }

  #die(reason: TokenFailure): void {
    if (this.#death !== null) return
    this.#death = reason
    this.#disarm()
    this.#child.kill('SIGKILL')
    this.#log('token.host-ended', this.#onPurpose ? { onPurpose: true } : { code: reason.code, detail: reason.detail })
    const call = this.#current
    this.#current = null
    this.#settleReady?.(err(reason))
    this.#settleReady = null
    call?.settle(err(reason))
    this.#onEnd()
  }
}

function argumentOf(role: HostCommand['role']): string {
  switch (role.kind) {
    case 'module':
      return role.path
    case 'software':
      return role.folder
    case 'device-log':
    case 'hsm':
      return role.connector
  }
}
