import type { Insertable, Selectable } from 'kysely'

export interface KeyGenerationTable {
  id: string
  request_id: string | null
  /** JSON of the plan (src/shared/key-generation.ts). */
  plan: string
  token_serial: string
  cka_id: string
  state: string
  intent_seq: number
  spki: Uint8Array | null
  spki_sha256: string | null
  certificate_request: string | null
  fingerprint: string | null
  certificate_not_on_token: string | null
  failure: string | null
  operator: string
  begun_at: string
  updated_at: string
}
export type KeyGenerationRow = Selectable<KeyGenerationTable>
export type NewKeyGeneration = Insertable<KeyGenerationTable>

export interface KeyAssetTable {
  server: string
  fingerprint: string
  asset_id: number
  workspace: string
  made_at: string
}
