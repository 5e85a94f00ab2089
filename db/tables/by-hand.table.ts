import type { Generated } from 'kysely'

export interface HandRequestTable {
  request_id: string
  number: number
  sign_as: string
  opened_by: string
  opened_at: string
}

export interface HandFileTable {
  request_id: string
  ordinal: number
  named: string
  opened: string
  output: string | null
}

export interface HandOutputTable {
  request_id: string
  ordinal: number
  path: string
  state: string
  may_replace: number
  replaced_sha256: string | null
  in_place: Generated<number>
  at: string
}
