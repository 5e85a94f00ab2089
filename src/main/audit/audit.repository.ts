import { type ExpressionBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'
import type { AuditDetail, AuditFilter, AuditRow } from '../../shared/audit.ts'
import { type AuditSeq, sha256Hex } from '../../shared/ids.ts'
import { hex } from './bytes.ts'
import { digestPrefixLength } from './digest-index.ts'
import { decodeEntry } from './format/encode.ts'
import { shown } from './shown-row.ts'
import { ofNoKnownEvent } from './unknown-events.ts'

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
  const everything = Object.values(filter).every((wanted) => wanted === undefined)
  // Counting and skipping read a row each; where all entries are listed their numbers say both.
  const known = everything ? (places ?? withoutGaps(await headOf(db))) : null
  const total = known?.count ?? (await countOf(db, filter))
  let page = filtered(db.selectFrom('audit_entry'), filter)
    .selectAll()
    .orderBy('seq', 'desc')
    .limit(limit + 1)
  if (known === null) {
    if (before !== null) page = page.where('seq', '<', before)
    if (skip > 0) page = page.offset(skip)
  } else {
    const first = await known.at((before === null ? 0 : await known.from(before)) + skip)
    page = page.where('seq', '<=', first ?? 0)
  }
  const found = await page.execute()
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const workRequests = await workRequestNumbers(db, rows)
  return {
    rows: rows.map((row) => shown(row, workRequests)),
    total,
    nextCursor: found.length > limit && last !== undefined ? String(last.seq) : null,
    anchor: before === null ? await anchorOf(db, known) : String(before),
  }
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

async function countOf(db: ReadonlyKysely<Database>, filter: AuditFilter): Promise<number> {
  const { total } = await filtered(db.selectFrom('audit_entry'), filter)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  return total
}

async function anchorOf(db: ReadonlyKysely<Database>, known: Numbers | null): Promise<string | null> {
  const head = known === null ? await headOf(db) : ((await known.at(0)) ?? 0)
  return head === 0 ? null : String(head + 1)
}

/** The entry with the proof that `prove` gives for it. */
export async function showEntry(
  db: ReadonlyKysely<Database>,
  seq: AuditSeq,
  prove: (seq: AuditSeq) => Promise<string | null>,
): Promise<AuditDetail | null> {
  const found = await db.selectFrom('audit_entry').selectAll().where('seq', '=', seq).executeTakeFirst()
  if (found === undefined) return null
  return {
    row: shown(found, await workRequestNumbers(db, [found])),
    entry: new TextDecoder().decode(found.entry),
    leafHash: sha256Hex.parse(hex(found.leaf_hash)),
    previousLeafHash: sha256Hex.parse(hex(found.prev_hash)),
    proof: await prove(seq),
  }
}

/** Numbers of the entries about a request, ascending. */
export async function entriesOfRequest(db: ReadonlyKysely<Database>, requestId: string): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('audit_entry')
    .select('seq')
    .where('request_id', '=', requestId)
    .orderBy('seq')
    .execute()
  return rows.map((row) => row.seq)
}

type Entries = SelectQueryBuilder<Database, 'audit_entry', object>

