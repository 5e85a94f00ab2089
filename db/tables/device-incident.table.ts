import type { Generated } from 'kysely'

/** A finding between a device's log and ours that a person has to explain. The entries of the audit log say it all; this says which are open. */
export interface DeviceIncidentTable {
  /** By which the same finding is known again. */
  name: string
  device_serial: string
  /** Number of its `device-incident-opened`. */
  opened_seq: number
  /** Number of its `device-incident-closed`. */
  closed_seq: Generated<number | null>
}
