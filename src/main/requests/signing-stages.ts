import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { ok, type Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import type { Log } from '../log/logger.ts'
import type { Prepared, Signer, SigningCertificate, SpooledFile } from '../signing/signer.ts'
import type { SigningSession, TokenFailure } from '../token/token-service.ts'
import { type BatchContext, type Intended, type Outcome, writeIntents, writeOutcomes } from './signing-batch.ts'
import { formOf } from './signing-form.ts'
import type { FileToSign } from './use-of-key.ts'

/** What the stages of a run share. */
export interface SigningWork {
  readonly db: Kysely<Database>
  readonly log: Log
  readonly context: BatchContext
  readonly session: SigningSession
  readonly signer: Signer
  readonly certificate: SigningCertificate
  /** Of the keys after the first, where they have signed and the first completes. */
  readonly further?: readonly SigningCertificate[]
  readonly pathOf: (ordinal: number) => string
  /** Lets the window be drawn and messages come in, now and then. */
  readonly breathe: () => Promise<void> | undefined
}

export interface PreparedFile {
  readonly target: FileToSign
  readonly prepared: Prepared
}

/** A file that is not what was approved: nothing more is begun. */
export interface Refusal {
  readonly target: FileToSign
  readonly failure: Failure
}

export interface PreparedFiles {
  readonly files: readonly PreparedFile[]
  readonly refusal: Refusal | null
}
export const noFiles: PreparedFiles = { files: [], refusal: null }

/** Reads and hashes the files anew, and prepares what the key will sign. */
export async function prepareFiles(work: SigningWork, targets: readonly FileToSign[]): Promise<PreparedFiles> {
  const files: PreparedFile[] = []
  for (const target of targets) {
    const file = await spooled(work, target)
    const made = file.ok ? await work.signer.prepare(file.value, work.certificate, work.context.now()) : file
    if (!made.ok) return { files: [], refusal: { target, failure: made.error } }
    files.push({ target, prepared: made.value })
    await work.breathe()
  }
  return { files, refusal: null }
}

export interface Settled {
  readonly target: FileToSign
  readonly intentSeq: Intended['intentSeq']
  readonly outcome: Outcome
}

export interface Commit {
  /** What became of earlier intents. */
  readonly outcomes: readonly Settled[]
  /** Files whose intents are written now, for the token to be asked about later. */
  readonly begin: readonly PreparedFile[]
  /** A refused file is an event for the log: an intent that failed before the token was asked. */
  readonly refusal: Refusal | null
}

/**
 * One transaction, synced before it returns: the outcomes of the batch that came back and the intents of the one that goes next.
 * Half as many syncs as one for each, and the order is the same: no intent is younger than its use, no outcome older.
 */
export async function commit(
  work: SigningWork,
  { outcomes, begin, refusal }: Commit,
): Promise<Result<readonly Intended[], Failure>> {
  if (outcomes.length > 0) step('outcome', 'before')
  if (begin.length > 0) step('intent', 'before')
  const written = await writeTransaction(work.db, async (trx) => {
    if (outcomes.length > 0) await writeOutcomes(trx, work.context, outcomes)
    if (refusal !== null) {
      const [intentSeq] = await writeIntents(trx, work.context, [refusal.target])
      if (intentSeq === undefined) throw new Error('the audit log gave no number')
      const { failure } = refusal
      // A file that could not be read is not one that was changed: it can be signed when it can be read again.
      const outcome: Outcome =
        failure.kind === 'unavailable' ? { kind: 'withdrawn', failure } : { kind: 'failed', failure, mayExist: false }
      await writeOutcomes(trx, work.context, [{ target: refusal.target, intentSeq, outcome }])
    }
    return begin.length === 0
      ? []
      : writeIntents(
          trx,
          work.context,
          begin.map(({ target }) => target),
        )
  })
  if (!written.ok) return written
  if (outcomes.length > 0) step('outcome', 'after')
  if (begin.length > 0) step('intent', 'after')
  const intended = begin.flatMap(({ target, prepared }, index): Intended[] => {
    const intentSeq = written.value[index]
    return intentSeq === undefined ? [] : [{ target, prepared, intentSeq }]
  })
  return { ok: true, value: intended }
}

/** What became of each file of a batch that came back; null: the token was asked and nobody knows. */
export interface Answered {
  readonly batch: readonly Intended[]
  readonly outcomes: readonly (Outcome | null)[]
  readonly failure: Failure | null
  readonly tookMs: number
}

/** A batch at the token. Each signature is assembled and verified as it comes, while the token makes the next. */
export function askToken(work: SigningWork, batch: readonly Intended[]): Promise<Answered> {
  step('token', 'before')
  const begun = performance.now()
  const finishing: (Promise<Outcome> | undefined)[] = []
  // One after another: they share the digester, and main has other work.
  let last: Promise<unknown> = Promise.resolve()
  const finishNext = (index: number, signature: Uint8Array): void => {
    const intended = batch[index]
    if (intended === undefined || finishing[index] !== undefined) return
    const finished = last.then(() => finish(work, intended, signature))
    finishing[index] = finished
    last = finished
  }
  return work.session
    .signMany(
      batch.map((each) => each.prepared.request),
      (index, outcome) => {
        if (outcome.ok) finishNext(index, outcome.value)
      },
    )
    .then(async (results) => {
      const tookMs = performance.now() - begun
      step('token', 'after')
      for (const [index, result] of results.entries()) if (result.ok) finishNext(index, result.value)
      return settle(
        batch,
        results,
        await Promise.all(batch.map((_, index) => finishing[index] ?? Promise.resolve(null))),
        tookMs,
      )
    })
}

/** The token was asked and may have signed; nobody knows. */
const answerLost: ReadonlySet<TokenFailure['code']> = new Set(['module-crashed', 'module-timeout', 'token-removed'])

function settle(
  batch: readonly Intended[],
  results: readonly Result<Uint8Array, TokenFailure>[],
  finished: readonly (Outcome | null)[],
  tookMs: number,
): Answered {
  let failure: Failure | null = null
  // A token that says no has not been asked for what comes after; one that says nothing may have been.
  let refused: TokenFailure | null = null
  const outcomes = batch.map((_, index): Outcome | null => {
    const result = results[index]
    if (result === undefined) {
      failure ??= refused ?? noAnswer
      return refused === null ? null : { kind: 'withdrawn', failure: refused }
    }
    if (result.ok) {
      const outcome = finished[index] ?? null
      if (outcome !== null && outcome.kind !== 'signed') failure ??= outcome.failure
      return outcome
    }
    failure ??= result.error
    if (answerLost.has(result.error.code)) return null
    refused = result.error
    return refusedByToken(result.error)
  })
  return { batch, outcomes, failure, tookMs }
}

async function finish(work: SigningWork, { target, prepared }: Intended, signature: Uint8Array): Promise<Outcome> {
  step('assemble', 'before')
  const output = prepared.assemble(signature)
  step('verify', 'before')
  const file = await spooled(work, target)
  const verified = file.ok ? await work.signer.verify(file.value, output, work.certificate) : file
  step('verify', 'after')
  await work.breathe()
  return verified.ok
    ? { kind: 'signed', output, signature }
    : { kind: 'failed', failure: verified.error, mayExist: true }
}

function refusedByToken(error: TokenFailure): Outcome {
  // A wrong signature was made with the key, even if it is worth nothing. Every other answer means: nothing was signed.
  return error.code === 'signature-wrong'
    ? { kind: 'failed', failure: error, mayExist: true }
    : { kind: 'withdrawn', failure: error }
}

const noAnswer: Failure = {
  kind: 'unavailable',
  code: 'token-no-answer',
  message: 'The token did not answer for every file. Whether it signed is not known.',
}

async function spooled(work: SigningWork, target: FileToSign): Promise<Result<SpooledFile, Failure>> {
  const form = await formOf(work.db, work.context.sheet, target, work.further ?? [])
  if (!form.ok) return form
  const { file } = target
  return ok({
    path: work.pathOf(file.ordinal),
    size: file.size,
    sha256: file.sha256,
    toBeSigned: file.toBeSigned.digest,
    ...(form.value == null ? {} : { form: form.value }),
  })
}

/**
 * Small files are hashed and verified without waiting for anything: without a pause, a batch of them would hold the window up. A pause
 * for each file would cost as much as hashing it.
 */
export function createPace(): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < turnMs) return undefined
    return setImmediate().then(() => {
      since = performance.now()
    })
  }
}
const turnMs = 8
