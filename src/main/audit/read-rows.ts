import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'

/** What a SELECT of our own text gives, with a value for each `?` of it. As a part of a query, so that it cannot write. */
export async function readRows<Row>(
  db: ReadonlyKysely<Database>,
  select: string,
  values: readonly (string | number)[] = [],
): Promise<readonly Row[]> {
  const [start = '', ...parts] = select.split('?')
  if (parts.length !== values.length) throw new Error('there is a value for each place of a statement')
  const text = [sql.raw(start), ...parts.flatMap((part, place) => [sql`${values[place]}`, sql.raw(part)])]
  const rows = await db
    .selectFrom(sql<Row>`(${sql.join(text, sql``)})`.as('found'))
    .selectAll()
    .execute()
  return rows as readonly Row[]
}
