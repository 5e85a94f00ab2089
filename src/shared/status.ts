import { z } from 'zod'
import { auditState, openContradiction, openDeviceIncident, verifierKeyText } from './audit.ts'
import { failure } from './failure.ts'
import { utcTime } from './ids.ts'

/** What the rail and the bottom line show. */
export const stationStatus = z.strictObject({
  version: z.string(),
  runtime: z.string(),
  /** `absent`: there is no station in this profile yet; the window offers to create one. */
  station: z.enum(['absent', 'ready', 'read-only']),
  stationName: z.string(),
  operator: z.string(),
  server: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('not-configured') }),
    z.strictObject({ kind: z.literal('not-enrolled'), apiUrl: z.string() }),
    z.strictObject({ kind: z.literal('waiting-for-enable'), apiUrl: z.string(), workerFqdn: z.string() }),
    z.strictObject({ kind: z.literal('connecting'), apiUrl: z.string(), failure: failure.nullable() }),
    z.strictObject({ kind: z.literal('connected'), apiUrl: z.string(), dialect: z.enum(['0.11', '0.16']) }),
    z.strictObject({ kind: z.literal('off-duty'), apiUrl: z.string() }),
  ]),
  onDuty: z.boolean(),
  /** What the server was last told that this station can serve. */
  offered: z.array(z.string()),
  userTokenSet: z.boolean(),
  tokens: z.array(z.strictObject({ label: z.string(), serial: z.string() })),
  log: auditState,
  /** The key that signs the log's checkpoints; null: this station has none yet. */
  logKey: z.strictObject({ origin: z.string(), vkey: verifierKeyText }).nullable(),
  /** The last checkpoint, and what kept it from being signed or copied. `at` null: none was signed yet. Null: there is no log key. */
  checkpoint: z
    .strictObject({ size: z.int().nonnegative(), at: utcTime.nullable(), warnings: z.array(failure).max(50) })
    .nullable(),
  /** Checkpoints that contradict the log and that no person has closed. */
  contradictions: z.array(openContradiction).max(50),
  /** The first of those that are open, oldest first. */
  deviceIncidents: z.array(openDeviceIncident).max(50),
  inHand: z.int().nonnegative(),
})
export type StationStatus = z.infer<typeof stationStatus>
