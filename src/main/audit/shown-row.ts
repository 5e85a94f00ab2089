import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'
import { type AuditRow, auditRow } from '../../shared/audit.ts'
import { requestId, sha256Hex, utcTime } from '../../shared/ids.ts'
import { searchColumns } from './columns.ts'
import { decodeEntry } from './format/encode.ts'
import type { AuditEntryBody } from './format/entry.ts'
import { summary, visible } from './summary.ts'
import { isWithdrawn } from './withdrawn.ts'

/** Where no time can be made out. */
const noTime = new Date(0).toISOString()

/**
 * The row as screens see it, from the bytes that are hashed. Of an entry that cannot be read only its number is sure: a newer
 * version may have written it, or somebody who wants it overlooked. It is shown where it stands, with those columns that are of
 * this format; its bytes are shown with it. `numbers`: work requests by the station's own id.
 */
export function shown(row: AuditEntryRow, numbers: ReadonlyMap<string, number>): AuditRow {
  const decoded = decodeEntry(row.entry)
  if (!decoded.ok) return unreadable(row, numbers, decoded.error)
  const { body, place } = decoded.value
  const columns = searchColumns(body)
  const candidate = auditRow.safeParse({
    seq: row.seq,
    at: place.at,
    event: columns.event,
    operator: columns.operator,
    requestId: columns.request_id,
    workRequestId: columns.work_request_id ?? numbers.get(columns.request_id ?? '') ?? null,
    purpose: columns.purpose,
    fingerprint: columns.fingerprint,
    inputSha256: columns.input_sha256,
    ...ofUse(body),
    withdrawn: isWithdrawn(body),
    summary: summary(body),
  })
  return candidate.success ? candidate.data : unreadable(row, numbers, 'no screen can show what it says')
}

/** What only the use of a key has: the digest of what it gave, and which of several keys it was. */
function ofUse(body: AuditEntryBody): Partial<Record<'outputSha256' | 'key', unknown>> {
  if (body.event !== 'intent' && body.event !== 'signed' && body.event !== 'sign-failed') return {}
  return {
    ...(body.event === 'signed' ? { outputSha256: body.outputSha256 } : {}),
    ...('key' in body ? { key: body.key } : {}),
  }
}

/** What an entry that cannot be read calls itself, as far as that can be made out. */
function eventIn(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const event = parsed(text) ?? /"event":"([^"\\]{1,64})"/.exec(text.slice(0, 20_000))?.[1] ?? ''
  return event.length > 0 && event.length <= 40 && event.isWellFormed() ? event : null
}

function parsed(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string'
      ? value.event
      : ''
  } catch {
    return null
  }
}

function unreadable(row: AuditEntryRow, numbers: ReadonlyMap<string, number>, why: string): AuditRow {
  // The index of a foreign log calls all of them `unreadable`; our own has what was written with the entry.
  const event = eventIn(row.entry) ?? (row.event === 'unreadable' ? '' : row.event)
  const said = event === '' ? '' : `, recorded as “${visible(event)}”,`
  return auditRow.parse({
    seq: row.seq,
    at: utcTime.safeParse(row.at).data ?? noTime,
    event: 'unreadable',
    operator: row.operator,
    requestId: requestId.safeParse(row.request_id).data ?? null,
    workRequestId: row.work_request_id ?? numbers.get(row.request_id ?? '') ?? null,
    purpose: row.purpose,
    fingerprint: row.fingerprint,
    inputSha256: sha256Hex.safeParse(row.input_sha256).data ?? null,
    withdrawn: false,
    summary: `This entry${said} cannot be read by this version and proves nothing: ${visible(why.length <= 300 ? why : `${why.slice(0, 300)} …`)}`,
  })
}
