import type { AuditFilter } from '../../../shared/audit.ts'
import { utc } from '../../parts/format.ts'
import { type LogView, wholeLog } from '../../place.ts'
import { eventWords } from './event-words.ts'

/**
 * What one line of search means: a digest or fingerprint in hex (blanks and colons between groups are dropped), `#1042` a work
 * request, anything else an operator's name. A work request and a digest may stand together, and beside a name.
 */
export function filterFromSearch(search: string): AuditFilter {
  const wanted = search.trim()
  const whole = hexFilter(wanted.replaceAll(/[\s:]/g, ''))
  if (whole !== null) return whole
  let filter: AuditFilter = {}
  const name: string[] = []
  for (const word of wanted.split(/\s+/)) {
    const number = /^#(\d{1,15})$/.exec(word)
    const hex = hexFilter(word.replaceAll(':', ''))
    if (number !== null) filter = { ...filter, workRequestId: Number(number[1]) }
    else if (hex !== null) filter = { ...filter, ...hex }
    else if (word !== '') name.push(word)
  }
  return name.length === 0 ? filter : { ...filter, operator: name.join(' ') }
}

/** Capitals are how debusine writes fingerprints; digests are in small letters. */
function hexFilter(text: string): AuditFilter | null {
  if (!/^[0-9a-f]{8,64}$/i.test(text)) return null
  return text === text.toUpperCase() && /[A-F]/.test(text) ? { fingerprint: text } : { digest: text.toLowerCase() }
}

/** A day, or a day with hour and minute or second, in UTC as the list shows it. Null: it is none, or there is no such time. */
export function timeFrom(text: string, edge: 'since' | 'until'): string | null {
  const [, day, clock] =
    /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?)(?: ?(?:Z|UTC))?)?$/.exec(text.trim()) ?? []
  if (day === undefined) return null
  const first = clock === undefined ? '00:00:00.000' : clock.length === 5 ? `${clock}:00.000` : `${clock}.000`
  const last = clock === undefined ? '23:59:59.999' : clock.length === 5 ? `${clock}:59.999` : `${clock}.999`
  const iso = `${day}T${edge === 'since' ? first : last}Z`
  const time = new Date(iso)
  // The 31st of April would otherwise become the 1st of May.
  return Number.isNaN(time.getTime()) || time.toISOString() !== iso ? null : iso
}

export type LogFilter = {
  /** What main is asked. A time that is not one yet is left out. */
  readonly filter: AuditFilter
  readonly problems: { readonly since?: string; readonly until?: string }
}

const noTime = 'A day such as 2026-11-20, or a day and a time, 2026-11-20 10:48.'

export function logFilter(view: LogView): LogFilter {
  const since = timeFrom(view.since, 'since')
  const until = timeFrom(view.until, 'until')
  const filter: AuditFilter = {
    ...filterFromSearch(view.search),
    ...(view.event === null ? {} : { event: view.event }),
    ...(view.purpose === null ? {} : { purpose: view.purpose }),
    ...(view.fingerprint === null ? {} : { fingerprint: view.fingerprint }),
    ...(view.requestId === null ? {} : { requestId: view.requestId }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
  }
  return {
    filter,
    problems: {
      ...(view.since.trim() !== '' && since === null ? { since: noTime } : {}),
      ...(view.until.trim() !== '' && until === null
        ? { until: noTime }
        : since !== null && until !== null && until < since
          ? { until: 'This is before the beginning.' }
          : {}),
    },
  }
}

export function isFiltered(view: LogView): boolean {
  return Object.entries(wholeLog).some(([name, empty]) => view[name as keyof LogView] !== empty)
}

/** The filter in words, for the line above the list, the report and the export; empty when there is none. */
export function filterWords(filter: AuditFilter): string {
  const parts = [
    filter.requestId === undefined ? null : `of the request ${filter.requestId}`,
    filter.workRequestId === undefined ? null : `of work request ${filter.workRequestId}`,
    filter.event === undefined ? null : `“${eventWords[filter.event].text}”`,
    filter.purpose === undefined ? null : `for ${filter.purpose}`,
    filter.operator === undefined ? null : `by ${filter.operator}`,
    filter.digest === undefined ? null : `with digest ${filter.digest}`,
    filter.fingerprint === undefined ? null : `with key ${filter.fingerprint}`,
    filter.since === undefined ? null : `from ${utc(filter.since)}`,
    filter.until === undefined ? null : `until ${utc(filter.until)}`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}
