import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { AuditState } from '../../shared/audit.ts'
import { sha256Hex } from '../../shared/ids.ts'

/** The log as it stands now, for the bottom line: how many entries, and the newest leaf hash. What a check found wrong stays. */
export async function logNow(db: Kysely<Database>, found: AuditState): Promise<AuditState> {
  if (found.kind !== 'whole') return found
  const head = await readerOf(db)
    .selectFrom('audit_entry')
    .select(['seq', 'leaf_hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return head === undefined
    ? { kind: 'whole', entries: 0, head: null }
    : { kind: 'whole', entries: head.seq, head: sha256Hex.parse(Buffer.from(head.leaf_hash).toString('hex')) }
}

export async function requestsInHand(db: Kysely<Database>): Promise<number> {
  const row = await readerOf(db)
    .selectFrom('request')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('stage', '<>', 'done')
    .executeTakeFirstOrThrow()
  return row.count
}
