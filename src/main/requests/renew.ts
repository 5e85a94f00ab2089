import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { requestId } from '../../shared/ids.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import { type Intake, keepWork, type Taken } from './intake.ts'
import { mayRenew } from './work-token.ts'

export interface Renewal {
  /** False: the server did not hand the request out again; it is not ours any more. */
  readonly held: boolean
  /** Where to go on. Null, and not held: the request is to be let go. */
  readonly next: 'prepare-again' | 'return-again' | null
  /** What the server handed out in its place. */
  readonly instead: Taken
}

const resumed: Readonly<Partial<Record<string, Renewal['next']>>> = {
  unprepared: 'prepare-again',
  returning: 'return-again',
}

/**
 * Fetches a held request again because its token is dead or about to be. The server counts it as one of three losses. Whatever
 * it hands out is kept: a request that was fetched and forgotten would be the next loss.
 */
export async function renew(intake: Intake, row: RequestRow, operator: string): Promise<Result<Renewal, Failure>> {
  const may = mayRenew(row, intake.now())
  if (!may.ok) return may
  const renewed = (held: boolean): AuditEntryBody => ({
    event: 'request-renewed',
    requestId: requestId.parse(row.id),
    held,
    operator,
  })
  const fetched = await intake.server.fetchNext()
  if (!fetched.ok) return fetched
  const work = fetched.value
  if (work?.request.id === row.work_request_id) {
    const { token, fetchedAt, request } = work
    const written = await writeTransaction(intake.db, async (trx) => {
      await trx
        .updateTable('request')
        .set({ token, fetched_at: fetchedAt, retry_count: request.retryCount, worker: request.worker })
        .where('id', '=', row.id)
        .execute()
      await intake.audit.append(trx, [renewed(true)])
    })
    return written.ok ? ok({ held: true, next: resumed[row.stage] ?? null, instead: { kind: 'nothing' } }) : written
  }
  // Without it "gone" means gone from now on, and no longer that the token has ended.
  const forgotten = await writeTransaction(intake.db, async (trx) => {
    await trx.updateTable('request').set({ token: null }).where('id', '=', row.id).execute()
    await intake.audit.append(trx, [renewed(false)])
  })
  const instead: Result<Taken, Failure> = work === null ? ok({ kind: 'nothing' }) : await keepWork(intake, work)
  if (!instead.ok) return instead
  if (!forgotten.ok) return forgotten
  // A report may have been sent, and have arrived: the return knows, and ends the request as returned or as gone.
  const next = row.stage === 'returning' ? 'return-again' : null
  return ok({ held: false, next, instead: instead.value })
}

export const renewalRefused: Failure = {
  kind: 'unavailable',
  code: 'renewal-refused',
  message:
    'The server did not hand the request out again: it has aborted it, or counted it as lost too often. What was signed is kept here and in the log.',
}
