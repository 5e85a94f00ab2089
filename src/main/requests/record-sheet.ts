import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { CheckOutcome } from '../../shared/check.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId, Sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { transition } from './transition.ts'

export interface MadeSheet {
  readonly id: RequestId
  readonly sheet: Uint8Array
  readonly digest: Sha256Hex
  readonly madeAt: string
  readonly approvable: boolean
  readonly title: string
  /** Files that it is about, where those are not all that were fetched: the rest of an upload is not signed itself. */
  readonly fileCount?: number
  readonly requestedBy: string | null
  readonly worstCheck: CheckOutcome
  readonly at: string
}

/** Stores a sheet and makes it the one under review. A request that was decided meanwhile keeps its decision. */
export async function recordSheet(db: Kysely<Database>, made: MadeSheet): Promise<Result<null, Failure>> {
  const written = await writeTransaction(db, async (trx) => {
    const moved = await transition(
      trx,
      made.id,
      { kind: 'prepared', sheetDigest: made.digest, approvable: made.approvable },
      made.at,
    )
    if (moved === null) return false
    await trx
      .insertInto('review_sheet')
      .values({ request_id: made.id, digest: made.digest, sheet: made.sheet, made_at: made.madeAt, shown_at: null })
      .onConflict((conflict) => conflict.columns(['request_id', 'digest']).doNothing())
      .execute()
    await trx
      .updateTable('request')
      .set({
        title: made.title,
        ...(made.fileCount === undefined ? {} : { file_count: made.fileCount }),
        requested_by: made.requestedBy,
        worst_check: made.worstCheck === 'not-applicable' ? 'passed' : made.worstCheck,
      })
      .where('id', '=', made.id)
      .execute()
    return true
  })
  if (!written.ok) return written
  return written.value ? ok(null) : err(decidedMeanwhile)
}

const decidedMeanwhile: Failure = {
  kind: 'refused',
  code: 'already-decided',
  message:
    'The request was decided while its checks were made again. The decision stands; the new checks were not kept.',
}
