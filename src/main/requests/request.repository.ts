import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import { byHandOrigin } from '../../shared/by-hand-origin.ts'
import { fingerprint, type RequestId, requestId, type Sha256Hex, sha256Hex, workRequestId } from '../../shared/ids.ts'
import { type GenerationWish, generationWish, type RequestSummary } from '../../shared/request.ts'
import { type ReviewSheet, reviewSheet } from '../../shared/review-sheet.ts'
import type { HeldReference } from '../debusine/server.ts'
import { isByHand } from './by-hand/hand.repository.ts'

export async function findRequest(db: Kysely<Database>, id: RequestId): Promise<RequestRow | null> {
  return (await readerOf(db).selectFrom('request').selectAll().where('id', '=', id).executeTakeFirst()) ?? null
}

/**
 * The request that the station holds at a server as its worker: at most one, as debusine gives a signing worker one at a time. What was taken in
 * a user's name holds nothing up.
 */
export async function requestInHand(db: Kysely<Database>, server: string): Promise<RequestRow | null> {
  return (
    (await readerOf(db)
      .selectFrom('request')
      .selectAll()
      .where('server', '=', server)
      .where('stage', '<>', 'done')
      .where('task_name', '<>', 'externaldebsign')
      .orderBy('received_at')
      .executeTakeFirst()) ?? null
  )
}

export async function unfinishedRequests(db: Kysely<Database>): Promise<readonly RequestRow[]> {
  return readerOf(db).selectFrom('request').selectAll().where('stage', '<>', 'done').orderBy('received_at').execute()
}

export function heldReference(
  row: Pick<RequestRow, 'work_request_id' | 'token' | 'scope' | 'workspace' | 'worker'>,
): HeldReference {
  return {
    workRequestId: workRequestId.parse(row.work_request_id),
    token: row.token,
    scope: row.scope,
    workspace: row.workspace,
    worker: row.worker,
  }
}

export interface StoredSheet {
  readonly sheet: ReviewSheet
  readonly digest: Sha256Hex
  readonly shownAt: string | null
}

export async function findSheet(db: Kysely<Database>, id: RequestId, digest: string): Promise<StoredSheet | null> {
  const row = await readerOf(db)
    .selectFrom('review_sheet')
    .selectAll()
    .where('request_id', '=', id)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row === undefined ? null : sheetOf(row)
}

export async function newestSheet(db: Kysely<Database>, id: RequestId): Promise<StoredSheet | null> {
  const row = await readerOf(db)
    .selectFrom('review_sheet')
    .selectAll()
    .where('request_id', '=', id)
    .orderBy('made_at', 'desc')
    .orderBy('digest')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : sheetOf(row)
}

export interface StoredWish {
  readonly wish: GenerationWish
  readonly digest: Sha256Hex
  readonly shownAt: string | null
}

/** What a request for a key asked for, under the digest that was shown. Null: no such sheet, or one of files. */
export async function findWish(db: Kysely<Database>, id: RequestId, digest: string): Promise<StoredWish | null> {
  const row = await readerOf(db)
    .selectFrom('review_sheet')
    .selectAll()
    .where('request_id', '=', id)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row === undefined ? null : wishOf(row)
}

export async function newestWish(db: Kysely<Database>, id: RequestId): Promise<StoredWish | null> {
  const row = await readerOf(db)
    .selectFrom('review_sheet')
    .selectAll()
    .where('request_id', '=', id)
    .orderBy('made_at', 'desc')
    .orderBy('digest')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : wishOf(row)
}

/** A sheet that is not the one of its digest was put there by somebody else: a defect, never shown and never approved. */
function stored(row: SheetRow): {
  readonly content: unknown
  readonly digest: Sha256Hex
  readonly shownAt: string | null
} {
  if (createHash('sha256').update(row.sheet).digest('hex') !== row.digest)
    throw new Error(`the stored sheet is not the one of its digest ${row.digest}`)
  const content: unknown = JSON.parse(Buffer.from(row.sheet).toString('utf8'))
  return { content, digest: sha256Hex.parse(row.digest), shownAt: row.shown_at }
}

type SheetRow = { readonly sheet: Uint8Array; readonly digest: string; readonly shown_at: string | null }

/** Null: the sheet of a request for a key, which has no files. */
function sheetOf(row: SheetRow): StoredSheet | null {
  const { content, ...about } = stored(row)
  return isWish(content) ? null : { sheet: reviewSheet.parse(content), ...about }
}

function wishOf(row: SheetRow): StoredWish | null {
  const { content, ...about } = stored(row)
  return isWish(content) ? { wish: generationWish.parse(content), ...about } : null
}

function isWish(content: unknown): boolean {
  return typeof content === 'object' && content !== null && 'kind' in content && content.kind === 'generate-key'
}

/** A row of the list. `server` loses its path: the origin is what a person knows it by. */
export function summaryOf(row: RequestRow, keyDescription: string | null, keyIsAwaited: boolean): RequestSummary {
  const print = fingerprint.safeParse(row.fingerprint)
  return {
    id: requestId.parse(row.id),
    workRequestId: workRequestId.parse(row.work_request_id),
    server: isByHand(row) ? byHandOrigin : new URL(row.server).origin,
    scope: row.scope,
    workspace: row.workspace,
    purpose: row.purpose ?? row.task_name,
    fingerprint: print.success ? print.data : null,
    keyDescription,
    stage: row.stage as RequestSummary['stage'], // CHECK in the schema
    outcome: row.outcome as RequestSummary['outcome'], // CHECK in the schema
    title: row.title,
    requestedBy: row.requested_by,
    fileCount: row.file_count,
    signedCount: row.signed_count,
    worstCheck: row.worst_check as RequestSummary['worstCheck'], // CHECK in the schema
    waitsForKey: keyIsAwaited,
    receivedAt: row.received_at,
    updatedAt: row.updated_at,
  }
}
