import type { Generated, Insertable, Selectable } from 'kysely'

/** One look at the attestation of a registered key (docs/formats/attestation.md §5). */
export interface KeyAttestationTable {
  id: Generated<number>
  purpose: string
  fingerprint: string
  audit_seq: number
  at: string
  operator: string
  source: string
  /** JSON of `attestationVerdict`. */
  verdict: string
  kind: string
  /** PEM, the statement first; empty: there was none. */
  certificates: string
}
export type KeyAttestationRow = Selectable<KeyAttestationTable>
export type NewKeyAttestation = Insertable<KeyAttestationTable>

/** A root or an intermediate that the operator trusts, until it is withdrawn. */
export interface AttestationRootTable {
  id: Generated<number>
  sha256: string
  device: string
  role: string
  certificate: Uint8Array
  added_at: string
  added_by: string
  withdrawn_at: string | null
  withdrawn_by: string | null
}
export type AttestationRootRow = Selectable<AttestationRootTable>
