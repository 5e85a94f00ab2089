import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { entriesOfRequest } from '../audit/audit.repository.ts'
import { decodeEntry } from '../audit/format/encode.ts'

/** So many numbers at once, of a request with thousands of files. */
const atOnce = 500

/**
 * Whether the log has an approval of this very sheet, by a person or by one that was given ahead. What a request goes on under is not believed
 * of its row: whoever can write the file could make one that looks approved, under a sheet of his own.
 */
export async function isApprovedInLog(db: Kysely<Database>, requestId: string, sheetDigest: string): Promise<boolean> {
  const reader = readerOf(db)
  const seqs = await entriesOfRequest(reader, requestId)
  for (let from = 0; from < seqs.length; from += atOnce) {
    const rows = await reader
      .selectFrom('audit_entry')
      .select('entry')
      .where('seq', 'in', seqs.slice(from, from + atOnce))
      .where('event', 'in', ['approved', 'standing-approval-used'])
      .execute()
    for (const { entry } of rows) {
      const decoded = decodeEntry(entry)
      if (!decoded.ok) continue
      const { body } = decoded.value
      if (body.event !== 'approved' && body.event !== 'standing-approval-used') continue
      if (body.requestId === requestId && body.sheetDigest === sheetDigest) return true
    }
  }
  return false
}

export const notApprovedInLog: Failure = {
  kind: 'refused',
  code: 'approval-not-logged',
  message:
    'The database says that this was approved, and the log has no such approval: somebody changed the database. Nothing more is signed. Stop the request, and find out who writes to the database.',
}
