import type { Selectable } from 'kysely'

/** The one key that signs the log's checkpoints. */
export interface AuditLogKeyTable {
  id: number
  /** C2SP verifier key. */
  vkey: string
  at: string
}

export interface AuditCheckpointTable {
  /** Entries that the checkpoint covers. */
  size: number
  /** C2SP signed note, with the station's signature only. */
  note: string
  at: string
}
export type AuditCheckpointRow = Selectable<AuditCheckpointTable>

export interface AuditCosignatureTable {
  size: number
  /** Name of the witness's key. */
  witness: string
  /** Its signature line, with line end. */
  line: string
  at: string
}

/** Hash of the complete subtree of 2^level entries at `position`: entries `position · 2^level + 1` and following. */
export interface AuditNodeTable {
  level: number
  position: number
  hash: Uint8Array
}
