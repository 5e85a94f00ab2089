import type { Insertable } from 'kysely'

/** The primary key of an OpenPGP certificate whose signing key is a subkey: where it is, so that it can change the certificate. */
export interface OpenPgpPrimaryTable {
  purpose: string
  /** The primary key's own, by which the signing key is registered. */
  fingerprint: string
  algorithm: string
  spki_sha256: string
  /** Seconds since 1970. */
  created: number
  token_manufacturer: string
  token_model: string
  token_serial: string
  cka_id: string
  at: string
}
export type NewOpenPgpPrimary = Insertable<OpenPgpPrimaryTable>
