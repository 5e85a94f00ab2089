import type { AuditEntryTable } from './tables/audit-entry.table.ts'
import type {
  DecisionTable,
  RequestFileTable,
  RequestTable,
  ReturnedArtifactTable,
  ReviewSheetTable,
  SignatureTable,
} from './tables/request.table.ts'
import type { SettingTable } from './tables/setting.table.ts'
import type { SigningKeyTable } from './tables/signing-key.table.ts'

/** Table name → row type. */
export interface Database {
  audit_entry: AuditEntryTable
  setting: SettingTable
  signing_key: SigningKeyTable
  request: RequestTable
  request_file: RequestFileTable
  review_sheet: ReviewSheetTable
  decision: DecisionTable
  signature: SignatureTable
  returned_artifact: ReturnedArtifactTable
}
