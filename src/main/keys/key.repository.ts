import type { Kysely, Transaction } from 'kysely'
import { z } from 'zod'
import { type Database, readerOf } from '../../../db/database.ts'
import type { NewOpenPgpCertificate } from '../../../db/tables/openpgp-certificate.table.ts'
import type { NewSigningKey, SigningKeyRow } from '../../../db/tables/signing-key.table.ts'
import { type Fingerprint, fingerprint, sha256Hex } from '../../shared/ids.ts'
import { type KeyHome, keyState } from '../../shared/key.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import { purpose } from '../../shared/purpose.ts'
import { keyAlgorithm } from '../../shared/token.ts'
import { listPrimaries, type StoredPrimary } from './openpgp/primary.repository.ts'
import { type SealedKey, toNaclRecord } from './software/sealed-record.ts'

/** Where a private key is, in debusine's words (`signing_key.private_key`). */
const privateKeyRecord = z.discriminatedUnion('storage', [
  z.strictObject({ storage: z.literal('nacl'), public_key: z.string(), encrypted: z.string() }),
  z.strictObject({ storage: z.literal('pkcs11-static'), pkcs11_uri: z.string().startsWith('pkcs11:') }),
])

export interface StoredKey {
  readonly purpose: z.infer<typeof purpose>
  readonly fingerprint: Fingerprint
  readonly description: string
  readonly state: z.infer<typeof keyState>
  readonly production: boolean
  readonly origin: 'generated' | 'imported' | 'unknown' | 'software'
  readonly algorithm: z.infer<typeof keyAlgorithm>
  readonly spkiSha256: z.infer<typeof sha256Hex>
  readonly home: KeyHome
  readonly sealed: { readonly publicKey: string; readonly encrypted: string } | null
  readonly certificatePem: string
  readonly createdAt: string
  readonly lastUsedAt: string | null
  readonly lastUseSeq: number | null
  /** Of an OpenPGP key, what its newest certificate says; `certificatePem` is that certificate. */
  readonly openpgp: StoredOpenPgp | null
}

export interface StoredOpenPgp {
  /** The key in the certificate that the token holds. */
  readonly signingFingerprint: string
  /** Its creation time, seconds since 1970. */
  readonly created: number
  /** The newest prepared revocation, armored. */
  readonly revocation: string | null
  /** The primary key, where a subkey signs and the certificate was made here. */
  readonly primary: StoredPrimary | null
}

interface BesideKey {
  readonly last_used_at: string | null
  readonly last_use_seq: number | null
  /** Not null: it was taken over from another installation. */
  readonly imported: number | null
}

const origins = z.enum(['generated', 'imported', 'unknown', 'software'])

/** A row that does not parse was not written by this program: a defect, never skipped. */
function storedKey(
  row: SigningKeyRow,
  { last_used_at: lastUsedAt, last_use_seq: lastUseSeq, imported }: BesideKey,
  openpgp: (StoredOpenPgp & { readonly certificate: string }) | null,
): StoredKey {
  if (isOpenPgp(row.purpose) !== (openpgp !== null))
    throw new Error(`key ${row.fingerprint} for ${row.purpose} has another kind of certificate`)
  const record = privateKeyRecord.parse(JSON.parse(row.private_key))
  return {
    purpose: purpose.parse(row.purpose),
    fingerprint: fingerprint.parse(row.fingerprint),
    description: row.description,
    state: keyState.parse(row.state),
    production: row.production === 1,
    origin: imported !== null ? 'imported' : origins.parse(row.origin),
    algorithm: keyAlgorithm.parse(row.algorithm),
    spkiSha256: sha256Hex.parse(row.spki_sha256),
    home:
      record.storage === 'nacl'
        ? { kind: 'software' }
        : {
            kind: 'token',
            token: {
              manufacturer: row.token_manufacturer ?? '',
              model: row.token_model ?? '',
              serial: row.token_serial ?? '',
            },
            ckaId: row.cka_id ?? '',
            pkcs11Uri: record.pkcs11_uri,
          },
    sealed: record.storage === 'nacl' ? { publicKey: record.public_key, encrypted: record.encrypted } : null,
    certificatePem: openpgp?.certificate ?? Buffer.from(row.public_key).toString('utf8'),
    createdAt: row.created_at,
    lastUsedAt,
    lastUseSeq,
    openpgp:
      openpgp === null
        ? null
        : {
            signingFingerprint: openpgp.signingFingerprint,
            created: openpgp.created,
            revocation: openpgp.revocation,
            primary: openpgp.primary,
          },
  }
}

