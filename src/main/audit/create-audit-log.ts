import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { append, nothingSeen } from './append.ts'
import { listEntries, showEntry } from './audit.repository.ts'
import type { AuditLog } from './audit-log.ts'
import { checkLog } from './check.ts'
import { proofIn } from './proofs.ts'

/** One for each open database: it remembers the head it saw, and writes no more when that is gone. */
export function createAuditLog(db: Kysely<Database>, clock: () => Date): AuditLog {
  const seen = nothingSeen()
  const reader = readerOf(db)
  return {
    append: (trx, entries) => append(trx, entries, clock(), seen),
    list: (filter, cursor, limit, skip) => listEntries(reader, filter, cursor, limit, skip),
    show: (seq) => showEntry(reader, seq, (wanted) => proofIn(reader, wanted)),
    check: () =>
      checkLog(reader, async () => {
        await setImmediate()
      }),
  }
}
