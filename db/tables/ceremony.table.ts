import type { Selectable } from 'kysely'

export interface CeremonyTable {
  id: string
  script: Uint8Array
  script_sha256: string
  /** JSON of the plan (src/shared/ceremony.ts). */
  plan: string
  plan_sha256: string
  title: string
  state: string
  begun_at: string
  ended_at: string | null
  transcript: Uint8Array | null
  transcript_sha256: string | null
  sealed_seq: number | null
}
export type CeremonyRow = Selectable<CeremonyTable>

export interface CeremonyRecordTable {
  ceremony_id: string
  n: number
  audit_seq: number
  /** Canonical JSON (src/shared/ceremony.ts). */
  record: string
}

export interface CeremonyFileTable {
  ceremony_id: string
  /** The record that brought it. */
  n: number
  name: string
  sha256: string
  content: Uint8Array
}
