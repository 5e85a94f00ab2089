import type { ReadonlyKysely } from 'kysely/readonly'
import { indexKind } from '../../../db/audit-index.ts'
import type { Database } from '../../../db/database.ts'
import { readRows } from './read-rows.ts'

/** Numbers from the first to the last; none where the last is smaller. */
export interface Span {
  readonly first: number
  readonly last: number
}

export interface TimeSpan extends Span {
  /** The clock went back: not every entry in the span is of the time that was asked for. */
  readonly scattered: boolean
}

export const anyNumber: TimeSpan = { first: 1, last: Number.MAX_SAFE_INTEGER - 1, scattered: false }

/** Between two of these entries time only grows. */
interface ClockBack {
  readonly seq: number
  readonly at: string
  /** Time of the entry before it. */
  readonly before: string
}

/**
 * How often a clock may have gone back so that the log is still searched piece by piece. A foreign log can be made of nothing else:
 * then the time of each entry is looked at.
 */
const mostPieces = 1000

// `lag` over the entries that the index does not have yet, and the one before them.
const clockBacks = `
  SELECT i.seq AS seq, i.value AS at, (SELECT p.at FROM audit_entry AS p WHERE p.seq < i.seq ORDER BY p.seq DESC LIMIT 1) AS before
    FROM audit_index AS i WHERE i.kind = ${indexKind.clockBack} AND i.seq <= ?
  UNION ALL
  SELECT seq, at, before FROM (SELECT seq, at, lag(at) OVER (ORDER BY seq) AS before FROM audit_entry WHERE seq >= ?)
    WHERE at < before
  ORDER BY 1 LIMIT ${mostPieces}`

// Two questions: of both at once SQLite reads the whole table.
const bothEnds = 'SELECT (SELECT min(seq) FROM audit_entry) AS first, (SELECT max(seq) FROM audit_entry) AS last'

/** The smallest number from the first parameter on whose entry is at or after a time; the second where there is none before it. */
const bisect = (operator: '>=' | '>') => `
  WITH RECURSIVE step (low, high) AS (
    SELECT CAST(? AS INTEGER), CAST(? AS INTEGER)
    UNION ALL
    SELECT iif(e.at ${operator} ?, low, (low + high) / 2 + 1), iif(e.at ${operator} ?, (low + high) / 2, high)
    FROM step JOIN audit_entry AS e ON e.seq = (SELECT max(seq) FROM audit_entry WHERE seq <= (low + high) / 2)
    WHERE low < high)
  SELECT low AS seq FROM step WHERE low >= high`
const firstFrom = bisect('>=')
const firstAfter = bisect('>')

/** The numbers of the entries from a time until another, both included. Time grows with the number, but where the clock went back. */
export async function spanOfTime(
  db: ReadonlyKysely<Database>,
  since: string | undefined,
  until: string | undefined,
  reach: number,
): Promise<TimeSpan> {
  if (since === undefined && until === undefined) return anyNumber
  const [ends] = await readRows<{ first: number | null; last: number | null }>(db, bothEnds)
  const whole: Span = { first: ends?.first ?? 1, last: ends?.last ?? 0 }
  const backs = await readRows<ClockBack>(db, clockBacks, [reach, reach])
  if (backs.length >= mostPieces) return { ...whole, scattered: true }

  async function find(statement: string, from: number, beyond: number, time: string): Promise<number> {
    const [found] = await readRows<{ seq: number }>(db, statement, [from, beyond, time, time])
    return found?.seq ?? beyond
  }
  const spans: Span[] = []
  for (const [index, back] of [null, ...backs].entries()) {
    const piece = { first: back?.seq ?? whole.first, last: (backs[index]?.seq ?? whole.last + 1) - 1 }
    const latest = backs[index]?.before
    if (latest !== undefined && since !== undefined && latest < since) continue
    if (back !== null && until !== undefined && back.at > until) continue
    const first = since === undefined ? piece.first : await find(firstFrom, piece.first, piece.last + 1, since)
    const last = until === undefined ? piece.last : (await find(firstAfter, piece.first, piece.last + 1, until)) - 1
    if (first > last) continue
    const before = spans.at(-1)
    if (before?.last === first - 1) spans[spans.length - 1] = { first: before.first, last }
    else spans.push({ first, last })
  }
  const [first] = spans
  const last = spans.at(-1)
  if (first === undefined || last === undefined) return { first: 1, last: 0, scattered: false }
  return { first: first.first, last: last.last, scattered: spans.length > 1 }
}