export async function listKeys(db: Kysely<Database>): Promise<readonly StoredKey[]> {
  const rows = await readerOf(db)
    .selectFrom('signing_key')
    .selectAll('signing_key')
    .select((eb) =>
      eb
        .selectFrom('signature')
        .select((each) => each.fn.max('signature.at').as('at'))
        .whereRef('signature.fingerprint', '=', 'signing_key.fingerprint')
        .whereRef('signature.purpose', '=', 'signing_key.purpose')
        .where('signature.state', '=', 'signed')
        .as('last_used_at'),
    )
    .select((eb) =>
      eb
        .selectFrom('signature')
        .select((each) => each.fn.max('signature.outcome_seq').as('seq'))
        .whereRef('signature.fingerprint', '=', 'signing_key.fingerprint')
        .whereRef('signature.purpose', '=', 'signing_key.purpose')
        .where('signature.state', '=', 'signed')
        .as('last_use_seq'),
    )
    .leftJoin('imported_key', 'imported_key.key_id', 'signing_key.id')
    .select('imported_key.key_id as imported')
    .orderBy('signing_key.created_at')
    .execute()
  const certificates = await newestCertificates(db)
  const further = await usesAsFurtherKey(db)
  return rows.map((row) => {
    const of = `${row.purpose} ${row.fingerprint}`
    return storedKey(row, newerOf(row, further.get(of)), certificates.get(of) ?? null)
  })
}

/** Last signatures of keys that signed beside others; at most one row a key. */
async function usesAsFurtherKey(db: Kysely<Database>) {
  const rows = await readerOf(db)
    .selectFrom('further_signature')
    .select(['purpose', 'fingerprint'])
    .select((eb) => [eb.fn.max('at').as('last_used_at'), eb.fn.max('outcome_seq').as('last_use_seq')])
    .where('state', '=', 'made')
    .groupBy(['purpose', 'fingerprint'])
    .execute()
  return new Map(rows.map(({ purpose, fingerprint, ...use }) => [`${purpose} ${fingerprint}`, use]))
}

function newerOf(row: BesideKey, further: Pick<BesideKey, 'last_used_at' | 'last_use_seq'> | undefined): BesideKey {
  return further !== undefined && (further.last_use_seq ?? 0) > (row.last_use_seq ?? 0) ? { ...row, ...further } : row
}

/** Of each OpenPGP key the newest certificate, and the newest revocation that was prepared for it. */
async function newestCertificates(db: Kysely<Database>) {
  const rows = await readerOf(db).selectFrom('openpgp_certificate').selectAll().orderBy('id').execute()
  const newest = new Map<string, StoredOpenPgp & { readonly certificate: string }>()
  const primaries = new Map((await listPrimaries(db)).map((each) => [`${each.purpose} ${each.fingerprint}`, each]))
  for (const row of rows) {
    const name = `${row.purpose} ${row.fingerprint}`
    newest.set(name, {
      signingFingerprint: row.signing_fingerprint,
      created: row.created,
      revocation: row.revocation ?? newest.get(name)?.revocation ?? null,
      primary: primaries.get(name) ?? null,
      certificate: row.certificate,
    })
  }
  return newest
}

export async function insertOpenPgpCertificate(
  trx: Transaction<Database>,
  certificate: NewOpenPgpCertificate,
): Promise<void> {
  await trx.insertInto('openpgp_certificate').values(certificate).execute()
}

export async function insertKey(trx: Transaction<Database>, key: NewSigningKey): Promise<void> {
  await trx.insertInto('signing_key').values(key).execute()
}

/** Marks the key that was just inserted as one from another installation, for ever. */
export async function markImported(
  trx: Transaction<Database>,
  of: { readonly purpose: string; readonly fingerprint: string },
  { dumpSha256, at, madeAt }: { readonly dumpSha256: string; readonly at: string; readonly madeAt: string | null },
): Promise<void> {
  const { id } = await trx
    .selectFrom('signing_key')
    .select('id')
    .where('purpose', '=', of.purpose)
    .where('fingerprint', '=', of.fingerprint)
    .executeTakeFirstOrThrow()
  await trx
    .insertInto('imported_key')
    .values({ key_id: id, dump_sha256: dumpSha256, imported_at: at, made_at: madeAt })
    .execute()
}

/** Replaces a sealed record by another; false: it is not the one that was read, or the key is gone. */
export async function replaceSealed(
  trx: Transaction<Database>,
  of: { readonly purpose: string; readonly fingerprint: string },
  { from, to, at }: { readonly from: SealedKey; readonly to: SealedKey; readonly at: string },
): Promise<boolean> {
  const row = await trx
    .selectFrom('signing_key')
    .select(['id', 'private_key'])
    .where('purpose', '=', of.purpose)
    .where('fingerprint', '=', of.fingerprint)
    .executeTakeFirst()
  const record = row === undefined ? null : privateKeyRecord.parse(JSON.parse(row.private_key))
  if (row === undefined || record?.storage !== 'nacl') return false
  if (record.public_key !== from.publicKey || record.encrypted !== from.encrypted) return false
  await trx
    .updateTable('signing_key')
    .set({ private_key: JSON.stringify(toNaclRecord(to)), updated_at: at })
    .where('id', '=', row.id)
    .execute()
  return true
}

export async function setKeyState(
  trx: Transaction<Database>,
  of: { readonly purpose: string; readonly fingerprint: string },
  state: string,
  at: string,
): Promise<boolean> {
  const changed = await trx
    .updateTable('signing_key')
    .set({ state, updated_at: at })
    .where('purpose', '=', of.purpose)
    .where('fingerprint', '=', of.fingerprint)
    // What is destroyed stays so.
    .where('state', '<>', 'destroyed')
    .executeTakeFirst()
  return changed.numUpdatedRows === 1n
}
