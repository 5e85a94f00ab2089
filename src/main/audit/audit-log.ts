import type { Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { AuditDetail, AuditFilter, AuditState } from '../../shared/audit.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import type { AuditPage } from './audit.repository.ts'
import type { AuditEntryBody } from './format/entry.ts'

/** The audit log. There is one writer, and it writes inside the caller's transaction: a row and the state it explains are one commit. */
export interface AuditLog {
  /** Appends in order. Throws when the log cannot be written: the caller's transaction is then rolled back and nothing is signed. */
  append(trx: Transaction<Database>, entries: readonly AuditEntryBody[]): Promise<readonly AuditSeq[]>
  list(filter: AuditFilter, cursor: string | null, limit: number, skip?: number): Promise<AuditPage>
  /** With its proof, where a checkpoint covers it. */
  show(seq: AuditSeq): Promise<AuditDetail | null>
  /** Reads everything, in slices that leave the event loop free. */
  check(): Promise<AuditState>
}
