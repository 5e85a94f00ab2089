import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'
import type { AuditDetail, AuditFilter, AuditRow } from '../../shared/audit.ts'
import { type AuditSeq, sha256Hex } from '../../shared/ids.ts'
import { hex, sameBytes } from './bytes.ts'
import { indexReach } from './entry-index.ts'
import { beginnings, countMatching, type EntrySearch, entriesOf, matching, searchFor } from './entry-search.ts'
import type { Span } from './entry-times.ts'
import { decodeEntry } from './format/encode.ts'
import { shown } from './shown-row.ts'

export interface AuditPage {
  readonly rows: readonly AuditRow[]
  readonly total: number
  readonly nextCursor: string | null
  /** The cursor at which this list begins. */
  readonly anchor: string | null
}

/** The numbers that a log has. A log without a gap has 1 to its head; an export may leave entries out. */
export interface Numbers {
  readonly count: number
  /** The number at a place, counted from 0 at the newest; null beyond the oldest. */
  readonly at: (place: number) => Promise<number | null>
  /** How many are greater than or equal to a number. */
  readonly from: (seq: number) => Promise<number>
}

/**
 * Newest first. The cursor is the number of the last entry of the page before, so that entries that are appended meanwhile
 * move nothing. A cursor that is not one begins at the head. `skip` leaves out so many rows more.
 */
export async function listEntries(
  db: ReadonlyKysely<Database>,
  filter: AuditFilter,
  cursor: string | null,
  limit: number,
  skip = 0,
  places: Numbers | null = null,
): Promise<AuditPage> {
  const before = cursor !== null && /^[1-9][0-9]{0,15}$/.test(cursor) ? Number(cursor) : null
  const search = await searchFor(db, filter)
  const head = await headOf(db)
  const { rows: found, total } =
    search.conditions.length === 0 && !search.span.scattered
      ? await listed(db, places ?? withoutGaps(head), search.span, before, limit + 1, skip)
      : await searched(db, search, before, limit + 1, skip)
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const workRequests = await workRequestNumbers(db, rows, search.reach)
  return {
    rows: rows.map((row) => shown(row, workRequests)),
    total,
    nextCursor: found.length > limit && last !== undefined ? String(last.seq) : null,
    anchor: before !== null ? String(before) : head === 0 ? null : String(head + 1),
  }
}

interface Found {
  /** Newest first. */
  readonly rows: readonly AuditEntryRow[]
  readonly total: number
}

async function searched(
  db: ReadonlyKysely<Database>,
  search: EntrySearch,
  before: number | null,
  limit: number,
  skip: number,
): Promise<Found> {
  const page = db
    .selectFrom(sql<{ seq: number }>`(${matching(search, before)})`.as('found'))
    .select('seq')
    .orderBy('seq', 'desc')
    .limit(limit)
  const seqs = (await (skip > 0 ? page.offset(skip) : page).execute()).map(({ seq }) => seq)
  const rows = await db
    .selectFrom('audit_entry')
    .selectAll()
    .where('seq', 'in', sql<number>`(SELECT value FROM json_each(${JSON.stringify(seqs)}))`)
    .orderBy('seq', 'desc')
    .execute()
  return { rows, total: await countMatching(db, search) }
}

/** All entries of a time. Counting and skipping would read a row each, and their numbers say both. */
async function listed(
  db: ReadonlyKysely<Database>,
  known: Numbers,
  span: Span,
  before: number | null,
  limit: number,
  skip: number,
): Promise<Found> {
  const above = await known.from(span.last + 1)
  const total = Math.max(0, (await known.from(span.first)) - above)
  const first = await known.at(Math.max(above, before === null ? 0 : await known.from(before)) + skip)
  const rows = await db
    .selectFrom('audit_entry')
    .selectAll()
    .where('seq', '<=', first ?? 0)
    .where('seq', '>=', span.first)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute()
  return { rows, total }
}

function withoutGaps(head: number): Numbers {
  return {
    count: head,
    at: async (place) => (place < head ? head - place : null),
    from: async (seq) => Math.max(0, head - seq + 1),
  }
}

async function headOf(db: ReadonlyKysely<Database>): Promise<number> {
  const head = await db.selectFrom('audit_entry').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return head?.seq ?? 0
}

/** The entry with the proof that `prove` gives for it. */
export async function showEntry(
  db: ReadonlyKysely<Database>,
  seq: AuditSeq,
  prove: (seq: AuditSeq) => Promise<string | null>,
): Promise<AuditDetail | null> {
  const entry = await db.selectFrom('audit_entry').selectAll().where('seq', '=', seq).executeTakeFirst()
  if (entry === undefined) return null
  return {
    row: shown(entry, await workRequestNumbers(db, [entry], (await indexReach(db)) ?? 0)),
    ...bytesShown(entry.entry),
    leafHash: sha256Hex.parse(hex(entry.leaf_hash)),
    previousLeafHash: sha256Hex.parse(hex(entry.prev_hash)),
    proof: await prove(seq),
  }
}

/** As text where text gives the same bytes again. */
function bytesShown(bytes: Uint8Array): Pick<AuditDetail, 'entry' | 'entryHex'> {
  const entry = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return { entry, entryHex: sameBytes(new TextEncoder().encode(entry), bytes) ? null : hex(bytes) }
}

/** Numbers of the entries about a request, ascending. */
export async function entriesOfRequest(db: ReadonlyKysely<Database>, requestId: string): Promise<readonly number[]> {
  return entriesOf(db, 'request', requestId)
}

/**
 * The work request of each entry that names its request by the station's own id alone, from the entry with which that request
 * began: at the server, and in what people say, it has only this number.
 */
async function workRequestNumbers(
  db: ReadonlyKysely<Database>,
  rows: readonly AuditEntryRow[],
  reach: number,
): Promise<ReadonlyMap<string, number>> {
  const ids = new Set(rows.flatMap((row) => (row.work_request_id === null ? (row.request_id ?? []) : [])))
  const numbers = new Map<string, number>()
  for (const { id, seq } of await beginnings(db, [...ids], reach)) {
    const first = await db.selectFrom('audit_entry').select('entry').where('seq', '=', seq).executeTakeFirst()
    const decoded = first === undefined ? null : decodeEntry(first.entry)
    if (decoded?.ok !== true || decoded.value.body.event !== 'request-received') continue
    const { requestId, workRequestId } = decoded.value.body
    if (requestId === id && workRequestId !== null) numbers.set(id, workRequestId)
  }
  return numbers
}
