import { z } from 'zod'
import { auditSeq, requestId, sha256Hex, utcTime } from './ids.ts'

/** Every kind of entry. docs/formats/audit-entry.md gives the fields of each. */
export const auditEvent = z.enum([
  'station-created',
  'station-started',
  'enrolment-begun',
  'enrolled',
  'user-token-set',
  'duty-changed',
  'possession-challenged',
  'key-generated',
  'key-registered',
  'key-state-changed',
  'request-received',
  'request-renewed',
  'sheet-shown',
  'approved',
  'declined',
  'login-failed',
  'intent',
  'signed',
  'sign-failed',
  'returned',
  'incident-opened',
  'incident-closed',
  'clock-moved-back',
  'settings-changed',
])
export type AuditEvent = z.infer<typeof auditEvent>

/** A row of the Audit log screen. */
export const auditRow = z.strictObject({
  seq: auditSeq,
  at: utcTime,
  event: auditEvent,
  operator: z.string().nullable(),
  requestId: requestId.nullable(),
  /** Of the entry, or of the entry with which its request began. */
  workRequestId: z.int().nullable(),
  purpose: z.string().nullable(),
  fingerprint: z.string().nullable(),
  /** SHA-256 of the input file for intent, signed and sign-failed. */
  inputSha256: sha256Hex.nullable(),
  /** A `sign-failed` that is no failure: signing was stopped before the key was used for this file. */
  withdrawn: z.boolean(),
  summary: z.string(),
})
export type AuditRow = z.infer<typeof auditRow>

export const auditDetail = z.strictObject({
  row: auditRow,
  /** The canonical bytes of the entry, as UTF-8 text: exactly what is hashed. */
  entry: z.string(),
  leafHash: sha256Hex,
  previousLeafHash: sha256Hex,
})
export type AuditDetail = z.infer<typeof auditDetail>

export const auditFilter = z.strictObject({
  event: auditEvent.optional(),
  operator: z.string().max(200).optional(),
  requestId: requestId.optional(),
  workRequestId: z.int().optional(),
  fingerprint: z.string().max(64).optional(),
  digest: z.string().max(64).optional(),
  since: utcTime.optional(),
  until: utcTime.optional(),
})
export type AuditFilter = z.infer<typeof auditFilter>

/** What the start-up check and "Check the log" find. */
export const auditState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('whole'), entries: z.int().nonnegative(), head: sha256Hex.nullable() }),
  z.strictObject({ kind: z.literal('broken'), firstBadSeq: z.int().positive(), reason: z.string() }),
  z.strictObject({ kind: z.literal('unwritable'), reason: z.string() }),
])
export type AuditState = z.infer<typeof auditState>
