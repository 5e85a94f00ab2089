import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import type { UseOfKey } from './use-of-key.ts'

/**
 * Rows of the signatures by one key of a request. Of the first key a row is a file's: it has the finished output. Of a further key it is a
 * part of that output, which is released with it or never.
 */
export interface SignatureRows {
  /** Files whose intent was withdrawn before the token saw it: they may be begun again under the same approval. */
  withdrawn(trx: Transaction<Database>, requestId: string): Promise<ReadonlySet<number>>
  begin(trx: Transaction<Database>, use: UseOfKey, intentSeq: AuditSeq, at: string): Promise<void>
  beginAgain(trx: Transaction<Database>, use: UseOfKey, intentSeq: AuditSeq, at: string): Promise<void>
  /** Of an intent that is open; else it is a defect. */
  settle(
    trx: Transaction<Database>,
    of: { readonly requestId: string; readonly ordinal: number },
    end: End,
  ): Promise<void>
}

export interface End {
  readonly state: 'signed' | 'failed' | 'withdrawn'
  readonly outcomeSeq: AuditSeq | null
  /** Null with any state but `signed`. */
  readonly made: { readonly bytes: Uint8Array; readonly sha256: string } | null
  readonly failure: Failure | null
  readonly at: string
}

/** `keyIndex`: which of the sheet's keys, from 0. */
export function rowsOfKey(keyIndex: number): SignatureRows {
  return keyIndex === 0 ? firstKey : furtherKey(keyIndex)
}

// Written once for all, like the log's own statement: they run for every file of a batch.
const first = {
  begin: `INSERT INTO signature (request_id, ordinal, sheet_digest, purpose, fingerprint, input_sha256, state, intent_seq, at)
    VALUES (?, ?, ?, ?, ?, ?, 'begun', ?, ?)`,
  beginAgain: `UPDATE signature SET state = 'begun', intent_seq = ?, outcome_seq = NULL, failure = NULL, at = ?
    WHERE request_id = ? AND ordinal = ? AND state = 'withdrawn'`,
  settle: `UPDATE signature SET state = ?, outcome_seq = ?, output = ?, output_sha256 = ?, failure = ?, at = ?
    WHERE request_id = ? AND ordinal = ? AND state = 'begun'`,
}
const further = {
  begin: `INSERT INTO further_signature (request_id, ordinal, sheet_digest, purpose, fingerprint, input_sha256, state, intent_seq, at, position)
    VALUES (?, ?, ?, ?, ?, ?, 'begun', ?, ?, ?)`,
  beginAgain: `UPDATE further_signature SET state = 'begun', intent_seq = ?, outcome_seq = NULL, failure = NULL, at = ?
    WHERE request_id = ? AND ordinal = ? AND position = ? AND state = 'withdrawn'`,
  settle: `UPDATE further_signature SET state = ?, outcome_seq = ?, packet = ?, packet_sha256 = ?, failure = ?, at = ?
    WHERE request_id = ? AND ordinal = ? AND position = ? AND state = 'begun'`,
}

const firstKey: SignatureRows = {
  withdrawn: async (trx, requestId) => {
    const rows = await trx
      .selectFrom('signature')
      .select('ordinal')
      .where('request_id', '=', requestId)
      .where('state', '=', 'withdrawn')
      .execute()
    return new Set(rows.map(({ ordinal }) => ordinal))
  },
  begin: (trx, use, seq, at) => one(trx, first.begin, [...beginning(use), seq, at], use.ordinal),
  beginAgain: (trx, use, seq, at) => one(trx, first.beginAgain, [seq, at, use.requestId, use.ordinal], use.ordinal),
  settle: (trx, of, end) => one(trx, first.settle, [end.state, ...ending(end), of.requestId, of.ordinal], of.ordinal),
}

function furtherKey(position: number): SignatureRows {
  return {
    withdrawn: async (trx, requestId) => {
      const rows = await trx
        .selectFrom('further_signature')
        .select('ordinal')
        .where('request_id', '=', requestId)
        .where('position', '=', position)
        .where('state', '=', 'withdrawn')
        .execute()
      return new Set(rows.map(({ ordinal }) => ordinal))
    },
    begin: (trx, use, seq, at) => one(trx, further.begin, [...beginning(use), seq, at, position], use.ordinal),
    beginAgain: (trx, use, seq, at) =>
      one(trx, further.beginAgain, [seq, at, use.requestId, use.ordinal, position], use.ordinal),
    settle: (trx, of, end) =>
      one(
        trx,
        further.settle,
        [end.state === 'signed' ? 'made' : end.state, ...ending(end), of.requestId, of.ordinal, position],
        of.ordinal,
      ),
  }
}

function beginning({ requestId, ordinal, sheetDigest, purpose, fingerprint, inputSha256 }: UseOfKey) {
  return [requestId, ordinal, sheetDigest, purpose, fingerprint, inputSha256]
}

function ending({ outcomeSeq, made, failure, at }: End) {
  return [outcomeSeq, made?.bytes ?? null, made?.sha256 ?? null, failure === null ? null : JSON.stringify(failure), at]
}

async function one(
  trx: Transaction<Database>,
  statement: string,
  values: readonly unknown[],
  ordinal: number,
): Promise<void> {
  const written = await trx.executeQuery(CompiledQuery.raw(statement, [...values]))
  if (written.numAffectedRows !== 1n) throw new Error(`file ${ordinal} has no such intent`)
}
