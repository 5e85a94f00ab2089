import type { Kysely, Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { CeremonyRow } from '../../../db/tables/ceremony.table.ts'
import {
  type CeremonyId,
  type CeremonyPlan,
  type CeremonyRecord,
  type CeremonySummary,
  ceremonyId,
  ceremonyPlan,
  ceremonyRecord,
  ceremonySummary,
} from '../../shared/ceremony.ts'
import { canonicalText } from '../canonical/canonical-json.ts'
import { deviationsIn } from './progress.ts'

export interface StoredRecord {
  readonly record: CeremonyRecord
  readonly seq: number
}

export interface StoredCeremony {
  readonly summary: CeremonySummary
  readonly plan: CeremonyPlan
  readonly script: Uint8Array
  readonly records: readonly StoredRecord[]
  /** Null while it is open. */
  readonly transcript: Uint8Array | null
}

export interface KeptFile {
  readonly name: string
  readonly sha256: string
  readonly content: Uint8Array
}

/** Newest first. A row that does not parse was not written by this program: a defect, never skipped. */
export async function listCeremonies(db: ReadonlyKysely<Database>): Promise<readonly CeremonySummary[]> {
  const rows = await db
    .selectFrom('ceremony')
    .selectAll()
    .orderBy('begun_at', 'desc')
    .orderBy('id')
    .limit(500)
    .execute()
  const summaries: CeremonySummary[] = []
  for (const row of rows) summaries.push(summaryOf(row, await recordsOf(db, row.id)))
  return summaries
}

export async function findCeremony(db: ReadonlyKysely<Database>, id: CeremonyId): Promise<StoredCeremony | null> {
  const row = await db.selectFrom('ceremony').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : whole(db, row)
}

export async function openCeremony(db: ReadonlyKysely<Database>): Promise<StoredCeremony | null> {
  const row = await db.selectFrom('ceremony').selectAll().where('state', '=', 'open').executeTakeFirst()
  return row === undefined ? null : whole(db, row)
}

export async function filesOf(db: ReadonlyKysely<Database>, id: CeremonyId): Promise<readonly KeptFile[]> {
  return await db
    .selectFrom('ceremony_file')
    .select(['name', 'sha256', 'content'])
    .where('ceremony_id', '=', id)
    .orderBy('n')
    .orderBy('name')
    .execute()
}

export async function insertCeremony(
  trx: Transaction<Database>,
  id: CeremonyId,
  { script, plan, at }: { readonly script: Uint8Array; readonly plan: CeremonyPlan; readonly at: string },
): Promise<void> {
  await trx
    .insertInto('ceremony')
    .values({
      id,
      script: Buffer.from(script),
      script_sha256: plan.scriptSha256,
      plan: JSON.stringify(plan),
      plan_sha256: plan.planSha256,
      title: plan.script.title,
      state: 'open',
      begun_at: at,
      ended_at: null,
      transcript: null,
      transcript_sha256: null,
      sealed_seq: null,
    })
    .execute()
}

export async function insertRecord(
  trx: Transaction<Database>,
  id: CeremonyId,
  { record, seq, files }: StoredRecord & { readonly files: readonly KeptFile[] },
): Promise<void> {
  await trx
    .insertInto('ceremony_record')
    .values({ ceremony_id: id, n: record.n, audit_seq: seq, record: canonicalText(record) })
    .execute()
  for (const { name, sha256, content } of files)
    await trx
      .insertInto('ceremony_file')
      .values({ ceremony_id: id, n: record.n, name, sha256, content: Buffer.from(content) })
      .execute()
}

export async function sealCeremony(
  trx: Transaction<Database>,
  id: CeremonyId,
  sealed: {
    readonly outcome: 'completed' | 'abandoned'
    readonly at: string
    readonly transcript: Uint8Array
    readonly sha256: string
    readonly seq: number
  },
): Promise<boolean> {
  const changed = await trx
    .updateTable('ceremony')
    .set({
      state: sealed.outcome,
      ended_at: sealed.at,
      transcript: Buffer.from(sealed.transcript),
      transcript_sha256: sealed.sha256,
      sealed_seq: sealed.seq,
    })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return changed.numUpdatedRows === 1n
}

/** In a transaction, so that what is appended follows what was read. */
export async function lastNumber(trx: Transaction<Database> | Kysely<Database>, id: CeremonyId): Promise<number> {
  const row = await trx
    .selectFrom('ceremony_record')
    .select((each) => each.fn.max('n').as('n'))
    .where('ceremony_id', '=', id)
    .executeTakeFirst()
  return row?.n ?? 0
}

async function whole(db: ReadonlyKysely<Database>, row: CeremonyRow): Promise<StoredCeremony> {
  const records = await recordsOf(db, row.id)
  return {
    summary: summaryOf(row, records),
    plan: ceremonyPlan.parse(JSON.parse(row.plan)),
    script: row.script,
    records,
    transcript: row.transcript,
  }
}

async function recordsOf(db: ReadonlyKysely<Database>, id: string): Promise<readonly StoredRecord[]> {
  const rows = await db
    .selectFrom('ceremony_record')
    .select(['record', 'audit_seq'])
    .where('ceremony_id', '=', id)
    .orderBy('n')
    .execute()
  return rows.map(({ record, audit_seq }) => ({ record: ceremonyRecord.parse(JSON.parse(record)), seq: audit_seq }))
}

function summaryOf(row: CeremonyRow, records: readonly StoredRecord[]): CeremonySummary {
  return ceremonySummary.parse({
    id: ceremonyId.parse(row.id),
    title: row.title,
    state: row.state,
    begunAt: row.begun_at,
    endedAt: row.ended_at,
    deviations: deviationsIn(records.map(({ record }) => record)),
    transcriptSha256: row.transcript_sha256,
    sealedSeq: row.sealed_seq,
  })
}
