import { type RawBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { digestPrefixLength, indexKind } from '../../../db/audit-index.ts'
import type { Database } from '../../../db/database.ts'
import { type AuditFilter, auditEvent } from '../../shared/audit.ts'
import { indexReach } from './entry-index.ts'
import { anyNumber, spanOfTime, type TimeSpan } from './entry-times.ts'

/** A member of a filter, in three forms: on `audit_index AS i`, on `audit_entry AS e`, and how the first of them finds. */
interface Condition {
  readonly indexed: RawBuilder<unknown>
  readonly entry: RawBuilder<unknown>
  /**
   * `settles`: one value, so each entry is found once, in order. `once`: values from one to another; each entry is found once.
   * `compare`: an entry may be found more than once, and is still to be compared.
   */
  readonly finds: 'settles' | 'once' | 'compare'
}

/** A filter, ready to be asked for. */
export interface EntrySearch {
  /** The first of them leads: it leaves the fewest entries. */
  readonly conditions: readonly Condition[]
  /** The numbers between which the time of the filter lies. */
  readonly span: TimeSpan
  readonly time: RawBuilder<unknown>
  /** Entries after it are read one by one. */
  readonly reach: number
}

const ofKind = (kind: keyof typeof indexKind, value: string): RawBuilder<unknown> =>
  sql`i.kind = ${sql.raw(String(indexKind[kind]))} AND i.value = ${value}`

const between = (kind: keyof typeof indexKind, from: string, below: string): RawBuilder<unknown> =>
  sql`i.kind = ${sql.raw(String(indexKind[kind]))} AND i.value >= ${from} AND i.value < ${below}`

function settled(kind: 'event' | 'purpose' | 'operator' | 'fingerprint' | 'request', value: string): Condition {
  const column = kind === 'request' ? 'request_id' : kind
  return { indexed: ofKind(kind, value), entry: sql`e.${sql.ref(column)} = ${value}`, finds: 'settles' }
}

/**
 * Entries of which the column says no event of this version: written by a newer one, or by somebody who wants them overlooked. In the
 * index of a foreign log these are all that cannot be read (log-review/process). There are few events, so from each the next one is
 * looked up, whatever a million entries of them are.
 */
function ofNoKnownEvent(): Condition {
  const known = sql`SELECT value FROM json_each(${JSON.stringify(auditEvent.options)})`
  const event = sql.raw(String(indexKind.event))
  const next = sql`SELECT min(value) FROM audit_index WHERE kind = ${event}`
  const there = sql`WITH RECURSIVE there(event) AS (${next}
      UNION ALL SELECT (${next} AND value > there.event) FROM there WHERE there.event IS NOT NULL)
    SELECT event FROM there WHERE event NOT IN (${known})`
  return {
    indexed: sql`i.kind = ${event} AND i.value IN (${there})`,
    entry: sql`e.event NOT IN (${known})`,
    finds: 'once',
  }
}

function ofFingerprint(text: string): Condition {
  // As people copy them: with colons or blanks, in either case, or only the beginning.
  const start = text.replace(/[:\s]/g, '').toUpperCase()
  if (start.length === 64) return settled('fingerprint', start)
  return {
    indexed: between('fingerprint', start, `${start}G`),
    entry: sql`e.fingerprint >= ${start} AND e.fingerprint < ${`${start}G`}`,
    finds: 'once',
  }
}

const digestColumns = ['input_sha256', 'output_sha256', 'signed_digest', 'sheet_digest'] as const

/** Entries of which one digest begins so. */
function ofDigest(text: string): Condition {
  const start = text.replace(/[:\s]/g, '').toLowerCase()
  const prefix = start.slice(0, digestPrefixLength)
  const any = digestColumns.map(
    (column) => sql`e.${sql.ref(column)} >= ${start} AND e.${sql.ref(column)} < ${`${start}g`}`,
  )
  return {
    indexed: between('digest', prefix, `${prefix}g`),
    entry: sql`(${sql.join(any, sql` OR `)})`,
    finds: 'compare',
  }
}

/** Also what names the request by the station's own id alone: sheets, decisions, the return. */
async function ofWorkRequest(db: ReadonlyKysely<Database>, number: number, reach: number): Promise<Condition> {
  const named: Condition = {
    indexed: ofKind('workRequest', String(number)),
    entry: sql`e.work_request_id = ${number}`,
    finds: 'settles',
  }
  const naming = matching({ conditions: [named], span: anyNumber, time: anyTime, reach }, null)
  const rows = await db
    .selectFrom('audit_entry')
    .select('request_id')
    .distinct()
    .where('seq', 'in', sql<number>`(${naming})`)
    .where('request_id', 'is not', null)
    .execute()
  const ids = sql`SELECT value FROM json_each(${JSON.stringify(rows.map((row) => row.request_id))})`
  const kinds = { work: sql.raw(String(indexKind.workRequest)), request: sql.raw(String(indexKind.request)) }
  return {
    indexed: sql`i.kind IN (${kinds.work}, ${kinds.request}) AND i.value IN (SELECT ${String(number)} UNION ALL ${ids})`,
    entry: sql`(e.work_request_id = ${number} OR e.request_id IN (${ids}))`,
    finds: 'compare',
  }
}

const anyTime = sql`1`

export async function searchFor(db: ReadonlyKysely<Database>, filter: AuditFilter): Promise<EntrySearch> {
  // Without a reach every entry is looked at: nothing is hidden by taking it out.
  const reach = (await indexReach(db)) ?? 0
  const span = await spanOfTime(db, filter.since, filter.until, reach)
  const { requestId, workRequestId, digest, purpose, operator, fingerprint, event } = filter
  const conditions = [
    requestId === undefined ? null : settled('request', requestId),
    workRequestId === undefined ? null : await ofWorkRequest(db, workRequestId, reach),
    digest === undefined ? null : ofDigest(digest),
    purpose === undefined ? null : settled('purpose', purpose),
    operator === undefined ? null : settled('operator', operator),
    fingerprint === undefined ? null : ofFingerprint(fingerprint),
    event === undefined ? null : event === 'unreadable' ? ofNoKnownEvent() : settled('event', event),
  ].filter((condition) => condition !== null)
  const time = [
    ...(filter.since === undefined ? [] : [sql`e.at >= ${filter.since}`]),
    ...(filter.until === undefined ? [] : [sql`e.at <= ${filter.until}`]),
  ]
  return { conditions, span, time: span.scattered ? sql.join(time, sql` AND `) : anyTime, reach }
}

/** Two statements, each of which gives numbers of entries that are searched for, below a number. */
interface Places {
  /** Entries that the index does not have yet. */
  readonly behind: RawBuilder<unknown>
  /** All the others, which are older. */
  readonly indexed: RawBuilder<unknown>
}

function placesOf({ conditions, span, time, reach }: EntrySearch, below: number | null): Places {
  const last = Math.min(span.last, (below ?? Number.MAX_SAFE_INTEGER) - 1)
  const all = sql.join([time, ...conditions.map(({ entry }) => entry)], sql` AND `)
  const read = (from: number, to: number) =>
    sql`SELECT e.seq AS seq FROM audit_entry AS e WHERE e.seq >= ${from} AND e.seq <= ${to} AND ${all}`
  const behind = read(Math.max(span.first, reach + 1), last)
  const [lead, ...others] = conditions
  if (lead === undefined) return { behind, indexed: read(span.first, Math.min(last, reach)) }
  const ofEntry = [
    ...(lead.finds === 'compare' ? [lead.entry] : []),
    ...others.flatMap(({ finds, entry }) => (finds === 'settles' ? [] : [entry])),
    ...(span.scattered ? [time] : []),
  ]
  const rest = [
    ...others.flatMap(({ finds, indexed }) =>
      finds === 'settles' ? [sql`EXISTS (SELECT 1 FROM audit_index AS i WHERE ${indexed} AND i.seq = f.seq)`] : [],
    ),
    ...(ofEntry.length === 0
      ? []
      : [sql`EXISTS (SELECT 1 FROM audit_entry AS e WHERE e.seq = f.seq AND ${sql.join(ofEntry, sql` AND `)})`]),
  ]
  const select = sql.raw(lead.finds === 'compare' ? 'SELECT DISTINCT' : 'SELECT')
  const found = sql`${select} i.seq AS seq FROM audit_index AS i
    WHERE ${lead.indexed} AND i.seq >= ${span.first} AND i.seq <= ${Math.min(last, reach)}`
  const kept =
    rest.length === 0 ? found : sql`SELECT f.seq AS seq FROM (${found}) AS f WHERE ${sql.join(rest, sql` AND `)}`
  return { behind, indexed: kept }
}

/** A statement that gives the numbers of the entries that are searched for, below a number. */
export function matching(search: EntrySearch, below: number | null): RawBuilder<unknown> {
  const { behind, indexed } = placesOf(search, below)
  return sql`${behind} UNION ALL ${indexed}`
}

/** How many they are. */
export async function countMatching(db: ReadonlyKysely<Database>, search: EntrySearch): Promise<number> {
  const { behind, indexed } = placesOf(search, null)
  const count = sql<number>`(SELECT count(*) FROM (${behind})) + (SELECT count(*) FROM (${indexed}))`
  const { total } = await db.selectNoFrom(count.as('total')).executeTakeFirstOrThrow()
  return total
}

/** Numbers of the entries with one event or about one request, ascending. */
export async function entriesOf(
  db: ReadonlyKysely<Database>,
  kind: 'event' | 'request',
  value: string,
): Promise<readonly number[]> {
  const reach = (await indexReach(db)) ?? 0
  const search: EntrySearch = { conditions: [settled(kind, value)], span: anyNumber, time: anyTime, reach }
  const rows = await db
    .selectFrom(sql<{ seq: number }>`(${matching(search, null)})`.as('found'))
    .select('seq')
    .orderBy('seq')
    .execute()
  return rows.map((row) => row.seq)
}

/** The first entry about each request that has one. */
export async function beginnings(
  db: ReadonlyKysely<Database>,
  requests: readonly string[],
  reach: number,
): Promise<readonly { readonly id: string; readonly seq: number }[]> {
  if (requests.length === 0) return []
  const first = sql<number | null>`(SELECT i.seq FROM audit_index AS i
    WHERE ${sql`i.kind = ${sql.raw(String(indexKind.request))}`} AND i.value = wanted.value AND i.seq <= ${reach} ORDER BY i.seq LIMIT 1)`
  const rows = await db
    .selectFrom(sql<{ value: string }>`json_each(${JSON.stringify(requests)})`.as('wanted'))
    .select(['wanted.value as id', first.as('seq')])
    .execute()
  const indexed = rows.flatMap(({ id, seq }) => (seq === null ? [] : [{ id, seq }]))
  const others = rows.flatMap(({ id, seq }) => (seq === null ? [id] : []))
  if (others.length === 0) return indexed
  // What the index has comes before what is behind it.
  const behind = await db
    .selectFrom('audit_entry')
    .select(({ fn }) => ['request_id as id', fn.min('seq').as('seq')])
    .where('seq', '>', reach)
    .where('request_id', 'in', sql<string>`(SELECT value FROM json_each(${JSON.stringify(others)}))`)
    .groupBy('request_id')
    .execute()
  return [...indexed, ...behind.flatMap(({ id, seq }) => (id === null ? [] : [{ id, seq }]))]
}
