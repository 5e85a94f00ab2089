import type { Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { decodeEntry } from '../audit/format/encode.ts'
import { serviceKeyFingerprint } from '../token/service-key-fingerprint.ts'
import type { ServiceKeyFile } from '../token/token-service.ts'

/** Fingerprints of the service keys that the log names already. */
export async function loggedServiceKeys(db: ReadonlyKysely<Database>): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('audit_entry')
    .select('entry')
    .where('event', '=', 'service-key-added')
    .orderBy('seq')
    .execute()
  const found = new Set<string>()
  for (const { entry } of rows) {
    const decoded = decodeEntry(entry)
    if (decoded.ok && decoded.value.body.event === 'service-key-added') found.add(decoded.value.body.serviceKey)
  }
  return found
}

/** Enters those that came into the folder without a word of this program: by hand, from a backup, at the birth of the station. */
export async function noteFoundServiceKeys(
  trx: Transaction<Database>,
  audit: AuditLog,
  { files, known, operator }: { files: readonly ServiceKeyFile[]; known: ReadonlySet<string>; operator: string },
): Promise<void> {
  const entries = files.flatMap(({ file, publicKey }) => {
    const serviceKey = publicKey === null ? null : serviceKeyFingerprint(publicKey)
    return serviceKey === null || known.has(serviceKey) ? [] : [{ file, serviceKey }]
  })
  if (entries.length === 0) return
  await audit.append(
    trx,
    entries.map(({ file, serviceKey }) => ({ event: 'service-key-added', serviceKey, file, how: 'found', operator })),
  )
}
