import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '../log/logger.ts'
import { type MediaAnswer, type MediaJob, maxMediaLine, mediaAnswers } from './protocol.ts'

export interface MediaProcess {
  /** The plain Node that is shipped with the station. */
  readonly node: string
  /** See `entryUrl('media', …)`. */
  readonly entry: URL
  readonly log: Log
}

export type After = (ms: number, then: () => void) => () => void

/** `silent`: no answer came in time, and the process was killed. `failed` with `EPROC`: it ended by itself. */
export type FolderAnswer<O extends MediaJob['op']> =
  | MediaAnswer<O>
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly code: string }

/** One process for one folder, started when it is needed and ended when nothing came for a while. */
export interface FolderProcess {
  /** One at a time. */
  ask<J extends MediaJob>(job: J): Promise<FolderAnswer<J['op']>>
  close(): void
}

/** A medium that hangs longer is given up: the process is killed. Disks spin up, and slow media sync, within it. */
const deadline = 20_000
/** Checkpoints come seconds apart while work is done; a process in between costs nothing but its memory. */
const idle = 30_000

/** What the process may touch: its own code, and the folder. `place` looks at links on the way to it, and writes nothing. */
export type FolderRights = 'folder' | 'place'

export function createFolderProcess(
  folder: string,
  rights: FolderRights,
  { node, entry, log }: MediaProcess,
  after: After,
): FolderProcess {
  let child: ChildProcessWithoutNullStreams | null = null
  /** Killed, and held in the kernel by its medium: nothing more is asked, so that there is one such process for each folder. */
  let dying = false
  let pending: { readonly op: MediaJob['op']; readonly settle: (answer: FolderAnswer<MediaJob['op']>) => void } | null =
    null
  let endIdle: () => void = () => {}
  let closed = false

  function args(): readonly string[] {
    const code = `${dirname(fileURLToPath(entry))}/*`
    const files =
      rights === 'place'
        ? ['--allow-fs-read=*']
        : [
            `--allow-fs-read=${code}`,
            `--allow-fs-read=${folder}`,
            `--allow-fs-read=${folder}/*`,
            `--allow-fs-write=${folder}/*`,
          ]
    return ['--permission', ...files, '--no-addons', '--max-old-space-size=64', fileURLToPath(entry), folder]
  }

  function start(): ChildProcessWithoutNullStreams {
    const started = spawn(node, args(), { cwd: '/', env: {}, stdio: 'pipe' })
    let rest = ''
    let complaint = ''
    started.stdin.on('error', () => {})
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4000)
    })
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > maxMediaLine) started.kill('SIGKILL')
      for (const line of lines) heard(line)
    })
    let over = false
    const ended = (status: number | null, error?: Error) => {
      if (over) return
      over = true
      if (child === started) child = null
      const wasKilled = dying
      dying = false
      if (pending === null && status === 0) return
      if (!wasKilled && !closed) log('media.process-died', { folder, status, complaint, error })
      pending?.settle({ kind: 'failed', code: 'EPROC' })
    }
    started.on('error', (error) => ended(null, error))
    started.on('exit', (status) => ended(status))
    // Nothing waits for it but who asked.
    started.unref()
    return started
  }

  function heard(line: string): void {
    if (pending === null) return
    const parsed = mediaAnswers[pending.op].safeParse(parse(line))
    if (parsed.success) pending.settle(parsed.data)
    else child?.kill('SIGKILL')
  }

  return {
    ask: <J extends MediaJob>(job: J) =>
      new Promise<FolderAnswer<J['op']>>((resolve) => {
        if (dying) return resolve({ kind: 'silent' })
        endIdle()
        child ??= start()
        const asked = child
        const takeBack = after(deadline, () => {
          dying = child === asked
          asked.kill('SIGKILL')
          log('media.silent', { folder, op: job.op })
          pending?.settle({ kind: 'silent' })
        })
        pending = {
          op: job.op,
          settle: (answer) => {
            pending = null
            takeBack()
            endIdle = after(idle, () => child?.stdin.end())
            // The answer was parsed by the schema of its own operation.
            resolve(answer as FolderAnswer<J['op']>)
          },
        }
        asked.stdin.write(`${JSON.stringify(job)}\n`)
      }),
    close: () => {
      closed = true
      endIdle()
      child?.kill('SIGKILL')
    },
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
