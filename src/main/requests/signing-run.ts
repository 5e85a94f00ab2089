import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import type { Log } from '../log/logger.ts'
import type { Prepared, Signer, SigningCertificate, SpooledFile } from '../signing/signer.ts'
import type { SigningSession, TokenFailure } from '../token/token-service.ts'
import { type BatchContext, type Intended, type Outcome, writeIntents, writeOutcomes } from './signing-batch.ts'
import type { FileToSign } from './use-of-key.ts'

/** How a run ends. `lost`: the token was asked and its answer did not arrive; those intents stay open until a person closes them. */
export type RunEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'stopped'; readonly failure: Failure }
  | { readonly kind: 'lost'; readonly openOrdinals: readonly number[]; readonly failure: Failure }

export interface SigningRun {
  readonly db: Kysely<Database>
  readonly log: Log
  readonly context: BatchContext
  readonly files: readonly FileToSign[]
  readonly session: SigningSession
  readonly signer: Signer
  readonly certificate: SigningCertificate
  readonly pathOf: (ordinal: number) => string
  readonly signal: AbortSignal
  readonly onProgress: (signed: number) => void
  readonly requestId: RequestId
}

/** A batch takes no longer than this at the token, so that "cancel" is felt and few intents are ever open. */
const batchMs = 60
const largestBatch = 32

/**
 * Signs the files of one approval, in order. Three stages overlap: while the token signs one batch, the next is read, hashed
 * and its intents are written and synced; while the token has that one, the results of the first are assembled, verified and
 * written. The token is never asked for a file whose intent is not on disk (invariant I1), and is asked once for each.
 * Batches begin with one file and grow while the token is fast; a token that wants a touch gets one file at a time.
 */
export async function runSigning(run: SigningRun): Promise<RunEnd> {
  const waiting = [...run.files]
  let size = 1
  let signed = 0
  let ended: RunEnd | null = null

  let ready = await makeReady(run, waiting.splice(0, size))
  if (ready.failure !== null) ended = { kind: 'stopped', failure: ready.failure }
  let atToken = ready.batch.length > 0 ? ask(run, ready.batch) : null

  while (atToken !== null) {
    const current = atToken
    const goOn = ended === null && !run.signal.aborted
    ready = goOn ? await makeReady(run, waiting.splice(0, size)) : nothing
    if (ready.failure !== null) ended ??= { kind: 'stopped', failure: ready.failure }

    const { results, tookMs } = await current.answer
    size =
      tookMs / current.batch.length < batchMs / 2
        ? Math.min(
            largestBatch,
            size * 2,
            Math.max(1, Math.floor((batchMs * current.batch.length) / Math.max(tookMs, 1))),
          )
        : 1
    const clean = results.length === current.batch.length && results.every((result) => result.ok)

    if (clean && !run.signal.aborted && ready.batch.length > 0) {
      atToken = ask(run, ready.batch)
    } else {
      atToken = null
      const withdrawn = await withdraw(run, ready.batch)
      if (withdrawn !== null) ended = withdrawn
    }

    const left = waiting.length + ready.batch.length
    const recorded = await record(run, current.batch, results)
    signed += recorded.signed
    run.onProgress(signed)
    // What is worse stays: an open intent before a stop, a stop before "finished".
    if (recorded.end !== null && (ended === null || recorded.end.kind === 'lost')) ended = recorded.end
    // A stop that comes when the last file is at the token finds nothing left to stop.
    if (atToken === null && ended === null && left > 0) ended = { kind: 'stopped', failure: cancelled }
  }
  return ended ?? { kind: 'finished' }
}

const cancelled: Failure = {
  kind: 'unavailable',
  code: 'cancelled',
  message:
    'Signing was stopped between two files. What is signed is kept. Continue with the PIN, or stop here and return what is signed.',
}

interface ReadyBatch {
  readonly batch: readonly Intended[]
  readonly failure: Failure | null
}
const nothing: ReadyBatch = { batch: [], failure: null }

/** Reads and hashes the files anew, then writes their intents. A file that is not what was shown stops the run before it. */
async function makeReady(run: SigningRun, targets: readonly FileToSign[]): Promise<ReadyBatch> {
  if (targets.length === 0) return nothing
  const prepared: { readonly target: FileToSign; readonly prepared: Prepared }[] = []
  let failure: Failure | null = null
  for (const target of targets) {
    const made = await run.signer.prepare(spooled(run, target), run.certificate, run.context.now())
    if (!made.ok) {
      failure = made.error
      await recordRefusal(run, target, made.error)
      break
    }
    prepared.push({ target, prepared: made.value })
  }
  if (prepared.length === 0) return { batch: [], failure }

  step('intent', 'before')
  const written = await writeTransaction(run.db, (trx) =>
    writeIntents(
      trx,
      run.context,
      prepared.map(({ target }) => target),
    ),
  )
  if (!written.ok) return { batch: [], failure: written.error }
  step('intent', 'after')
  const batch = prepared.flatMap(({ target, prepared: each }, index): Intended[] => {
    const intentSeq = written.value[index]
    return intentSeq === undefined ? [] : [{ target, prepared: each, intentSeq }]
  })
  return { batch, failure }
}

