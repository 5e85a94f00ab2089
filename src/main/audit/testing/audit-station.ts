import { createStationDatabase } from '../../../../db/create.ts'
import { openStationDatabase, type StationDatabase } from '../../../../db/open.ts'
import type { AuditLog } from '../audit-log.ts'
import { createAuditLog } from '../create-audit-log.ts'
import type { AuditEntryBody } from '../format/entry.ts'

export interface AuditStation extends StationDatabase {
  readonly log: AuditLog
  readonly write: (...bodies: readonly AuditEntryBody[]) => Promise<readonly number[]>
}

/** A clock that is a second later each time. */
export function tickingClock(start = '2026-01-02T03:04:05.678Z'): () => Date {
  let next = Date.parse(start)
  return () => {
    const now = new Date(next)
    next += 1000
    return now
  }
}

/** A station with an empty log in a real file at `path`, or the one that is there. */
export async function auditStation(path: string, clock: () => Date = tickingClock()): Promise<AuditStation> {
  const made = await createStationDatabase(path, async () => {})
  const station = made.ok ? made : await openStationDatabase(path)
  if (!station.ok) throw new Error(station.error.message)
  const { db } = station.value
  const log = createAuditLog(db, clock)
  return { ...station.value, log, write: (...bodies) => db.transaction().execute((trx) => log.append(trx, bodies)) }
}