function filtered(query: Entries, filter: AuditFilter): Entries {
  let wanted = query
  // What leaves a few entries decides the way; of the others the planner knows nothing, and one index of a seventh of a million
  // entries is slower than looking at those few. A plus before a column keeps its index out (sqlite.org/optoverview.html §2).
  const few = filter.requestId ?? filter.workRequestId ?? filter.digest
  const broad = (column: 'event' | 'purpose' | 'operator' | 'fingerprint' | 'at') =>
    few === undefined ? sql<string>`${sql.ref(column)}` : sql<string>`+${sql.ref(column)}`
  if (filter.event === 'unreadable') wanted = wanted.where(ofNoKnownEvent)
  else if (filter.event !== undefined) wanted = wanted.where(broad('event'), '=', filter.event)
  if (filter.purpose !== undefined) wanted = wanted.where(broad('purpose'), '=', filter.purpose)
  if (filter.operator !== undefined) wanted = wanted.where(broad('operator'), '=', filter.operator)
  if (filter.requestId !== undefined) wanted = wanted.where('request_id', '=', filter.requestId)
  if (filter.workRequestId !== undefined) {
    const ofWork = (eb: ExpressionBuilder<Database, 'audit_entry'>) =>
      eb.selectFrom('audit_entry as named').where('named.work_request_id', '=', filter.workRequestId ?? null)
    // Also what names the request by the station's own id alone: sheets, decisions, the return.
    wanted = wanted.where((eb) =>
      eb(
        'audit_entry.seq',
        'in',
        ofWork(eb)
          .select('named.seq')
          .union(
            eb
              .selectFrom('audit_entry as same')
              .select('same.seq')
              .where('same.request_id', 'in', ofWork(eb).select('named.request_id')),
          ),
      ),
    )
  }
  if (filter.since !== undefined) wanted = wanted.where(broad('at'), '>=', filter.since)
  if (filter.until !== undefined) wanted = wanted.where(broad('at'), '<=', filter.until)
  if (filter.fingerprint !== undefined) {
    // As people copy them: with colons or blanks, in either case, or only the beginning. A range, so that the index serves.
    const start = filter.fingerprint.replace(/[:\s]/g, '').toUpperCase()
    // A whole one by equality: behind it the index is in the order of the list, and nothing is sorted.
    wanted =
      start.length === 64
        ? wanted.where(broad('fingerprint'), '=', start)
        : wanted.where(broad('fingerprint'), '>=', start).where(broad('fingerprint'), '<', `${start}G`)
  }
  if (filter.digest !== undefined) {
    wanted = withDigest(wanted, filter.digest.replace(/[:\s]/g, '').toLowerCase())
  }
  return wanted
}

const digestColumns = ['input_sha256', 'output_sha256', 'signed_digest', 'sheet_digest'] as const

/** Entries of which one digest begins with `start`: found by the index, or behind its reach, and then compared. */
function withDigest(query: Entries, start: string): Entries {
  const prefix = start.slice(0, digestPrefixLength)
  return query
    .where((eb) =>
      eb(
        'audit_entry.seq',
        'in',
        eb
          .selectFrom('audit_digest')
          .select('seq')
          .where('prefix', '>=', prefix)
          .where('prefix', '<', `${prefix}g`)
          .union(
            eb
              .selectFrom('audit_entry')
              .select('seq')
              .where('sheet_digest', '>=', start)
              .where('sheet_digest', '<', `${start}g`),
          )
          .union(
            eb
              .selectFrom('audit_entry')
              .select('seq')
              // Without a reach every entry is looked at: nothing is hidden by taking it out.
              .where('seq', '>', (inner) =>
                inner.fn.coalesce(
                  inner.selectFrom('audit_digest_reach').select('seq').where('id', '=', 1),
                  sql<number>`0`,
                ),
              ),
          ),
      ),
    )
    .where((eb) =>
      eb.or(digestColumns.map((column) => eb.and([eb(column, '>=', start), eb(column, '<', `${start}g`)]))),
    )
}

/**
 * The work request of each entry that names its request by the station's own id alone, from the entry with which that request
 * began: at the server, and in what people say, it has only this number.
 */
async function workRequestNumbers(
  db: ReadonlyKysely<Database>,
  rows: readonly AuditEntryRow[],
): Promise<ReadonlyMap<string, number>> {
  const numbers = new Map<string, number>()
  for (const id of new Set(rows.map((row) => (row.work_request_id === null ? row.request_id : null)))) {
    if (id === null) continue
    const first = await db
      .selectFrom('audit_entry')
      .select('entry')
      .where('request_id', '=', id)
      .orderBy('seq')
      .limit(1)
      .executeTakeFirst()
    const decoded = first === undefined ? null : decodeEntry(first.entry)
    if (decoded?.ok !== true || decoded.value.body.event !== 'request-received') continue
    const { requestId, workRequestId } = decoded.value.body
    if (requestId === id && workRequestId !== null) numbers.set(id, workRequestId)
  }
  return numbers
}
