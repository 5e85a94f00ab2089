import type { Insertable, Selectable } from 'kysely'

/**
 * One entry of the audit log. `entry` is what is hashed and what counts; every column after `leaf_hash` repeats a part of
 * it for searching, and the check of the log compares them (docs/formats/audit-entry.md).
 */
export interface AuditEntryTable {
  seq: number
  /** Canonical bytes of the entry. */
  entry: Uint8Array
  /** SHA-256(0x00 ‖ entry), RFC 6962 §2.1. */
  leaf_hash: Uint8Array
  /** `leaf_hash` of the entry before; 32 zero bytes for the first. */
  prev_hash: Uint8Array
  at: string
  event: string
  request_id: string | null
  work_request_id: number | null
  fingerprint: string | null
  purpose: string | null
  operator: string | null
  input_sha256: string | null
  output_sha256: string | null
  /** The digest that the key signed. */
  signed_digest: string | null
  sheet_digest: string | null
}
export type AuditEntryRow = Selectable<AuditEntryTable>
export type NewAuditEntry = Insertable<AuditEntryTable>

/** What an entry is found by. Filled behind the log: entries after `audit_index_reach.seq` are not in it yet. */
export interface AuditIndexTable {
  /** Which member of the entry it is: db/audit-index.ts. */
  kind: number
  value: string
  seq: number
}

/** One row: the last entry that is in `audit_index`. */
export interface AuditIndexReachTable {
  id: number
  seq: number
}
