import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { OpenDeviceIncident } from '../../shared/audit.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type Append, closeDeviceIncident, listOpenDeviceIncidents } from '../audit/device-log/device-incidents.ts'
import { type RecordedDrain, recordDrain } from '../audit/device-log/record-drain.ts'
import { type DrainMark, markDrain } from '../audit/device-log/store-drain.ts'

/** The logs of YubiHSMs in this station (docs/formats/device-log.md §4); whoever talks to the device calls these between its two commands. */
export interface StationDeviceLog {
  /** Before GET LOG ENTRIES. */
  mark(deviceSerial: string): Promise<Result<DrainMark, Failure>>
  /**
   * After it: the answer is on disk, named in the audit log and matched with it, and what does not match is an incident. Only then may
   * SET LOG INDEX be sent, with `lastNumber`.
   */
  drained(mark: DrainMark, answer: Uint8Array): Promise<Result<RecordedDrain, Failure>>
  /** The first fifty, oldest first. */
  openIncidents(): Promise<readonly OpenDeviceIncident[]>
  closeIncident(opened: AuditSeq, note: string): Promise<Result<null, Failure>>
}

export function createStationDeviceLog(parts: {
  readonly db: Kysely<Database>
  readonly append: Append
  /** The log is whole: nothing is added to one that is not. */
  readonly isTrusted: () => boolean
  readonly operator: () => string
  readonly now: () => Date
  readonly onChange: () => void
}): StationDeviceLog {
  const { db, append, now } = parts
  /** One answer at a time: what a review finds is opened before the next one looks. */
  let running: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = running.then(work)
    running = next.catch(() => null)
    return next
  }

  return {
    mark: (deviceSerial) => markDrain(readerOf(db), deviceSerial, now()),
    drained: (mark, answer) =>
      inTurn(async () => {
        if (!parts.isTrusted()) return err(notTrusted)
        const recorded = await recordDrain({ db, append, now }, mark, answer)
        if (recorded.ok && recorded.value.incidents > 0) parts.onChange()
        return recorded
      }),
    openIncidents: () => listOpenDeviceIncidents(readerOf(db), 50),
    closeIncident: (opened, note) =>
      inTurn(async () => {
        const closed = await writeTransaction(db, (trx) =>
          closeDeviceIncident(trx, append, opened, note, parts.operator()),
        )
        if (!closed.ok) return closed
        if (!closed.value.ok) return closed.value
        parts.onChange()
        return ok(null)
      }),
  }
}

const notTrusted: Failure = {
  kind: 'refused',
  code: 'log-not-trusted',
  message:
    'The audit log did not pass its check, so nothing of the device’s log was stored and nothing may be freed in the device.',
}
