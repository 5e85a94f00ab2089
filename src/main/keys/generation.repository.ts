import type { Kysely, Transaction } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { KeyGenerationRow, KeyGenerationTable } from '../../../db/tables/key-generation.table.ts'
import { failure } from '../../shared/failure.ts'
import { fingerprint, type RequestId, requestId, sha256Hex } from '../../shared/ids.ts'
import { generationPlan, generationState, type KeyGeneration } from '../../shared/key-generation.ts'

/** A generation as it is stored, with what a screen does not need. */
export interface StoredGeneration extends KeyGeneration {
  readonly intentSeq: number
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Uint8Array | null
}

/** As it may leave main. */
export function shownGeneration(generation: StoredGeneration | null): KeyGeneration | null {
  if (generation === null) return null
  const { intentSeq: _, spki: __, ...shown } = generation
  return shown
}

/** A row that does not parse was not written by this program: a defect, never skipped. */
function stored(row: KeyGenerationRow): StoredGeneration {
  return {
    id: requestId.parse(row.id),
    requestId: row.request_id === null ? null : requestId.parse(row.request_id),
    plan: generationPlan.parse(JSON.parse(row.plan)),
    state: generationState.parse(row.state),
    spkiSha256: row.spki_sha256 === null ? null : sha256Hex.parse(row.spki_sha256),
    certificateRequest: row.certificate_request,
    fingerprint: row.fingerprint === null ? null : fingerprint.parse(row.fingerprint),
    certificateNotOnToken:
      row.certificate_not_on_token === null ? null : failure.parse(JSON.parse(row.certificate_not_on_token)),
    failure: row.failure === null ? null : failure.parse(JSON.parse(row.failure)),
    operator: row.operator,
    begunAt: row.begun_at,
    updatedAt: row.updated_at,
    intentSeq: row.intent_seq,
    spki: row.spki,
  }
}

/** Newest first. */
export async function listGenerations(db: Kysely<Database>): Promise<readonly StoredGeneration[]> {
  const rows = await readerOf(db)
    .selectFrom('key_generation')
    .selectAll()
    .orderBy('begun_at', 'desc')
    .orderBy('id')
    .limit(1000)
    .execute()
  return rows.map(stored)
}

export async function findGeneration(db: Kysely<Database>, id: RequestId): Promise<StoredGeneration | null> {
  const row = await readerOf(db).selectFrom('key_generation').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : stored(row)
}

/** The one of a request that is not over without a key; else the newest. Null: none was begun. */
export async function generationOfRequest(
  db: Kysely<Database> | Transaction<Database>,
  id: RequestId,
): Promise<StoredGeneration | null> {
  const rows = await db
    .selectFrom('key_generation')
    .selectAll()
    .where('request_id', '=', id)
    .orderBy('begun_at', 'desc')
    .execute()
  const all = rows.map(stored)
  return all.find(({ state }) => state !== 'failed' && state !== 'closed') ?? all[0] ?? null
}

/** Changes a generation that is in one of these states; false: it is in none of them (any more). */
export async function changeGeneration(
  trx: Transaction<Database>,
  id: RequestId,
  from: readonly KeyGeneration['state'][],
  change: Partial<
    Pick<
      KeyGenerationTable,
      'state' | 'spki' | 'spki_sha256' | 'certificate_request' | 'fingerprint' | 'certificate_not_on_token' | 'failure'
    >
  >,
  at: string,
): Promise<boolean> {
  const changed = await trx
    .updateTable('key_generation')
    .set({ ...change, updated_at: at })
    .where('id', '=', id)
    .where('state', 'in', [...from])
    .executeTakeFirst()
  return changed.numUpdatedRows === 1n
}
