import type { Selectable } from 'kysely'

/** An answer to a task that waits for a person's yes or no. Rows are never deleted, and end once. */
export interface ConfirmationTable {
  /** Number of its `confirmation-intended` in the log. */
  intent_seq: number
  /** API URL. */
  server: string
  scope: string | null
  work_request_id: number
  /** 1: yes. */
  confirm: number
  deny_action: string
  comment: string | null
  operator: string
  intended_at: string
  /** Null: not known yet. */
  outcome: string | null
  outcome_seq: number | null
}
export type ConfirmationRow = Selectable<ConfirmationTable>
