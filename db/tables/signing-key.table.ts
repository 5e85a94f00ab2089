import type { Generated, Insertable, Selectable } from 'kysely'

/** A registered key; the first six columns are those of debusine's `signing_key`, so that an installation can be moved either way. */
export interface SigningKeyTable {
  id: Generated<number>
  purpose: string
  fingerprint: string
  /** JSON: `{"storage":"nacl","public_key","encrypted"}` or `{"storage":"pkcs11-static","pkcs11_uri"}`; never a key in clear, never a PIN. */
  private_key: string
  /** PEM certificate, as text bytes. */
  public_key: Uint8Array
  created_at: string
  updated_at: string
  description: string
  state: string
  production: number
  origin: string
  algorithm: string
  spki_sha256: string
  token_manufacturer: string | null
  token_model: string | null
  token_serial: string | null
  cka_id: string | null
}
export type SigningKeyRow = Selectable<SigningKeyTable>
export type NewSigningKey = Insertable<SigningKeyTable>
