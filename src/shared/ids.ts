import { z } from 'zod'

/** A request of this station, whatever its source; a UUID made at intake. */
export const requestId = z.uuid().brand('RequestId')
export type RequestId = z.infer<typeof requestId>

/** Ids of the debusine server are positive integers, unique over the whole server. */
export const workRequestId = z.int().positive().brand('WorkRequestId')
export type WorkRequestId = z.infer<typeof workRequestId>

export const artifactId = z.int().positive().brand('ArtifactId')
export type ArtifactId = z.infer<typeof artifactId>

/** SHA-256 as 64 lower-case hex digits. */
export const sha256Hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('Sha256Hex')
export type Sha256Hex = z.infer<typeof sha256Hex>

/**
 * A key's fingerprint as debusine writes it: upper-case hex without colons. `uefi`: SHA-256 of the certificate's DER (64);
 * OpenPGP: the fingerprint of the primary key (40 for v4, 64 for v6).
 */
export const fingerprint = z
  .string()
  .regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/)
  .brand('Fingerprint')
export type Fingerprint = z.infer<typeof fingerprint>

/** Position in the audit log, counted from 1 without gaps. */
export const auditSeq = z.int().positive().brand('AuditSeq')
export type AuditSeq = z.infer<typeof auditSeq>

/** ISO 8601 UTC with milliseconds and `Z`, as `Date.toISOString` writes it. */
export const utcTime = z.iso.datetime({ precision: 3 })
export type UtcTime = z.infer<typeof utcTime>
