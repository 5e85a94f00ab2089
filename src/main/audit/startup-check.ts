import { setImmediate } from 'node:timers/promises'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import type { AuditState } from '../../shared/audit.ts'
import { checkEnds } from './check.ts'

/** What the station finds when it starts. Anything but `whole`: it opens for reading, says so, and signs nothing. */
export async function startupCheck(db: ReadonlyKysely<Database>): Promise<AuditState> {
  return checkEnds(db, async () => {
    await setImmediate()
  })
}
