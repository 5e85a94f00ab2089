import type { Generated, Insertable, Selectable } from 'kysely'

export interface RequestTable {
  id: string
  /** API URL of the server that gave it. */
  server: string
  work_request_id: number
  scope: string | null
  workspace: string
  /** The work-request token of debusine ≥ 0.14.8: a secret, good for this request only. Null on 0.11 and when the request is done. */
  token: string | null
  /** Our worker id as the server gave it: on 0.11 the only way to see that the request went to another worker. */
  worker: number | null
  /** 1 once the result was about to be reported: a request that is gone afterwards was finished, not aborted. */
  completion_sent: Generated<number>
  fetched_at: string
  task_name: string
  /** The fetch reply's text without its token; empty if it was too long to keep. */
  raw: string
  purpose: string | null
  fingerprint: string | null
  created_by: number
  requested_at: string
  retry_count: number
  title: string
  requested_by: string | null
  stage: string
  outcome: string | null
  /** JSON of the machine's state (src/main/requests/machine.ts). */
  state: string
  file_count: number
  signed_count: number
  worst_check: string | null
  received_at: string
  updated_at: string
}
export type RequestRow = Selectable<RequestTable>
export type NewRequest = Insertable<RequestTable>

export interface RequestFileTable {
  request_id: string
  /** Counted through all artifacts from 0. */
  ordinal: number
  artifact_position: number
  artifact_id: number
  path: string
  size: number
  sha256: string
}
export type RequestFileRow = Selectable<RequestFileTable>

export interface ReviewSheetTable {
  request_id: string
  digest: string
  /** Canonical JSON (docs/formats/review-sheet.md). */
  sheet: Uint8Array
  made_at: string
  shown_at: string | null
}
export type ReviewSheetRow = Selectable<ReviewSheetTable>

export interface DecisionTable {
  request_id: string
  kind: string
  sheet_digest: string | null
  operator: string
  reason: string | null
  at: string
}
export type DecisionRow = Selectable<DecisionTable>

export interface SignatureTable {
  request_id: string
  ordinal: number
  sheet_digest: string
  purpose: string
  fingerprint: string
  input_sha256: string
  state: string
  intent_seq: number
  outcome_seq: number | null
  /** The finished signature file, written in the same transaction as its audit row. */
  output: Uint8Array | null
  output_sha256: string | null
  /** JSON of the failure. */
  failure: string | null
  at: string
}
export type SignatureRow = Selectable<SignatureTable>

/** The signature of a key after the first, of a file that several keys sign. */
export interface FurtherSignatureTable {
  request_id: string
  ordinal: number
  /** Which of the sheet's further keys, from 1. */
  position: number
  sheet_digest: string
  purpose: string
  fingerprint: string
  input_sha256: string
  state: string
  intent_seq: number
  outcome_seq: number | null
  /** OpenPGP signature packet, part of the output that the first key completes. */
  packet: Uint8Array | null
  packet_sha256: string | null
  /** JSON of the failure. */
  failure: string | null
  at: string
}
export type FurtherSignatureRow = Selectable<FurtherSignatureTable>

export interface ReturnedArtifactTable {
  request_id: string
  /** `output` or `logs`, and for which input artifact. */
  kind: string
  position: number
  artifact_id: number
  uploaded: number
}
export type ReturnedArtifactRow = Selectable<ReturnedArtifactTable>
