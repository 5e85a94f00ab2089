import { z } from 'zod'
import { auditSeq } from '../../../shared/ids.ts'
import { operator, word } from './entry-fields.ts'
import { exactText, messageText } from './text.ts'

// Events of a device's own log (docs/formats/device-log.md).

/** The log of a YubiHSM was taken out of it and stored (docs/formats/device-log.md). */
export const deviceLogDrained = z.strictObject({
  event: z.literal('device-log-drained'),
  deviceSerial: exactText(64).min(1),
  /** Number of the drain among all that are stored. */
  drain: z.int().positive(),
  /** The last entry of this log before the device was asked. */
  askedSeq: z.int().nonnegative(),
  /** Entries of the device that were new, and that were stored before. */
  fresh: z.int().nonnegative(),
  known: z.int().nonnegative(),
  /** The device's own number of its newest entry; null: it gave none. */
  lastNumber: z.int().nonnegative().nullable(),
  /** Digest of the newest that is stored, which stands for all before it; null: none is. */
  lastDigest: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  unloggedBoots: z.int().nonnegative(),
  unloggedAuthentications: z.int().nonnegative(),
})
/** The device's log and this one do not say the same. */
export const deviceIncidentOpened = z.strictObject({
  event: z.literal('device-incident-opened'),
  /** By which the same finding is known again. */
  name: exactText(300).min(1),
  deviceSerial: exactText(64).min(1),
  code: word,
  /** Places of entries of the device, the first 1000. */
  places: z.array(z.int().positive()).max(1000),
  /** Numbers of entries of this log, the first 1000. */
  auditSeqs: z.array(auditSeq).max(1000),
  /** How many are wrong. */
  count: z.int().nonnegative(),
  sentence: messageText(4000),
})
export const deviceIncidentClosed = z.strictObject({
  event: z.literal('device-incident-closed'),
  name: exactText(300).min(1),
  deviceSerial: exactText(64).min(1),
  openedSeq: auditSeq,
  note: exactText(1000),
  operator,
})
