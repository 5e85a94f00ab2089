import type { Generated, Insertable, Selectable } from 'kysely'

/** One time that the log of a YubiHSM was taken out of it (docs/formats/device-log.md §4). */
export interface DeviceDrainTable {
  id: Generated<number>
  /** Decimal, at least 8 digits, as PKCS#11 gives it. */
  device_serial: string
  /** Last entry of the audit log before the device was asked; 0: there was none. */
  asked_seq: number
  /** Last entry of the audit log when the answer was stored. */
  stored_seq: number
  asked_at: string
  stored_at: string
  unlogged_boots: number
  unlogged_authentications: number
  /** Entries in the answer. */
  given: number
  /** How many of them were stored already. */
  known: number
}
export type DeviceDrainRow = Selectable<DeviceDrainTable>

/** One entry of a device's log. `raw` is what counts; the columns after it repeat parts of it, or are counted from them. */
export interface DeviceEntryTable {
  device_serial: string
  /** Counted from 1 for each device, without gaps. */
  place: number
  drain: number
  /** 32 bytes. */
  raw: Uint8Array
  number: number
  command: number
  target_key: number
  second_key: number
  lap: number
  boot: number
}
export type DeviceEntryRow = Selectable<DeviceEntryTable>
export type NewDeviceEntry = Insertable<DeviceEntryTable>
