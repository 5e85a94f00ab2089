import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Log } from '../log/logger.ts'
import { maxReadLine, type ReadAnswer, type ReadJob, readAnswers, readMessage } from './protocol.ts'

export interface LogReaderOptions {
  /** The plain Node that is shipped with the station. */
  readonly node: string
  /** See `entryUrl('log-reader', …)`. */
  readonly entry: URL
  /** The only folder that the process may write in. */
  readonly folder: string
  readonly log: Log
}

export type ReadFailure = Failure<'cancelled' | 'reader-died' | 'log-unreadable'>

/**
 * Has logs read in a process of its own: a log is long, was perhaps written by an attacker, and is parsed by a second copy of SQLite
 * that must not share a process with the first (sqlite.org/howtocorrupt.html §2.2.1). The process may read files and write in
 * one folder; it starts no process, loads no addon, has no key and an empty environment.
 */
export class LogReader {
  readonly #options: LogReaderOptions

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  async run<J extends ReadJob>(
    job: J,
    signal: AbortSignal,
    onProgress: (done: number, total: number | null, unit: 'entries' | 'bytes') => void,
  ): Promise<Result<Exclude<ReadAnswer<J['op']>, { kind: 'unreadable' }>, ReadFailure>> {
    if (signal.aborted) return err(cancelled)
    const { node, entry, folder, log } = this.#options
    const args = [
      '--permission',
      '--allow-fs-read=*',
      `--allow-fs-write=${folder}/*`,
      '--max-old-space-size=512',
      '--disallow-code-generation-from-strings',
      '--no-addons',
      fileURLToPath(entry),
    ]
    const child = spawn(node, args, { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
    const heard: { answer: unknown; rest: string; broken: boolean; complaint: string; stopped: boolean } = {
      answer: undefined,
      rest: '',
      broken: false,
      complaint: '',
      stopped: false,
    }
    const kill = () => void child.kill('SIGKILL')
    const stop = () => {
      heard.stopped = true
      kill()
    }
    signal.addEventListener('abort', stop, { once: true })
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(job))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (heard.rest + text).split('\n')
      heard.rest = lines.pop() ?? ''
      if (heard.rest.length > maxReadLine) heard.broken = true
      for (const line of lines) {
        const message = readMessage.safeParse(parse(line))
        if (!message.success) heard.broken = true
        else if (message.data.kind === 'done') heard.answer = message.data.answer
        else if (!signal.aborted) onProgress(message.data.done, message.data.total, message.data.unit)
      }
      if (heard.broken) kill()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      heard.complaint = (heard.complaint + text).slice(-4000)
    })
    const status = await new Promise<number | null>((resolve) => {
      child.on('error', () => resolve(null))
      child.on('close', resolve)
    })
    signal.removeEventListener('abort', stop)
    if (heard.stopped) return err(cancelled)
    const parsed = readAnswers[job.op].safeParse(heard.answer)
    if (status !== 0 || heard.broken || !parsed.success) {
      log('log-review.reader-died', { op: job.op, status, broken: heard.broken, complaint: heard.complaint })
      return err(died)
    }
    const value = parsed.data as ReadAnswer<J['op']> // the schema of its own operation
    if (value.kind === 'unreadable')
      return err({
        kind: 'invalid',
        code: 'log-unreadable',
        message: `${value.sentence} ${job.op === 'open' ? 'Nothing was opened.' : 'No verdict was given.'}`,
      })
    return ok(value as Exclude<ReadAnswer<J['op']>, { kind: 'unreadable' }>)
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const cancelled: ReadFailure = {
  kind: 'refused',
  code: 'cancelled',
  message: 'Stopped. Nothing was found out, and nothing was changed.',
}
const died: ReadFailure = {
  kind: 'defect',
  code: 'reader-died',
  message:
    'The process that reads logs ended without an answer: the log may be made to harm its reader, or memory or disk are short. Nothing was changed. Try signing-station-verify on another machine.',
}
