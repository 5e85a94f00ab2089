import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Database, readerOf } from '../../../db/database.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import { append, nothingSeen } from './append.ts'
import { listEntries, showEntry } from './audit.repository.ts'
import type { AuditLog } from './audit-log.ts'
import { checkLog } from './check.ts'
import { parseVerifierKey } from './format/signed-note.ts'
import { proveEntry } from './proofs.ts'
import { storedLogKey } from './tree.repository.ts'

/** One for each open database: it remembers the head it saw, and writes no more when that is gone. */
export function createAuditLog(db: Kysely<Database>, clock: () => Date): AuditLog {
  const seen = nothingSeen()
  const reader = readerOf(db)
  return {
    append: (trx, entries) => append(trx, entries, clock(), seen),
    list: (filter, cursor, limit, skip) => listEntries(reader, filter, cursor, limit, skip),
    show: (seq) => showEntry(reader, seq, (wanted) => provenIn(reader, wanted)),
    check: () =>
      checkLog(reader, async () => {
        await setImmediate()
      }),
  }
}

/** Null: the log has no key yet, no checkpoint covers the entry, or the proof does not verify. */
async function provenIn(db: ReadonlyKysely<Database>, seq: AuditSeq): Promise<string | null> {
  const vkey = await storedLogKey(db)
  const key = vkey === null ? null : parseVerifierKey(vkey)
  if (key?.ok !== true) return null
  const proof = await proveEntry(db, key.value, seq)
  return proof.ok ? proof.value : null
}
