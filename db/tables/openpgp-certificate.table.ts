import type { Generated, Insertable } from 'kysely'

export interface OpenPgpCertificateTable {
  id: Generated<number>
  purpose: string
  fingerprint: string
  signing_fingerprint: string
  created: number
  certificate: string
  revocation: string | null
  why: string
  operator: string
  at: string
}
export type NewOpenPgpCertificate = Insertable<OpenPgpCertificateTable>
