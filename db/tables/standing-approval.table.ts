export interface StandingApprovalTable {
  id: string
  purpose: string
  fingerprint: string
  scope: string
  uses: number
  used: number
  granted_seq: number
  granted_at: string
  ends_at: string
  operator: string
  ended_seq: number | null
  why: string | null
}

export interface StandingUseTable {
  request_id: string
  standing_id: string
  use: number
}
