import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../../../db/database.ts'
import { memoryDatabase } from '../../../../../db/testing/memory-db.ts'
import type { AuditSeq } from '../../../../shared/ids.ts'
import type { Result } from '../../../../shared/result.ts'
import { createAuditLog } from '../../create-audit-log.ts'
import type { AuditEntryBody } from '../../format/entry.ts'
import { tickingClock } from '../../testing/audit-station.ts'
import { type DrainMark, markDrain, type StoredDrain, storeDrain } from '../store-drain.ts'
import type { TestDevice } from './device.ts'

export const serial = '07550140'
export const otherSerial = '07550421'

interface StoredRow {
  readonly device_serial: string
  readonly place: number
  readonly number: number
}

export interface DeviceStation {
  readonly db: Kysely<Database>
  readonly file: ReturnType<typeof memoryDatabase>['file']
  readonly clock: () => Date
  readonly write: (...bodies: readonly AuditEntryBody[]) => Promise<readonly AuditSeq[]>
  readonly mark: (deviceSerial?: string) => Promise<DrainMark>
  /** Marks and stores; frees nothing. */
  readonly store: (answer: Uint8Array, deviceSerial?: string) => ReturnType<typeof storeDrain>
  /** All four steps of docs/formats/device-log.md §4. */
  readonly drain: (device: TestDevice, deviceSerial?: string) => Promise<StoredDrain>
  readonly rows: () => readonly StoredRow[]
}

/** A station in memory that drains devices. */
export function deviceStation(): DeviceStation {
  const { db, file } = memoryDatabase()
  const clock = tickingClock()
  const log = createAuditLog(db, clock)
  const write = (...bodies: readonly AuditEntryBody[]) => db.transaction().execute((trx) => log.append(trx, bodies))
  const mark = async (deviceSerial = serial) => must(await markDrain(readerOf(db), deviceSerial, clock()))
  const store = async (answer: Uint8Array, deviceSerial = serial) =>
    storeDrain(db, await mark(deviceSerial), answer, clock())
  return {
    db,
    file,
    clock,
    write,
    mark,
    store,
    drain: async (device, deviceSerial = serial) => {
      const stored = must(await store(device.answer(), deviceSerial))
      device.free(stored.lastNumber)
      return stored
    },
    rows: () =>
      file
        .prepare<[], StoredRow>('SELECT device_serial, place, number FROM device_entry ORDER BY device_serial, place')
        .all(),
  }
}

export function must<T>(result: Result<T, { readonly code: string }>): T {
  if (!result.ok) throw new Error(`refused: ${result.error.code}`)
  return result.value
}
