import { setImmediate } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Database, readerOf } from '../../../db/database.ts'
import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'
import { LogNotTrusted, type LogUnwritable, writeTransaction } from '../../../db/write-transaction.ts'
import { ok, type Result } from '../../shared/result.ts'

/** Hexadecimal digits of a digest that are kept for looking it up; what is found is compared with the whole digest. */
export const digestPrefixLength = 16

/** Entries taken at once; between two slices the event loop is free. */
const slice = 200

type Digests = Partial<Pick<AuditEntryRow, 'input_sha256' | 'output_sha256' | 'signed_digest'>>
const digestNames = ['input_sha256', 'output_sha256', 'signed_digest'] as const

/** What `audit_digest` holds for an entry. The digest of a sheet has an index of its own: it is the same for a whole request. */
export function digestPrefixes(row: Digests): readonly string[] {
  const prefixes = digestNames.flatMap((name) => row[name]?.slice(0, digestPrefixLength) ?? [])
  return [...new Set(prefixes)]
}

/**
 * Brings `audit_digest` up to the last entry; gives how far it came. Entries are found without it too, one by one: it may be late.
 * Stops between two slices when `stopped` says so.
 */
export async function indexDigests(
  db: Kysely<Database>,
  stopped: () => boolean = () => false,
): Promise<Result<number, LogUnwritable>> {
  for (;;) {
    const from = (await digestReach(readerOf(db))) ?? 0
    const rows = await readerOf(db)
      .selectFrom('audit_entry')
      .select(['seq', ...digestNames])
      .where('seq', '>', from)
      .orderBy('seq')
      .limit(slice)
      .execute()
    const last = rows.at(-1)
    if (last === undefined || stopped()) return ok(from)
    const found = rows.flatMap((row) => digestPrefixes(row).map((prefix) => ({ prefix, seq: row.seq })))
    // Sorted, so that each page of the table is written once.
    found.sort((left, right) => (left.prefix < right.prefix ? -1 : 1))
    const written = await writeTransaction(db, async (trx) => {
      if (found.length > 0)
        await trx
          .insertInto('audit_digest')
          .values(found)
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      const reach = await trx
        .updateTable('audit_digest_reach')
        .set({ seq: last.seq })
        .where('id', '=', 1)
        .executeTakeFirst()
      if (reach.numUpdatedRows !== 1n) throw new LogNotTrusted('how far its digests are indexed was taken out of it')
    })
    if (!written.ok) return written
    await setImmediate()
  }
}

/** The last entry whose digests are in `audit_digest`. Null: the row that says so is gone, which the program never does. */
export async function digestReach(db: ReadonlyKysely<Database>): Promise<number | null> {
  const row = await db.selectFrom('audit_digest_reach').select('seq').where('id', '=', 1).executeTakeFirst()
  return row?.seq ?? null
}

/**
 * The first of these entries that `audit_digest` does not lead to although it should, or null: a row was taken out, so that a search
 * would not find the entry.
 */
export async function firstNotIndexed(
  db: ReadonlyKysely<Database>,
  rows: readonly (Digests & { readonly seq: number })[],
  reach: number,
): Promise<number | null> {
  const wanted = rows
    .filter(({ seq }) => seq <= reach)
    .flatMap((row) => digestPrefixes(row).map((prefix) => [prefix, row.seq] as const))
  if (wanted.length === 0) return null
  const missing = await db
    .selectFrom(sql<{ value: string }>`json_each(${JSON.stringify(wanted)})`.as('wanted'))
    .select(sql<number>`wanted.value ->> 1`.as('lost'))
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('audit_digest')
            .select('seq')
            .where('prefix', '=', sql<string>`wanted.value ->> 0`)
            .where('seq', '=', sql<number>`wanted.value ->> 1`),
        ),
      ),
    )
    .orderBy('lost')
    .limit(1)
    .executeTakeFirst()
  return missing?.lost ?? null
}

/** Milliseconds without a new entry after which the digests are brought up: not between two signatures of a run. */
const quietMs = 2000

export interface DigestIndexer {
  /** An entry came. */
  touch(): void
  /** Ends it, and waits for what runs. */
  close(): Promise<void>
}

/** Follows the log when nobody signs. */
export function createDigestIndexer(db: Kysely<Database>, failed: (error: unknown) => void): DigestIndexer {
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let touchedMeanwhile = false
  let closed = false

  async function run(): Promise<void> {
    const done = await indexDigests(db, () => closed)
    if (!done.ok) failed(done.error)
  }

  function start(): void {
    timer = null
    running = run()
      .catch(failed)
      .finally(() => {
        running = null
        if (!touchedMeanwhile) return
        touchedMeanwhile = false
        touch()
      })
  }

  function touch(): void {
    if (closed) return
    if (running !== null) touchedMeanwhile = true
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
