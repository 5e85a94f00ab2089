import type { AuditDetail, AuditEvent, AuditFilter, AuditRow, AuditState } from '../../../shared/audit.ts'
import type { AuditSeq } from '../../../shared/ids.ts'
import type { Tone } from '../../design/Badge.tsx'
import { plainNumber } from '../../parts/format.ts'

export const eventWords: Record<AuditEvent, { readonly text: string; readonly tone: Tone }> = {
  'station-created': { text: 'Station created', tone: 'neutral' },
  'station-started': { text: 'Station started', tone: 'neutral' },
  'enrolment-begun': { text: 'Enrolment begun', tone: 'neutral' },
  enrolled: { text: 'Enrolled', tone: 'neutral' },
  'user-token-set': { text: 'User token set', tone: 'neutral' },
  'duty-changed': { text: 'Duty changed', tone: 'neutral' },
  'key-generated': { text: 'Key made', tone: 'neutral' },
  'possession-challenged': { text: 'Key challenged', tone: 'neutral' },
  'key-registered': { text: 'Key registered', tone: 'neutral' },
  'key-state-changed': { text: 'Key state changed', tone: 'neutral' },
  'request-received': { text: 'Request received', tone: 'neutral' },
  'request-renewed': { text: 'Request renewed', tone: 'neutral' },
  'sheet-shown': { text: 'Sheet shown', tone: 'neutral' },
  approved: { text: 'Approved', tone: 'accent' },
  declined: { text: 'Declined', tone: 'neutral' },
  'login-failed': { text: 'Login failed', tone: 'attention' },
  intent: { text: 'Intent', tone: 'neutral' },
  signed: { text: 'Signed', tone: 'passed' },
  'sign-failed': { text: 'Signing failed', tone: 'refused' },
  returned: { text: 'Returned', tone: 'neutral' },
  'incident-opened': { text: 'Incident opened', tone: 'refused' },
  'incident-closed': { text: 'Incident closed', tone: 'attention' },
  'clock-moved-back': { text: 'Clock moved back', tone: 'attention' },
  'settings-changed': { text: 'Settings changed', tone: 'neutral' },
}

/** What the list and an open entry call it. Nothing went wrong where signing was stopped before the key was used. */
export function eventOf(row: AuditRow): { readonly text: string; readonly tone: Tone } {
  return row.withdrawn ? { text: 'Not signed', tone: 'neutral' } : eventWords[row.event]
}

export type AuditRowView = {
  readonly seq: AuditSeq
  readonly number: string
  readonly event: { readonly text: string; readonly tone: Tone }
  readonly summary: string
  readonly operator: string
  readonly request: string
  readonly at: string
}

export function auditRowView(row: AuditRow): AuditRowView {
  return {
    seq: row.seq,
    number: plainNumber(row.seq),
    event: eventOf(row),
    summary: row.summary,
    operator: row.operator ?? '',
    request: row.workRequestId === null ? '' : `#${row.workRequestId}`,
    at: row.at,
  }
}

/** The entry broken into lines to be read. The bytes that are hashed are shown beside it; a text that is no JSON stays as it is. */
export function readableEntry(entry: string): string {
  try {
    return JSON.stringify(JSON.parse(entry), null, 2)
  } catch {
    return entry
  }
}

export type Result = { readonly tone: 'passed' | 'refused'; readonly title: string; readonly sentence: string }

export function checkResult(state: AuditState): Result {
  switch (state.kind) {
    case 'whole':
      return {
        tone: 'passed',
        title: `Whole: ${plainNumber(state.entries)} ${state.entries === 1 ? 'entry' : 'entries'} checked`,
        sentence:
          'Every entry hashes to what the next one says. Whether entries were cut from the end cannot be told from the log alone; compare the head with an earlier note of it.',
      }
    case 'broken':
      return {
        tone: 'refused',
        title: `Broken at entry ${plainNumber(state.firstBadSeq)}`,
        sentence: `${state.reason} Nothing more is signed. Keep the database file as it is and have it examined.`,
      }
    case 'unwritable':
      return {
        tone: 'refused',
        title: 'The log cannot be written',
        sentence: `${state.reason} Nothing is signed until it can be written again.`,
      }
  }
}

/**
 * What one line of search means: a digest or fingerprint in hex (blanks and colons between groups are dropped), `#1042` a work
 * request, anything else an operator's name.
 */
export function filterFromSearch(search: string): AuditFilter {
  const wanted = search.trim()
  if (wanted === '') return {}
  const number = /^#(\d{1,15})$/.exec(wanted)
  if (number !== null) return { workRequestId: Number(number[1]) }
  const hex = wanted.replaceAll(/[\s:]/g, '')
  if (/^[0-9a-f]{8,64}$/i.test(hex))
    return hex === hex.toUpperCase() && /[A-F]/.test(hex) ? { fingerprint: hex } : { digest: hex.toLowerCase() }
  return { operator: wanted }
}

/** The filter in words, for the line above the list; empty when there is none. */
export function filterWords(filter: AuditFilter): string {
  const parts = [
    filter.requestId === undefined ? null : 'of one request',
    filter.workRequestId === undefined ? null : `of work request ${filter.workRequestId}`,
    filter.event === undefined ? null : `“${eventWords[filter.event].text}”`,
    filter.operator === undefined ? null : `by ${filter.operator}`,
    filter.digest === undefined ? null : `with digest ${filter.digest}`,
    filter.fingerprint === undefined ? null : `with key ${filter.fingerprint}`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}

export function previousHashWords(detail: AuditDetail): string {
  return detail.row.seq === 1 ? 'Before the first entry' : `Leaf hash of entry ${plainNumber(detail.row.seq - 1)}`
}
