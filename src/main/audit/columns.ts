import type { NewAuditEntry } from '../../../db/tables/audit-entry.table.ts'
import type { AuditEntryBody } from './format/entry.ts'

/** The columns that repeat parts of an entry for searching. */
export type SearchColumns = Omit<NewAuditEntry, 'seq' | 'entry' | 'leaf_hash' | 'prev_hash' | 'at'>

/** Written by `append`, and compared with the entry by the check of the log: both use this one function. */
export function searchColumns(body: AuditEntryBody): SearchColumns {
  return {
    event: body.event,
    request_id: 'requestId' in body ? body.requestId : null,
    work_request_id: 'workRequestId' in body ? body.workRequestId : null,
    fingerprint: 'fingerprint' in body ? body.fingerprint : null,
    purpose: 'purpose' in body ? body.purpose : null,
    operator: 'operator' in body ? body.operator : null,
    input_sha256: 'inputSha256' in body ? body.inputSha256 : null,
    output_sha256: 'outputSha256' in body ? body.outputSha256 : null,
    signed_digest: 'digest' in body ? body.digest : null,
    sheet_digest: 'sheetDigest' in body ? body.sheetDigest : null,
  }
}

/** In one order, for the statement that writes them; a column that is missing here does not compile. */
export const searchColumnNames = Object.keys({
  event: null,
  request_id: null,
  work_request_id: null,
  fingerprint: null,
  purpose: null,
  operator: null,
  input_sha256: null,
  output_sha256: null,
  signed_digest: null,
  sheet_digest: null,
} satisfies Record<keyof SearchColumns, null>) as readonly (keyof SearchColumns)[]
