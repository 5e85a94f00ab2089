import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import type { Checkpointer, CheckpointFailure, WrittenCheckpoint } from './checkpointer.ts'

/** Has checkpoints written while the station works, and never makes anyone who signs wait for one. */
export interface CheckpointKeeper {
  /** Entries came: they are signed for soon, all that came meanwhile at once, beside whatever runs. */
  soon(): void
  /** Signs what the log holds now. */
  now(): Promise<Result<WrittenCheckpoint, CheckpointFailure>>
  state(): CheckpointState
  /** Signs for what is not signed for yet, waits a little for the copies, then writes no more. */
  stop(): Promise<void>
  /** Writes no more, at once: the log was found not to be whole. */
  end(): void
}

export interface CheckpointState {
  readonly size: number
  readonly at: string | null
  /** Why the last one was not signed, or is not in all its places. */
  readonly warnings: readonly Failure[]
}

export interface KeeperParts {
  readonly checkpointer: Checkpointer
  /** The last checkpoint that the log has when the keeper begins. */
  readonly last: { readonly size: number; readonly at: string } | null
  /** Calls `then` after so many milliseconds; gives what takes it back. */
  readonly after: (ms: number, then: () => void) => () => void
  readonly now: () => Date
  readonly onChange: () => void
  readonly onDefect: (error: unknown) => void
  /** What is in the log contradicts what was signed for it: nothing more may be added. */
  readonly onContradiction: (failure: CheckpointFailure) => void
}

/** So that the entries of one act are one checkpoint. */
const first = 500
/** A checkpoint is one more write to the disk that the signing run waits for too: seldom enough not to be felt in a batch. */
const gap = 2_000
/** A key that did not sign is asked again without an entry: a service key is put back, a process comes up. */
const again = 30_000
/** What the end of the program waits for folders that are being written to. */
const lastCopies = 2_000

export function createCheckpointKeeper(parts: KeeperParts): CheckpointKeeper {
  const { checkpointer } = parts
  let size = parts.last?.size ?? 0
  let at = parts.last?.at ?? null
  let failure: CheckpointFailure | null = null
  /** Entries came that no finished or running call is known to cover. */
  const coming = { wanted: false }
  let running = 0
  let takeBack: (() => void) | null = null
  let stopped = false
  let ended: number | null = null

  async function write(): Promise<Result<WrittenCheckpoint, CheckpointFailure>> {
    takeBack?.()
    takeBack = null
    coming.wanted = false
    running += 1
    step('checkpoint', 'before')
    const written = await checkpointer.write().finally(() => {
      running -= 1
    })
    ended = parts.now().getTime()
    const before = failure
    if (written.ok) {
      ;({ size, at } = written.value)
      failure = null
      step('checkpoint', 'after')
    } else if (written.error.code !== 'log-empty') failure = written.error
    if (written.ok || failure?.code !== before?.code) parts.onChange()
    if (!written.ok && written.error.code === 'checkpoint-contradicted') parts.onContradiction(written.error)
    else if (isWanted()) arm(gap)
    else if (failure !== null) arm(again)
    return written
  }

  /** Set while a write was under way. */
  function isWanted(): boolean {
    return coming.wanted
  }

  function arm(ms: number): void {
    if (stopped || takeBack !== null || running > 0) return
    takeBack = parts.after(ms, () => {
      takeBack = null
      void write().catch(parts.onDefect)
    })
  }

  return {
    soon: () => {
      // The long wait after a failure is cut short.
      if (failure !== null && !coming.wanted) {
        takeBack?.()
        takeBack = null
      }
      coming.wanted = true
      const since = ended === null ? gap : Math.abs(parts.now().getTime() - ended)
      arm(Math.max(first, gap - since))
    },
    now: write,
    state: () => ({
      size,
      at,
      warnings: [
        ...(failure === null ? [] : [{ kind: failure.kind, code: failure.code, message: failure.message }]),
        ...checkpointer
          .warnings()
          .map(
            ({ code, reason }): Failure =>
              code === 'contradicts'
                ? { kind: 'invalid', code: 'checkpoint-contradicts', message: reason }
                : { kind: 'unavailable', code: `copy-${code}`, message: reason },
          ),
      ],
    }),
    stop: async () => {
      if (stopped) return
      stopped = true
      if (coming.wanted || running > 0) await write()
      takeBack?.()
      takeBack = null
      await new Promise<void>((resolve, reject) => {
        const takeBackWait = parts.after(lastCopies, resolve)
        checkpointer.copied().then(resolve, reject).finally(takeBackWait)
      })
    },
    end: () => {
      stopped = true
      coming.wanted = false
      takeBack?.()
      takeBack = null
      checkpointer.end()
    },
  }
}
