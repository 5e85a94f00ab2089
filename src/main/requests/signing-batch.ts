import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
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
  for (const [index, use] of uses.entries()) {
    const seq = seqs[index]
    if (seq === undefined) throw new Error('the audit log gave fewer numbers than entries')
    const again = await trx
      .updateTable('signature')
      .set({ state: 'begun', intent_seq: seq, outcome_seq: null, failure: null, at })
      .where('request_id', '=', use.requestId)
      .where('ordinal', '=', use.ordinal)
      .where('state', '=', 'withdrawn')
      .executeTakeFirst()
    if (again.numUpdatedRows > 0n) continue
    await trx
      .insertInto('signature')
      .values({
        request_id: use.requestId,
        ordinal: use.ordinal,
        sheet_digest: use.sheetDigest,
        purpose: use.purpose,
        fingerprint: use.fingerprint,
        input_sha256: use.inputSha256,
        state: 'begun',
        intent_seq: seq,
        outcome_seq: null,
        output: null,
        output_sha256: null,
        failure: null,
        at,
      })
      .execute()
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
    const updated = await trx
      .updateTable('signature')
      .set({
        state: outcome.kind,
        outcome_seq: seqs[index] ?? null,
        output: outcome.kind === 'signed' ? outcome.output : null,
        output_sha256: outcome.kind === 'signed' ? sha256(outcome.output) : null,
        failure: outcome.kind === 'signed' ? null : JSON.stringify(outcome.failure),
        at,
      })
      .where('request_id', '=', context.sheet.requestId)
      .where('ordinal', '=', target.file.ordinal)
      .where('state', '=', 'begun')
      .executeTakeFirst()
    if (updated.numUpdatedRows !== 1n) throw new Error(`file ${target.file.ordinal} has no open intent`)
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
