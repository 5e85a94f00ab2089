import type { Kysely } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type {
  AuditCheckpointTable,
  AuditCosignatureTable,
  AuditLogKeyTable,
  AuditNodeTable,
} from './tables/audit-checkpoint.table.ts'
import type { AuditDigestReachTable, AuditDigestTable, AuditEntryTable } from './tables/audit-entry.table.ts'
import type { DeviceDrainTable, DeviceEntryTable } from './tables/device-log.table.ts'
import type { ImportedKeyTable } from './tables/imported-key.table.ts'
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
  audit_digest: AuditDigestTable
  audit_digest_reach: AuditDigestReachTable
  audit_log_key: AuditLogKeyTable
  audit_checkpoint: AuditCheckpointTable
  audit_cosignature: AuditCosignatureTable
  audit_node: AuditNodeTable
  device_drain: DeviceDrainTable
  device_entry: DeviceEntryTable
  setting: SettingTable
  signing_key: SigningKeyTable
  imported_key: ImportedKeyTable
  request: RequestTable
  request_file: RequestFileTable
  review_sheet: ReviewSheetTable
  decision: DecisionTable
  signature: SignatureTable
  returned_artifact: ReturnedArtifactTable
}

/** The same database for those who only read: what writes does not compile on it. */
export function readerOf(db: Kysely<Database>): ReadonlyKysely<Database> {
  // The interface is a subset of Kysely's by design, but its author types the refused methods as errors, so it takes a cast.
  return db as unknown as ReadonlyKysely<Database>
}
