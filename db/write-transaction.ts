import type { Kysely, Transaction } from 'kysely'
import type { Failure } from '../src/shared/failure.ts'
import { err, ok, type Result } from '../src/shared/result.ts'
import type { Database } from './database.ts'
import { databaseFailureOf } from './database-failure.ts'

export type LogUnwritable = Failure<'log-unwritable'>

/** Thrown by the log's writer inside the transaction when the log is not as it left it: nothing may be built on it. */
export class LogNotTrusted extends Error {
  override readonly name = 'LogNotTrusted'
}

/**
 * Runs `work` in one IMMEDIATE transaction, synced to disk before it returns. A disk that is full, failing, read-only or
 * locked gives `log-unwritable`: nothing of the transaction counts, and whoever was about to sign must not. Anything else that
 * is thrown is a defect and is thrown on, rolled back.
 *
 * After a failing sync the commit may still be found on disk when the file is opened again (sqlite.org/wal.html §2.2): then
 * there is an intent without a signature, which is shown as an incident; never a signature without an intent.
 */
export async function writeTransaction<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
): Promise<Result<T, LogUnwritable>> {
  try {
    return ok(await db.transaction().execute(work))
  } catch (error) {
    if (error instanceof LogNotTrusted) {
      return err({
        kind: 'invalid',
        code: 'log-unwritable',
        message: `Nothing was signed: ${error.message}. Nothing is added to a log that is not whole. Keep a copy of the database and check the log.`,
      })
    }
    const cause = databaseFailureOf(error)
    if (cause === null) throw error
    const what = cause.message.slice(0, cause.message.indexOf('.'))
    return err({
      kind: 'unavailable',
      code: 'log-unwritable',
      message: `The audit log cannot be written: ${what[0]?.toLowerCase()}${what.slice(1)}. Nothing is signed until it can; what was recorded before is kept.`,
      detail: `${cause.code}: ${cause.detail ?? ''}`,
    })
  }
}
