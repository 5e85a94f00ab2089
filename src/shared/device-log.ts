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

/** Commands that sign: SIGN PKCS1, PSS, ECDSA, SSH CERTIFICATE, ATTESTATION CERTIFICATE, EDDSA (`yh_cmd` of libyubihsm). */
export const signingCommands: readonly number[] = [0x47, 0x55, 0x56, 0x5d, 0x64, 0x6a]

const optionValue = z.literal([0, 1, 2])
/** By serial number: what each device last said that it audits, as the station keeps it. */
export const deviceAudits = z.record(
  z.string(),
  z.object({
    asOf: z.string(),
    force: optionValue,
    commands: z.array(z.object({ command: z.int(), value: optionValue })),
  }),
)
export type DeviceAudits = z.infer<typeof deviceAudits>
