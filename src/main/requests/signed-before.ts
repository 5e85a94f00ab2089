import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { Fingerprint, RequestId } from '../../shared/ids.ts'
import { requestId } from '../../shared/ids.ts'
import type { SheetFile } from '../../shared/review-sheet.ts'
import { isByHand } from './by-hand/hand.repository.ts'

type Before = SheetFile['signedBefore'][number]

const most = 16

/** Earlier signatures of the same bytes by this key, the newest first: of a file, or of one that several keys signed. */
export async function signedBefore(
  db: Kysely<Database>,
  id: RequestId,
  sha256: string,
  key: { readonly purpose: string; readonly fingerprint: Fingerprint },
): Promise<Before[]> {
  const rows = await Promise.all(
    (['signature', 'further_signature'] as const).map((table) =>
      db
        .selectFrom(table)
        .innerJoin('request', 'request.id', `${table}.request_id`)
        .select([`${table}.at`, `${table}.request_id`, 'request.work_request_id', 'request.server'])
        .where(`${table}.input_sha256`, '=', sha256)
        .where(`${table}.purpose`, '=', key.purpose)
        .where(`${table}.fingerprint`, '=', key.fingerprint)
        .where(`${table}.state`, '=', table === 'signature' ? 'signed' : 'made')
        .where(`${table}.request_id`, '<>', id)
        .orderBy(`${table}.at`, 'desc')
        .limit(most)
        .execute(),
    ),
  )
  return rows
    .flat()
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, most)
    .map((row) => ({
      at: row.at,
      requestId: requestId.parse(row.request_id),
      workRequest: isByHand(row) ? null : (row.work_request_id as Before['workRequest']), // CHECK in the schema
    }))
}
