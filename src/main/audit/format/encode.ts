import { hash } from 'node:crypto'
import { err, ok, type Result } from '../../../shared/result.ts'
import { canonicalBytes, parseCanonical } from '../../canonical/canonical-json.ts'
import { type AuditEntryBody, auditEntryBody, type EntryPlace, entryPlace } from './entry.ts'

/** As many bytes as the table takes. */
export const maxEntryBytes = 262_144

/** `prev` of the first entry. */
export const noLeafHash: Uint8Array = new Uint8Array(32)

/** Zero byte and entry; made once, as a log has many. Longer entries are rare. */
const leafInput = Buffer.alloc(4096)

/** RFC 6962 §2.1: the leading zero byte keeps leaves and inner nodes of a Merkle tree apart. */
export function leafHash(entry: Uint8Array): Uint8Array {
  if (entry.length >= leafInput.length)
    return hash('sha256', Buffer.concat([leafInput.subarray(0, 1), entry]), 'buffer')
  leafInput.set(entry, 1)
  return hash('sha256', leafInput.subarray(0, entry.length + 1), 'buffer')
}

/** Canonical bytes of an entry (docs/formats/audit-entry.md). A body that breaks the format is a defect and throws. */
export function encodeEntry(place: Omit<EntryPlace, 'v'>, body: AuditEntryBody): Uint8Array {
  const whole = { ...entryPlace.parse({ v: 1, ...place }), ...auditEntryBody.parse(body) }
  const bytes = canonicalBytes(whole)
  if (bytes.length > maxEntryBytes) throw new Error(`an audit entry of ${bytes.length} bytes`)
  return bytes
}

export interface DecodedEntry {
  readonly place: EntryPlace
  readonly body: AuditEntryBody
}

/** Reads an entry back; the error is a sentence about what is wrong with it. */
export function decodeEntry(bytes: Uint8Array): Result<DecodedEntry, string> {
  const parsed = parseCanonical(bytes)
  if (parsed === null) return err('the bytes are not canonical JSON')
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return err('the entry is not an object')
  const { v, seq, at, prev, ...rest } = value as Record<string, unknown>
  const place = entryPlace.safeParse({ v, seq, at, prev })
  if (!place.success) return err(`the entry is not of this format: ${paths(place.error)}`)
  const body = auditEntryBody.safeParse(rest)
  if (!body.success) return err(`the entry is not of this format: ${paths(body.error)}`)
  return ok({ place: place.data, body: body.data })
}

function paths(error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
}): string {
  return error.issues.map((issue) => `${issue.path.map(String).join('.') || 'entry'}: ${issue.message}`).join('; ')
}
