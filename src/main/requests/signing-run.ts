import type { Failure } from '../../shared/failure.ts'
import type { Intended } from './signing-batch.ts'
import {
  type Answered,
  askToken,
  commit,
  createPace,
  noFiles,
  type PreparedFiles,
  prepareFiles,
  type Settled,
  type SigningWork,
} from './signing-stages.ts'
import type { FileToSign } from './use-of-key.ts'

/** How a run ends. `lost`: the token was asked and its answer did not arrive; those intents stay open until a person closes them. */
export type RunEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'stopped'; readonly failure: Failure }
  | { readonly kind: 'lost'; readonly failure: Failure }

export interface SigningRun extends Omit<SigningWork, 'breathe'> {
  readonly files: readonly FileToSign[]
  /** A file needs the output of the one before it: none is prepared ahead. */
  readonly oneAfterAnother?: boolean
  readonly signal: AbortSignal
  readonly onProgress: (signed: number) => void
}

/** A batch takes no longer than this at the token, so that "cancel" is felt and few intents are ever open. */
const batchMs = 60
const largestBatch = 32
/** From one file to the largest batch in few steps, where the token is that fast. */
const growth = 8

/**
 * Signs the files of one approval, in order. Three stages overlap: while the token signs one batch, the next lies ready with its
 * intents on disk, and the one after it is read and hashed. The token is never asked for a file whose intent is not on disk
 * (invariant I1), and is asked once for each. Batches begin with one file and grow while the token is fast; a token that wants
 * a touch gets one file at a time.
 */
export async function runSigning(wanted: SigningRun): Promise<RunEnd> {
  const run = { ...wanted, breathe: createPace() }
  const waiting = [...run.files]
  let size = 1
  let lastEach = Number.POSITIVE_INFINITY
  let signed = 0
  let ended: RunEnd | null = null

  /** Writes what came back and what goes next. A log that cannot be written ends the run, and nothing is released. */
  async function write(outcomes: readonly Settled[], next: PreparedFiles): Promise<readonly Intended[]> {
    if (outcomes.length === 0 && next.files.length === 0 && next.refusal === null) return []
    const written = await commit(run, { outcomes, begin: next.files, refusal: next.refusal })
    if (next.refusal !== null) ended ??= { kind: 'stopped', failure: next.refusal.failure }
    if (written.ok) {
      signed += outcomes.filter(({ outcome }) => outcome.kind === 'signed').length
      return written.value
    }
    // Signatures that exist and could not be recorded stay open intents: an incident. Files that were not begun are only stopped.
    if (ended?.kind !== 'lost') ended = { kind: outcomes.length > 0 ? 'lost' : 'stopped', failure: written.error }
    return []
  }
  const mayBegin = () => ended === null && !run.signal.aborted

  const first = await write([], await prepareFiles(run, waiting.splice(0, size)))
  let atToken = first.length > 0 ? askToken(run, first) : null
  const mayBeginAhead = () => run.oneAfterAnother !== true && mayBegin()
  let ready = mayBeginAhead() ? await write([], await prepareFiles(run, waiting.splice(0, size))) : []

  while (atToken !== null) {
    let next = mayBeginAhead() ? await prepareFiles(run, waiting.splice(0, size)) : noFiles
    const answered: Answered = await atToken
    const each = answered.tookMs / answered.batch.length
    // The better of the last two: what main did meanwhile is in it too, and a token that became slow is slow twice.
    size = nextSize(size, Math.min(each, lastEach))
    lastEach = each
    const goOn = answered.failure === null && mayBegin()
    atToken = goOn && ready.length > 0 ? askToken(run, ready) : null
    const notAsked = atToken === null ? ready : []
    // Begun is only what will be asked for: the next batch lies ready behind one that is at the token.
    if (atToken === null && next.files.length > 0) {
      waiting.unshift(...next.files.map(({ target }) => target))
      next = { files: [], refusal: next.refusal }
    }
    const lost = answered.outcomes.includes(null)
    if (answered.failure !== null && (ended === null || lost))
      ended = { kind: lost ? 'lost' : 'stopped', failure: answered.failure }
    ready = await write([...settledOf(answered), ...notAsked.map(withdrawn)], next)
    run.onProgress(signed)
    if (run.oneAfterAnother === true && atToken === null && mayBegin()) {
      const begun = await write([], await prepareFiles(run, waiting.splice(0, 1)))
      if (begun.length > 0) atToken = askToken(run, begun)
    }
    const left = notAsked.length + waiting.length
    // A stop that comes when the last file is at the token finds nothing left to stop.
    if (atToken === null && ended === null && left > 0) ended = { kind: 'stopped', failure: cancelled }
  }
  return ended ?? { kind: 'finished' }
}

/** `each`: milliseconds for one signature. */
function nextSize(size: number, each: number): number {
  if (each > batchMs / 2) return 1
  return Math.max(1, Math.min(largestBatch, size * growth, Math.floor(batchMs / Math.max(each, 0.1))))
}

function settledOf({ batch, outcomes }: Answered): readonly Settled[] {
  return batch.flatMap(({ target, intentSeq }, index): Settled[] => {
    const outcome = outcomes[index] ?? null
    return outcome === null ? [] : [{ target, intentSeq, outcome }]
  })
}

/** An intent that was written ahead and never sent. */
function withdrawn({ target, intentSeq }: Intended): Settled {
  return { target, intentSeq, outcome: { kind: 'withdrawn', failure: cancelled } }
}

export const cancelled: Failure = {
  kind: 'unavailable',
  code: 'cancelled',
  message:
    'Signing was stopped between two files. What is signed is kept. Continue with the PIN, or stop here and return what is signed.',
}
