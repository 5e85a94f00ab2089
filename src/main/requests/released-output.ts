import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { type AuditSeq, auditSeq, type Sha256Hex, sha256Hex } from '../../shared/ids.ts'
import { saysSigned } from './as-logged.ts'

export interface ReleasedOutput {
  readonly bytes: Uint8Array
  readonly sha256: Sha256Hex
  /** Of the log's entry that records it. */
  readonly outcomeSeq: AuditSeq
}

/**
 * The only way in which the output of a file leaves the database. Its row alone is not believed: whoever can write the file could put another
 * one there while it waits for its server. `none`: the file is not signed. `changed`: it is not what the log says that was made.
 */
export async function releasedOutput(
  db: Kysely<Database>,
  requestId: string,
  ordinal: number,
): Promise<ReleasedOutput | 'none' | 'changed'> {
  const row = await readerOf(db)
    .selectFrom('signature')
    .leftJoin('audit_entry', 'audit_entry.seq', 'signature.outcome_seq')
    .select(['output', 'signature.output_sha256', 'signature.fingerprint', 'outcome_seq', 'entry'])
    .where('signature.request_id', '=', requestId)
    .where('signature.ordinal', '=', ordinal)
    .where('state', '=', 'signed')
    .executeTakeFirst()
  if (row?.output == null || row.output_sha256 === null) return 'none'
  const of = { requestId, ordinal, fingerprint: row.fingerprint, position: 1 }
  return saysSigned(row.entry, of, row.output)
    ? {
        bytes: row.output,
        sha256: sha256Hex.parse(row.output_sha256),
        outcomeSeq: auditSeq.parse(row.outcome_seq),
      }
    : 'changed'
}

export const outputChanged: Failure = {
  kind: 'refused',
  code: 'output-changed',
  message:
    'What lies in the database as a finished output is not what the log says that was made: the disk or somebody changed it. Nothing of it was handed out. Find out who writes to the database; the log says what was signed.',
}
