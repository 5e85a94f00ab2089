import { type Kysely, sql } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Answer, Input } from '../../shared/contract.ts'
import { type RequestId, requestId } from '../../shared/ids.ts'
import type { RequestDetail, RequestSummary } from '../../shared/request.ts'
import { entriesOfRequest } from '../audit/audit.repository.ts'
import { generationOfRequest, shownGeneration } from '../keys/generation.repository.ts'
import { approvability, waitsForKey } from '../policy/evaluate.ts'
import { isByHand, shownDelivery } from './by-hand/hand.repository.ts'
import { fileOutcomes } from './file-outcomes.ts'
import { findRequest, findSheet, findWish, newestSheet, newestWish, summaryOf } from './request.repository.ts'
import { parseState } from './transition.ts'
import { isExternalDebsign } from './waiting/external-debsign.ts'
import { heldOf } from './work-token.ts'

/** One page. In hand: oldest first, as they came; done: newest first. The cursor is the place of the last row (keyset paging). */
export async function listRequests(
  db: Kysely<Database>,
  { view, search, cursor, limit }: Input<'requests.list'>,
): Promise<Answer<'requests.list'>> {
  const inHand = view === 'in-hand'
  const column = inHand ? 'received_at' : 'updated_at'
  const pattern = search === null || search.trim() === '' ? null : `%${search.trim().replaceAll(/[\\%_]/g, '\\$&')}%`
  const base = readerOf(db)
    .selectFrom('request')
    .where('request.stage', inHand ? '<>' : '=', 'done')
    .$if(pattern !== null, (query) =>
      query.where(
        sql<boolean>`(request.title LIKE ${pattern} ESCAPE '\\' OR request.workspace LIKE ${pattern} ESCAPE '\\' OR request.requested_by LIKE ${pattern} ESCAPE '\\' OR request.fingerprint LIKE ${pattern} ESCAPE '\\' OR cast(request.work_request_id AS TEXT) LIKE ${pattern} ESCAPE '\\')`,
      ),
    )
  const place = cursor === null ? null : cursor.split(' ')
  const [at, id] = place ?? []
  const rows = await base
    .leftJoin('signing_key', (join) =>
      join
        .onRef('signing_key.purpose', '=', 'request.purpose')
        .onRef('signing_key.fingerprint', '=', 'request.fingerprint'),
    )
    .selectAll('request')
    .select('signing_key.description as key_description')
    .$if(at !== undefined && id !== undefined, (query) =>
      query.where(
        inHand
          ? sql<boolean>`(request.received_at, request.id) > (${at}, ${id})`
          : sql<boolean>`(request.updated_at, request.id) < (${at}, ${id})`,
      ),
    )
    .orderBy(`request.${column}`, inHand ? 'asc' : 'desc')
    .orderBy('request.id', inHand ? 'asc' : 'desc')
    .limit(limit + 1)
    .execute()
  const { count } = await base.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const summaries: RequestSummary[] = []
  for (const row of page) summaries.push(summaryOf(row, row.key_description, await keyIsAwaited(db, row)))
  return {
    rows: summaries,
    total: count,
    nextCursor: rows.length > limit && last !== undefined ? `${last[column]} ${last.id}` : null,
  }
}

/** Read from the sheet under review, and only of rows that can be such: a sheet can be large. */
export async function keyIsAwaited(db: Kysely<Database>, row: RequestRow): Promise<boolean> {
  if (row.stage !== 'review' || row.worst_check !== 'unknown') return false
  const state = parseState(row.state)
  const found = state.kind === 'review' ? await findSheet(db, requestId.parse(row.id), state.sheetDigest) : null
  return found !== null && waitsForKey(found.sheet.checks)
}

export async function showRequest(db: Kysely<Database>, id: RequestId): Promise<RequestDetail | null> {
  const row = await findRequest(db, id)
  if (row === null) return null
  const state = parseState(row.state)
  const decision = await readerOf(db).selectFrom('decision').selectAll().where('request_id', '=', id).executeTakeFirst()
  const decidedOn = decision?.sheet_digest ?? (state.kind === 'review' ? state.sheetDigest : null)
  const stored = decidedOn === null ? await newestSheet(db, id) : await findSheet(db, id, decidedOn)
  const wish =
    stored !== null ? null : decidedOn === null ? await newestWish(db, id) : await findWish(db, id, decidedOn)
  const outcomes = await fileOutcomes(db, id, stored?.sheet.furtherKeys ?? [])
  const files = await readerOf(db)
    .selectFrom('request_file')
    .select(['ordinal', 'path'])
    .where('request_id', '=', id)
    .orderBy('ordinal')
    .execute()
  const key = stored?.sheet.key.registered?.description ?? null
  return {
    summary: summaryOf(row, key, await keyIsAwaited(db, row)),
    sheet: stored?.sheet ?? null,
    generation: wish === null ? null : { wish: wish.wish, made: shownGeneration(await generationOfRequest(db, id)) },
    sheetDigest: stored?.digest ?? wish?.digest ?? null,
    approvability: stored === null || state.kind !== 'review' ? null : mutable(approvability(stored.sheet.checks)),
    files: files.map((file) => ({ ...file, ...outcomes(file.ordinal) })),
    // What waits for a person holds up no other work of this station.
    held: isByHand(row) || isExternalDebsign(row) ? null : heldOf(row),
    ...(isByHand(row)
      ? { byHand: await shownDelivery(db, row, 'failure' in state ? (state.failure?.code ?? null) : null) }
      : {}),
    failure: 'failure' in state ? state.failure : null,
    decision:
      decision === undefined
        ? null
        : {
            kind: decision.kind === 'approved' ? 'approved' : 'declined',
            operator: decision.operator,
            at: decision.at,
            reason: decision.reason,
          },
    auditSeqs: [...(await entriesOfRequest(readerOf(db), id))],
  }
}

function mutable(may: ReturnType<typeof approvability>): NonNullable<RequestDetail['approvability']> {
  return may.kind === 'approvable'
    ? { kind: 'approvable', acknowledge: [...may.acknowledge] }
    : { kind: 'blocked', by: [...may.by] }
}
