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
import { rowsOfKey } from './signature-rows.ts'
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
  const rows = rowsOfKey(keyIndexOf(targets))
  const again = await rows.withdrawn(trx, context.sheet.requestId)
  for (const [index, use] of uses.entries()) {
    const seq = seqs[index]
    if (seq === undefined) throw new Error('the audit log gave fewer numbers than entries')
    if (again.has(use.ordinal)) await rows.beginAgain(trx, use, seq, at)
    else await rows.begin(trx, use, seq, at)
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
  const { requestId } = context.sheet
  const keyIndex = keyIndexOf(outcomes.map(({ target }) => target))
  const rows = rowsOfKey(keyIndex)
  for (const [index, { target, outcome }] of outcomes.entries()) {
    const ended = { outcomeSeq: seqs[index] ?? null, at }
    await rows.settle(
      trx,
      { requestId, ordinal: target.file.ordinal },
      outcome.kind === 'signed'
        ? { ...ended, state: 'signed', made: { bytes: outcome.output, sha256: sha256(outcome.output) }, failure: null }
        : { ...ended, state: outcome.kind, made: null, failure: outcome.failure },
    )
  }
  const signed = outcomes.filter(({ outcome }) => outcome.kind === 'signed').length
  // A file is signed when its last key has signed, which is the first.
  if (signed > 0 && keyIndex === 0) {
    await trx
      .updateTable('request')
      .set((eb) => ({ signed_count: eb('signed_count', '+', signed), updated_at: at }))
      .where('id', '=', requestId)
      .execute()
  }
}

/** A batch is one key's. */
function keyIndexOf(targets: readonly FileToSign[]): number {
  const [index = 0, ...others] = new Set(targets.map(({ keyIndex }) => keyIndex))
  if (others.length > 0) throw new Error('a batch of several keys')
  return index
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
