import { setImmediate } from 'node:timers/promises'
import { CompiledQuery, type Kysely, type Selectable } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { fillIndex, indexLines } from '../../../db/audit-index.ts'
import { type Database, readerOf } from '../../../db/database.ts'
import type { AuditIndexTable } from '../../../db/tables/audit-entry.table.ts'
import { LogNotTrusted, type LogUnwritable, writeTransaction } from '../../../db/write-transaction.ts'
import { ok, type Result } from '../../shared/result.ts'
import { readRows } from './read-rows.ts'

/** Entries taken at once; between two slices the event loop is free. */
const slice = 200

/**
 * Brings `audit_index` up to the last entry; gives how far it came. Entries are found without it too, one by one: it may be late.
 * Stops between two slices when `stopped` says so.
 */
export async function indexEntries(
  db: Kysely<Database>,
  stopped: () => boolean = () => false,
): Promise<Result<number, LogUnwritable>> {
  for (;;) {
    const from = (await indexReach(readerOf(db))) ?? 0
    const head = await readerOf(db)
      .selectFrom('audit_entry')
      .select('seq')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    const upTo = Math.min(from + slice, head?.seq ?? 0)
    if (upTo <= from || stopped()) return ok(from)
    const written = await writeTransaction(db, async (trx) => {
      for (const statement of fillIndex) await trx.executeQuery(CompiledQuery.raw(statement, [from, upTo]))
      const reach = await trx.updateTable('audit_index_reach').set({ seq: upTo }).where('id', '=', 1).executeTakeFirst()
      if (reach.numUpdatedRows !== 1n) throw new LogNotTrusted('how far it is indexed was taken out of it')
    })
    if (!written.ok) return written
    await setImmediate()
  }
}

/** The last entry that is in `audit_index`. Null: the row that says so is gone, which the program never does. */
export async function indexReach(db: ReadonlyKysely<Database>): Promise<number | null> {
  const row = await db.selectFrom('audit_index_reach').select('seq').where('id', '=', 1).executeTakeFirst()
  return row?.seq ?? null
}

const compareLines = `SELECT count(*) AS lines, min(CASE WHEN NOT EXISTS (
    SELECT 1 FROM audit_index AS i WHERE i.kind = w.kind AND i.value = w.value AND i.seq = w.seq) THEN w.seq END) AS lost
  FROM (${indexLines.join(' UNION ALL ')}) AS w`

export interface IndexedLines {
  /** How many lines these entries have. */
  readonly lines: number
  /** The first of these entries to which a line does not lead although it should: a search would not find it. */
  readonly lost: number | null
}

/** Looks up what `audit_index` should hold of the entries after `after`, up to `upTo`, which is not beyond its reach. */
export async function compareIndex(db: ReadonlyKysely<Database>, after: number, upTo: number): Promise<IndexedLines> {
  const rows = await readRows<IndexedLines>(
    db,
    compareLines,
    indexLines.flatMap(() => [after, upTo]),
  )
  return rows[0] ?? { lines: 0, lost: null }
}

/** Lines counted at once: a few milliseconds. */
const counted = 10_000
type Line = Selectable<AuditIndexTable>
const nextLines =
  'SELECT kind, value, seq FROM audit_index WHERE (kind, value, seq) > (?, ?, ?) ORDER BY kind, value, seq'

/** How many lines lead to entries up to `reach`. More than the entries have: some lead to entries that are not what was searched for. */
export async function countIndex(
  db: ReadonlyKysely<Database>,
  reach: number,
  nextTurn: () => Promise<void>,
): Promise<number> {
  let sum = 0
  let last: readonly [number, string, number] = [0, '', 0]
  for (;;) {
    const [within] = await readRows<{ lines: number }>(
      db,
      `SELECT count(*) AS lines FROM (${nextLines} LIMIT ${counted}) WHERE seq <= ?`,
      [...last, reach],
    )
    sum += within?.lines ?? 0
    const [end] = await readRows<Line>(db, `${nextLines} LIMIT 1 OFFSET ${counted - 1}`, last)
    if (end === undefined) return sum
    last = [end.kind, end.value, end.seq]
    await nextTurn()
  }
}

/** Milliseconds without a new entry after which the index is brought up: not between two signatures of a run. */
const quietMs = 2000

/** Entries that may wait for a quiet moment. A search reads those one by one, in a fraction of a millisecond. */
export const longestTail = 2000

export interface EntryIndexer {
  /** So many entries came. */
  touch(entries: number): void
  /** Ends it, and waits for what runs. */
  close(): Promise<void>
}

/** Follows the log when nobody signs, or when a run is so long that a search would have to read too much without it. */
export function createEntryIndexer(db: Kysely<Database>, failed: (error: unknown) => void): EntryIndexer {
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  /** Entries that came since it ran last, or tried to. */
  let waiting = 0
  let closed = false

  async function run(): Promise<void> {
    const done = await indexEntries(db, () => closed)
    if (!done.ok) failed(done.error)
  }

  function start(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    waiting = 0
    running = run()
      .catch(failed)
      .finally(() => {
        running = null
        if (waiting > 0) touch(0)
      })
  }

  function touch(entries: number): void {
    if (closed) return
    waiting += entries
    if (running !== null) return
    if (waiting >= longestTail) start()
    else if (timer === null) timer = setTimeout(start, quietMs).unref()
    else timer.refresh()
  }

  return {
    touch,
    close: async () => {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await running
    },
  }
}
