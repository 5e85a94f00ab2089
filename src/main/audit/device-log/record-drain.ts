import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../../db/database.ts'
import { type LogUnwritable, writeTransaction } from '../../../../db/write-transaction.ts'
import { ok, type Result } from '../../../shared/result.ts'
import { type Append, openDeviceIncidents } from './device-incidents.ts'
import type { LogUnreadable } from './device-log.repository.ts'
import type { DrainFailure } from './failures.ts'
import { reviewDevice } from './review-device.ts'
import { type DrainMark, type StoredDrain, storeDrainIn } from './store-drain.ts'

export interface RecordedDrain extends StoredDrain {
  /** Incidents that were opened for what the two logs say of each other. */
  readonly incidents: number
}

/**
 * Steps 3 and after of docs/formats/device-log.md §4: stores the answer of a device with the entry that says so, in one commit, holds the
 * device's log against ours, and opens an incident for each finding. Only after it may the device be told to free its entries.
 *
 * If we crash after the first commit, the same findings are found at the next drain: each has a name and gets one incident.
 */
export async function recordDrain(
  { db, append, now }: { readonly db: Kysely<Database>; readonly append: Append; readonly now: () => Date },
  mark: DrainMark,
  answer: Uint8Array,
): Promise<Result<RecordedDrain, DrainFailure | LogUnwritable | LogUnreadable>> {
  const written = await writeTransaction(db, async (trx) => {
    const stored = await storeDrainIn(trx, mark, answer, now())
    if (stored.ok) {
      const { id, fresh, known, lastNumber, lastDigest, unloggedBoots, unloggedAuthentications } = stored.value
      await append(trx, [
        {
          event: 'device-log-drained',
          deviceSerial: mark.deviceSerial,
          drain: id,
          askedSeq: mark.askedSeq,
          fresh,
          known,
          lastNumber,
          lastDigest,
          unloggedBoots,
          unloggedAuthentications,
        },
      ])
    }
    return stored
  })
  if (!written.ok) return written
  if (!written.value.ok) return written.value
  const review = await reviewDevice(readerOf(db), mark.deviceSerial)
  if (!review.ok) return review
  const opened = await writeTransaction(db, (trx) => openDeviceIncidents(trx, append, review.value.findings))
  return opened.ok ? ok({ ...written.value.value, incidents: opened.value.length }) : opened
}
