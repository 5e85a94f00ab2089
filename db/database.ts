import type { Kysely } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { AttestationRootTable, KeyAttestationTable } from './tables/attestation.table.ts'
import type {
  AuditCheckpointTable,
  AuditCosignatureTable,
  AuditLogKeyTable,
  AuditNodeTable,
} from './tables/audit-checkpoint.table.ts'
import type { AuditContradictionTable } from './tables/audit-contradiction.table.ts'
import type { AuditEntryTable, AuditIndexReachTable, AuditIndexTable } from './tables/audit-entry.table.ts'
import type { HandFileTable, HandOutputTable, HandRequestTable } from './tables/by-hand.table.ts'
import type { CeremonyFileTable, CeremonyRecordTable, CeremonyTable } from './tables/ceremony.table.ts'
import type { ConfirmationTable } from './tables/confirmation.table.ts'
import type { DeviceIncidentTable } from './tables/device-incident.table.ts'
import type { DeviceDrainTable, DeviceEntryTable } from './tables/device-log.table.ts'
import type { ImportedKeyTable } from './tables/imported-key.table.ts'
import type { KeyAssetTable, KeyGenerationTable } from './tables/key-generation.table.ts'
import type { KeySightingTable } from './tables/key-sighting.table.ts'
import type { OpenPgpCertificateTable } from './tables/openpgp-certificate.table.ts'
import type { OpenPgpPrimaryTable } from './tables/openpgp-primary.table.ts'
import type {
  DecisionTable,
  FurtherSignatureTable,
  RequestFileTable,
  RequestTable,
  ReturnedArtifactTable,
  ReviewSheetTable,
  SignatureTable,
} from './tables/request.table.ts'
import type { SettingTable } from './tables/setting.table.ts'
import type { SignedReleaseTable, SignedUploadTable } from './tables/signed-upload.table.ts'
import type { SigningKeyTable } from './tables/signing-key.table.ts'
import type { StandingApprovalTable, StandingUseTable } from './tables/standing-approval.table.ts'

/** Table name → row type. */
export interface Database {
  audit_entry: AuditEntryTable
  audit_index: AuditIndexTable
  audit_index_reach: AuditIndexReachTable
  audit_log_key: AuditLogKeyTable
  audit_checkpoint: AuditCheckpointTable
  audit_cosignature: AuditCosignatureTable
  audit_node: AuditNodeTable
  audit_contradiction: AuditContradictionTable
  device_drain: DeviceDrainTable
  device_entry: DeviceEntryTable
  device_incident: DeviceIncidentTable
  key_attestation: KeyAttestationTable
  attestation_root: AttestationRootTable
  setting: SettingTable
  signing_key: SigningKeyTable
  key_generation: KeyGenerationTable
  key_asset: KeyAssetTable
  imported_key: ImportedKeyTable
  openpgp_certificate: OpenPgpCertificateTable
  openpgp_primary: OpenPgpPrimaryTable
  key_sighting: KeySightingTable
  request: RequestTable
  request_file: RequestFileTable
  review_sheet: ReviewSheetTable
  decision: DecisionTable
  signature: SignatureTable
  further_signature: FurtherSignatureTable
  returned_artifact: ReturnedArtifactTable
  hand_request: HandRequestTable
  hand_file: HandFileTable
  hand_output: HandOutputTable
  standing_approval: StandingApprovalTable
  standing_use: StandingUseTable
  signed_upload: SignedUploadTable
  signed_release: SignedReleaseTable
  confirmation: ConfirmationTable
  ceremony: CeremonyTable
  ceremony_record: CeremonyRecordTable
  ceremony_file: CeremonyFileTable
}

/** The same database for those who only read: what writes does not compile on it. */
export function readerOf(db: Kysely<Database>): ReadonlyKysely<Database> {
  // The interface is a subset of Kysely's by design, but its author types the refused methods as errors, so it takes a cast.
  return db as unknown as ReadonlyKysely<Database>
}
