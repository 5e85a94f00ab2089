import { z } from 'zod'
import { auditState } from './audit.ts'
import { failure } from './failure.ts'

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
  inHand: z.int().nonnegative(),
})
export type StationStatus = z.infer<typeof stationStatus>