/** A file that differs from what was approved is itself an event for the log: an intent that was refused before the token was asked. */
async function recordRefusal(run: SigningRun, target: FileToSign, failure: Failure): Promise<void> {
  const written = await writeTransaction(run.db, async (trx) => {
    const [intentSeq] = await writeIntents(trx, run.context, [target])
    if (intentSeq === undefined) throw new Error('the audit log gave no number')
    await writeOutcomes(trx, run.context, [
      { target, intentSeq, outcome: { kind: 'failed', failure, mayExist: false } },
    ])
  })
  if (!written.ok) run.log('signing.refusal-not-recorded', { code: written.error.code, ordinal: target.file.ordinal })
}

interface AtToken {
  readonly batch: readonly Intended[]
  readonly answer: Promise<{ readonly results: readonly Result<Uint8Array, TokenFailure>[]; readonly tookMs: number }>
}

function ask(run: SigningRun, batch: readonly Intended[]): AtToken {
  step('token', 'before')
  const begun = performance.now()
  const answer = run.session
    .signMany(batch.map((each) => each.prepared.request))
    .then((results) => ({ results, tookMs: performance.now() - begun }))
  return { batch, answer }
}

/** Intents that were written ahead and never sent. */
async function withdraw(run: SigningRun, batch: readonly Intended[]): Promise<RunEnd | null> {
  if (batch.length === 0) return null
  const outcomes = batch.map(({ target, intentSeq }) => ({
    target,
    intentSeq,
    outcome: { kind: 'withdrawn', failure: cancelled } as const,
  }))
  const written = await writeTransaction(run.db, (trx) => writeOutcomes(trx, run.context, outcomes))
  return written.ok
    ? null
    : { kind: 'lost', openOrdinals: batch.map(({ target }) => target.file.ordinal), failure: written.error }
}

/** The token was asked and may have signed; nobody knows. */
const answerLost: ReadonlySet<TokenFailure['code']> = new Set(['module-crashed', 'module-timeout', 'token-removed'])

async function record(
  run: SigningRun,
  batch: readonly Intended[],
  results: readonly Result<Uint8Array, TokenFailure>[],
): Promise<{ readonly signed: number; readonly end: RunEnd | null }> {
  step('token', 'after')
  const outcomes: {
    readonly target: FileToSign
    readonly intentSeq: Intended['intentSeq']
    readonly outcome: Outcome
  }[] = []
  const open: number[] = []
  let failure: Failure | null = null
  for (const [index, intended] of batch.entries()) {
    const result = results[index]
    if (result === undefined || (!result.ok && answerLost.has(result.error.code))) {
      open.push(intended.target.file.ordinal)
      failure ??= result === undefined ? noAnswer : result.error
      continue
    }
    const outcome = result.ok ? await finish(run, intended, result.value) : refusedByToken(result.error)
    if (outcome.kind !== 'signed') failure ??= outcome.failure
    outcomes.push({ target: intended.target, intentSeq: intended.intentSeq, outcome })
  }
  step('outcome', 'before')
  const written = await writeTransaction(run.db, (trx) => writeOutcomes(trx, run.context, outcomes))
  if (!written.ok) {
    // The signatures exist and are not released; their intents stay open on disk and are an incident.
    return {
      signed: 0,
      end: { kind: 'lost', openOrdinals: batch.map(({ target }) => target.file.ordinal), failure: written.error },
    }
  }
  step('outcome', 'after')
  const signed = outcomes.filter(({ outcome }) => outcome.kind === 'signed').length
  if (failure === null) return { signed, end: null }
  return { signed, end: open.length > 0 ? { kind: 'lost', openOrdinals: open, failure } : { kind: 'stopped', failure } }
}

async function finish(run: SigningRun, { target, prepared }: Intended, signature: Uint8Array): Promise<Outcome> {
  step('assemble', 'before')
  const output = prepared.assemble(signature)
  step('verify', 'before')
  const verified = await run.signer.verify(spooled(run, target), output, run.certificate)
  step('verify', 'after')
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

function spooled(run: SigningRun, { file }: FileToSign): SpooledFile {
  return { path: run.pathOf(file.ordinal), size: file.size, sha256: file.sha256, toBeSigned: file.toBeSigned.digest }
}
