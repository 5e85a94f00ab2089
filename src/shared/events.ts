import { z } from 'zod'
import { auditSource } from './audit.ts'
import { usbState } from './devices.ts'
import { requestId } from './ids.ts'
import { reencryptionProgress } from './service-key.ts'
import { stationStatus } from './status.ts'

/** What main tells the window without being asked. Events announce that something changed; the window asks for what it shows. */
export const events = {
  'status.changed': stationStatus,
  'requests.changed': z.strictObject({ requestId: requestId.nullable() }),
  'signing.progress': z.strictObject({
    requestId,
    signed: z.int().nonnegative(),
    total: z.int().positive(),
    /** `login`, `touch`: what the token waits for. */
    phase: z.enum(['login', 'signing', 'touch', 'verifying', 'returning']),
  }),
  'devices.changed': usbState,
  /** A key is being made: what the token waits for, or does. */
  'generation.progress': z.strictObject({ phase: z.enum(['login', 'touch', 'generating', 'over']) }),
  'tokens.changed': z.null(),
  'keys.changed': z.null(),
  'keys.reencrypt-progress': reencryptionProgress,
  'keys.import-progress': reencryptionProgress,
  'settings.changed': z.null(),
  /** `hand.offered` has files. */
  'hand.offered': z.null(),
  /** A standing approval was granted, used, or is over. */
  'standing.changed': z.null(),
  'audit.changed': z.strictObject({ entries: z.int().nonnegative() }),
  /**
   * How far a verification, an opening or a comparison came, ten times a second at most. `total` null: not known yet. In bytes while a
   * database is copied to be read.
   */
  'audit.verify-progress': z.strictObject({
    source: auditSource,
    done: z.int().nonnegative(),
    total: z.int().nonnegative().nullable(),
    unit: z.enum(['entries', 'bytes']),
  }),
  'audit.export-progress': z.strictObject({ entries: z.int().nonnegative(), total: z.int().nonnegative() }),
  /** The desk was locked or is about to sleep: dialogs close, typed PINs are dropped. */
  'desk.locked': z.null(),
} as const

export type Events = typeof events
export type EventName = keyof Events
export type EventPayload<E extends EventName> = z.infer<Events[E]>
