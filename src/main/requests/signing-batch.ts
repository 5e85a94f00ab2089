import { createHash } from 'node:crypto'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import { type AuditSeq, sha256Hex } from '../../shared/ids.ts'
import type { ReviewSheet } from '../../shared/review-sheet.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import type { Prepared } from '../signing/signer.ts'
import { type FileToSign, useOfKey } from './use-of-key.ts'

/** One file of a batch whose intent is on disk. */
export interface Intended {
  readonly target: FileToSign
  readonly prepared: Prepared
  readonly intentSeq: AuditSeq
}

/** What became of an intent. */
export type Outcome =
  | { readonly kind: 'signed'; readonly output: Uint8Array; readonly signature: Uint8Array }
  /** `mayExist`: the token made a signature, or may have, that is not released. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly mayExist: boolean }
  /** The token was never asked, or said that it signed nothing; the file can still be signed under the same approval. */
  | { readonly kind: 'withdrawn'; readonly failure: Failure }

export interface BatchContext {
  readonly request: RequestRow
  readonly sheet: ReviewSheet
  readonly sheetDigest: string
  readonly operator: string
  readonly audit: AuditLog
  readonly now: () => Date
}

// Written once for all, like the log's own statement: they run for every file of a batch.
const begin = `INSERT INTO signature (request_id, ordinal, sheet_digest, purpose, fingerprint, input_sha256, state, intent_seq, at)
  VALUES (?, ?, ?, ?, ?, ?, 'begun', ?, ?)`
const beginAgain = `UPDATE signature SET state = 'begun', intent_seq = ?, outcome_seq = NULL, failure = NULL, at = ?
  WHERE request_id = ? AND ordinal = ? AND state = 'withdrawn'`
const settle = `UPDATE signature SET state = ?, outcome_seq = ?, output = ?, output_sha256 = ?, failure = ?, at = ?
  WHERE request_id = ? AND ordinal = ? AND state = 'begun'`

/** Writes the intents: audit rows and signature rows in one transaction, which the caller makes durable before the token is asked. */
export async function writeIntents(
  trx: Transaction<Database>,
  context: BatchContext,
  targets: readonly FileToSign[],
): Promise<readonly AuditSeq[]> {
  const uses = targets.map((target) => useOfKey(target, context.sheet, context))
  const seqs = await context.audit.append(
    trx,
    uses.map((use): AuditEntryBody => ({ event: 'intent', ...use })),
  )
  const at = context.now().toISOString()
  const again = await withdrawnOrdinals(trx, context.sheet.requestId)
  for (const [index, use] of uses.entries()) {
    const seq = seqs[index]
    if (seq === undefined) throw new Error('the audit log gave fewer numbers than entries')
    const { requestId, ordinal, sheetDigest, purpose, fingerprint, inputSha256 } = use
    await trx.executeQuery(
      again.has(ordinal)
        ? CompiledQuery.raw(beginAgain, [seq, at, requestId, ordinal])
        : CompiledQuery.raw(begin, [requestId, ordinal, sheetDigest, purpose, fingerprint, inputSha256, seq, at]),
    )
  }
  return seqs
}

/** Writes outcomes: the audit rows, the finished files and the counts in one transaction. Nothing is released before it is committed. */
export async function writeOutcomes(
  trx: Transaction<Database>,
  context: BatchContext,
  outcomes: readonly { readonly target: FileToSign; readonly intentSeq: AuditSeq; readonly outcome: Outcome }[],
): Promise<void> {
  const seqs = await context.audit.append(
    trx,
    outcomes.map(({ target, intentSeq, outcome }) => entryOf(target, intentSeq, outcome, context)),
  )
  const at = context.now().toISOString()
  for (const [index, { target, outcome }] of outcomes.entries()) {
    const signed = outcome.kind === 'signed' ? outcome : null
    const updated = await trx.executeQuery(
      CompiledQuery.raw(settle, [
        outcome.kind,
        seqs[index] ?? null,
        signed?.output ?? null,
        signed === null ? null : sha256(signed.output),
        outcome.kind === 'signed' ? null : JSON.stringify(outcome.failure),
        at,
        context.sheet.requestId,
        target.file.ordinal,
      ]),
    )
    if (updated.numAffectedRows !== 1n) throw new Error(`file ${target.file.ordinal} has no open intent`)
  }
  const signed = outcomes.filter(({ outcome }) => outcome.kind === 'signed').length
  if (signed > 0) {
    await trx
      .updateTable('request')
      .set((eb) => ({ signed_count: eb('signed_count', '+', signed), updated_at: at }))
      .where('id', '=', context.sheet.requestId)
      .execute()
  }
}

/** Files whose intent was withdrawn before the token saw it: they may be begun again under the same approval. */
async function withdrawnOrdinals(trx: Transaction<Database>, requestId: string): Promise<ReadonlySet<number>> {
  const rows = await trx
    .selectFrom('signature')
    .select('ordinal')
    .where('request_id', '=', requestId)
    .where('state', '=', 'withdrawn')
    .execute()
  return new Set(rows.map((row) => row.ordinal))
}

function entryOf(target: FileToSign, intentSeq: AuditSeq, outcome: Outcome, context: BatchContext): AuditEntryBody {
  const use = useOfKey(target, context.sheet, context)
  if (outcome.kind === 'signed') {
    return {
      event: 'signed',
      ...use,
      intentSeq,
      outputSha256: sha256(outcome.output),
      signatureSha256: sha256(outcome.signature),
    }
  }
  return {
    event: 'sign-failed',
    ...use,
    intentSeq,
    code: outcome.failure.code,
    message: outcome.failure.message,
    signatureMayExist: outcome.kind === 'failed' && outcome.mayExist,
  }
}

function sha256(bytes: Uint8Array) {
  return sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
}
