import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'

/** The indexes that entries are found by, and what each is of. */
const indexes = [
  ['audit_entry_at', 'at'],
  ['audit_entry_event', 'event'],
  ['audit_entry_operator', 'operator'],
  ['audit_entry_request', 'request_id'],
  ['audit_entry_work_request', 'work_request_id'],
  ['audit_entry_fingerprint', 'fingerprint'],
  ['audit_entry_purpose', 'purpose'],
  ['audit_entry_sheet', 'sheet_digest'],
] as const satisfies readonly (readonly [string, keyof AuditEntryRow])[]

/**
 * The first of these rows that an index does not lead to: made with other keys and then named as the schema wants it, an index hides
 * a row from every search, and SQLite believes it. Null: each row is found by each of its columns.
 */
export async function firstHidden(
  db: ReadonlyKysely<Database>,
  rows: readonly AuditEntryRow[],
): Promise<{ readonly seq: number; readonly column: string } | null> {
  for (const [index, column] of indexes) {
    const wanted = rows.flatMap((row) => (row[column] === null ? [] : [[row[column], row.seq]]))
    const hidden = await db
      .selectFrom(sql<{ value: string }>`json_each(${JSON.stringify(wanted)})`.as('wanted'))
      .select(sql<number>`wanted.value ->> 1`.as('seq'))
      .where(
        sql<boolean>`NOT EXISTS (SELECT 1 FROM audit_entry INDEXED BY ${sql.id(index)}
          WHERE ${sql.id(column)} = wanted.value ->> 0 AND seq = wanted.value ->> 1)`,
      )
      .orderBy('seq')
      .limit(1)
      .executeTakeFirst()
    if (hidden !== undefined) return { seq: hidden.seq, column }
  }
  return null
}
