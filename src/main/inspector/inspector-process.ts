import { spawn } from 'node:child_process'
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import type { Failure } from '../../shared/failure.ts'
import type { InputFacts } from '../../shared/input-facts.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Log } from '../log/logger.ts'
import { type Confinement, confinedCommand, probeConfinement } from './confinement.ts'
import type { InspectionFailureCode, Inspector } from './inspector.ts'
import { type InspectedAs, maxAnswerBytes, parseAnswer } from './protocol.ts'

export interface InspectorOptions {
  /** The plain Node that is shipped with the station. */
  readonly nodePath: string
  /** See `entryUrl('inspector', …)`. */
  readonly entry: URL
  readonly log: Log
  /** The process is killed after this. Default one minute: half a gigabyte takes a few seconds. */
  readonly timeLimitMs?: number
  /** How many processes at once. Default 2. */
  readonly concurrency?: number
  readonly confinement?: Confinement
}

type Inspection = Result<InputFacts, Failure<InspectionFailureCode>>
type Ending =
  | { readonly kind: 'exited'; readonly status: number | null }
  | { readonly kind: 'killed'; readonly why: 'timeout' | 'cancelled' | 'talkative' }
  | { readonly kind: 'not-started'; readonly detail: string }

const maxStderr = 8 * 1024

/** Starts a process for each file, gives it the open file and nothing else, and believes its answer only so far as its shape can be checked. */
export class InspectorProcess implements Inspector {
  readonly #options: Required<InspectorOptions>
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: InspectorOptions) {
    this.#options = {
      timeLimitMs: 60_000,
      concurrency: 2,
      confinement: options.confinement ?? probeConfinement(),
      ...options,
    }
    options.log('inspector.confinement', { ...this.#options.confinement })
  }

  async inspect(file: Parameters<Inspector['inspect']>[0], signal: AbortSignal): Promise<Inspection> {
    await this.#enter()
    try {
      return signal.aborted ? cancelled() : await this.#inspectNow(file, signal)
    } finally {
      this.#leave()
    }
  }

  async #inspectNow(
    { path, before, as = 'image' }: Parameters<Inspector['inspect']>[0],
    signal: AbortSignal,
  ): Promise<Inspection> {
    const fds: number[] = []
    try {
      for (const each of before === undefined ? [path] : [path, before]) {
        // O_NONBLOCK: a FIFO in the file's place must not hold the program.
        const fd = openSync(each, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
        fds.push(fd)
        if (!fstatSync(fd).isFile())
          return fail('invalid', 'file-unreadable', 'The file to be inspected is not a regular file.')
      }
      return await this.#run(fds, as, signal)
    } catch (error) {
      return fail(
        'unavailable',
        'file-unreadable',
        'The file could not be opened for inspection. Check the disk and try again.',
        error instanceof Error ? error.message : String(error),
      )
    } finally {
      for (const fd of fds) closeSync(fd)
    }
  }

  async #run(fds: readonly number[], as: InspectedAs, signal: AbortSignal): Promise<Inspection> {
    const { nodePath, entry, confinement } = this.#options
    const [command, ...args] = confinedCommand(nodePath, entry, confinement, as)
    const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe']
    // `inspectedDescriptor`, then `comparedDescriptor`.
    stdio.push(...fds)
    const child = spawn(command, args, { cwd: '/', env: {}, stdio })
    const answer: Buffer[] = []
    let answerBytes = 0
    let complaint = ''
    const ending = await new Promise<Ending>((resolve) => {
      let killed: Ending | null = null
      const kill = (why: 'timeout' | 'cancelled' | 'talkative') => {
        killed ??= { kind: 'killed', why }
        child.kill('SIGKILL')
      }
      const timer = setTimeout(() => kill('timeout'), this.#options.timeLimitMs)
      const abort = () => kill('cancelled')
      const finish = (ending: Ending) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        resolve(killed ?? ending)
      }
      signal.addEventListener('abort', abort)
      child.stdout?.on('data', (chunk: Buffer) => {
        answerBytes += chunk.length
        if (answerBytes > maxAnswerBytes) kill('talkative')
        else answer.push(chunk)
      })
      child.stderr?.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString('latin1')).slice(-maxStderr)
      })
      child.on('error', (error) => finish({ kind: 'not-started', detail: error.message }))
      child.on('close', (status) => finish({ kind: 'exited', status }))
    })
    return this.#judge(ending, Buffer.concat(answer), complaint)
  }

  #judge(ending: Ending, answer: Buffer, complaint: string): Inspection {
    if (ending.kind === 'not-started')
      return fail(
        'unavailable',
        'inspection-crashed',
        'The inspector could not be started; the file was not looked into.',
        ending.detail,
      )
    if (ending.kind === 'killed') {
      this.#options.log('inspector.killed', { why: ending.why })
      if (ending.why === 'cancelled') return cancelled()
      if (ending.why === 'timeout')
        return fail(
          'unavailable',
          'inspection-timeout',
          'Looking into the file took too long and was stopped. Nothing is known about the file.',
        )
      return crashed('the answer is too long')
    }
    if (ending.status !== 0) {
      this.#options.log('inspector.died', { status: ending.status, complaint })
      return outOfMemory.test(complaint)
        ? fail(
            'unavailable',
            'inspection-memory',
            'Looking into the file took more memory than is allowed. Nothing is known about the file.',
          )
        : crashed(complaint.trim().slice(0, 500))
    }
    const parsed = parseAnswer(answer.toString('utf8'))
    if (parsed === null) return crashed('the answer does not have the agreed form')
    return parsed.kind === 'facts'
      ? ok(parsed.facts)
      : fail(
          'unavailable',
          'file-unreadable',
          'The file could not be read while it was being inspected.',
          parsed.detail,
        )
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#options.concurrency) {
      this.#running++
      return
    }
    // Whoever leaves hands its place over, so the count stays as it is.
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

/** What V8, Node and the C library say when a limit is reached. */
const outOfMemory = /out of memory|allocation failed|cannot allocate memory|ERR_MEMORY_ALLOCATION_FAILED|bad_alloc/i

function crashed(detail: string): Inspection {
  return fail(
    'defect',
    'inspection-crashed',
    'The inspector stopped without a usable answer. Nothing is known about the file; it cannot be approved.',
    detail,
  )
}

function cancelled(): Inspection {
  return fail('unavailable', 'inspection-cancelled', 'Looking into the file was cancelled.')
}

function fail(kind: Failure['kind'], code: InspectionFailureCode, message: string, detail?: string): Inspection {
  return err(detail === undefined ? { kind, code, message } : { kind, code, message, detail })
}
