import type { Kysely, Transaction } from 'kysely'
import { type Database, readerOf } from '../../../../db/database.ts'
import { type Fingerprint, fingerprint, type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import { type KeyAlgorithm, keyAlgorithm, type TokenId } from '../../../shared/token.ts'

/** The primary key of a certificate that was made here with a signing subkey: it certifies, and is on a token. */
export interface StoredPrimary {
  readonly purpose: string
  readonly fingerprint: Fingerprint
  readonly algorithm: KeyAlgorithm
  readonly spkiSha256: Sha256Hex
  /** Seconds since 1970. */
  readonly created: number
  readonly token: TokenId
  readonly ckaId: string
}

export async function listPrimaries(db: Kysely<Database>): Promise<readonly StoredPrimary[]> {
  const rows = await readerOf(db).selectFrom('openpgp_primary').selectAll().execute()
  return rows.map((row) => ({
    purpose: row.purpose,
    fingerprint: fingerprint.parse(row.fingerprint),
    algorithm: keyAlgorithm.parse(row.algorithm),
    spkiSha256: sha256Hex.parse(row.spki_sha256),
    created: row.created,
    token: { manufacturer: row.token_manufacturer, model: row.token_model, serial: row.token_serial },
    ckaId: row.cka_id,
  }))
}

/** In the transaction that registers the key that signs. */
export async function insertPrimary(
  trx: Transaction<Database>,
  primary: StoredPrimary & { readonly at: Date },
): Promise<void> {
  await trx
    .insertInto('openpgp_primary')
    .values({
      purpose: primary.purpose,
      fingerprint: primary.fingerprint,
      algorithm: primary.algorithm,
      spki_sha256: primary.spkiSha256,
      created: primary.created,
      token_manufacturer: primary.token.manufacturer,
      token_model: primary.token.model,
      token_serial: primary.token.serial,
      cka_id: primary.ckaId,
      at: primary.at.toISOString(),
    })
    .execute()
}
