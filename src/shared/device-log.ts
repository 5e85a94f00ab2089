import { z } from 'zod'
import { failure } from './failure.ts'

/** What the station knows of the log that a YubiHSM keeps (docs/formats/device-log.md). */
export const deviceLogState = z.strictObject({
  serial: z.string().max(32),
  /** As the device says without a login. Null: it is not there, or its connector is not one that the log is read through. */
  store: z.strictObject({ used: z.int().min(0).max(255), capacity: z.int().min(0).max(255) }).nullable(),
  /** As the device said when it was drained last. Null: it was not asked, or the authentication key may not ask. */
  audit: z
    .strictObject({
      asOf: z.string(),
      forced: z.boolean(),
      /** Signing commands that leave nothing in its log. */
      unaudited: z.array(z.int().min(0).max(255)).max(16),
    })
    .nullable(),
  lastDrainAt: z.string().nullable(),
  /** Why its log was not taken out the last time. */
  problem: failure.nullable(),
})
export type DeviceLogState = z.infer<typeof deviceLogState>
