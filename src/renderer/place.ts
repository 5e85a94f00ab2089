import type { AuditSource, ShownEvent } from '../shared/audit.ts'
import type { RequestId } from '../shared/ids.ts'
import { eventWords } from './screens/audit/event-words.ts'

export type RequestsTab = 'in-hand' | 'waiting' | 'next' | 'done'

/** What of a log is shown: the filter as it was typed and chosen. `audit-filter.ts` makes of it what main is asked. */
export type LogView = {
  /** Digest, `#work request`, operator, as typed. */
  readonly search: string
  readonly event: ShownEvent | null
  readonly purpose: string | null
  readonly fingerprint: string | null
  readonly requestId: RequestId | null
  /** Times in UTC as typed: `2026-11-20` or `2026-11-20 10:48`. */
  readonly since: string
  readonly until: string
}

export const wholeLog: LogView = {
  search: '',
  event: null,
  purpose: null,
  fingerprint: null,
  requestId: null,
  since: '',
  until: '',
}

/** Where the operator is. */
export type Place =
  | { readonly screen: 'requests'; readonly tab: RequestsTab; readonly open: RequestId | null }
  | { readonly screen: 'keys' }
  | { readonly screen: 'ceremony' }
  | { readonly screen: 'audit'; readonly source: AuditSource; readonly view: LogView; readonly seq: number | null }
  | { readonly screen: 'settings' }

/** The log of a source from its newest entry on. */
export function logPlace(source: AuditSource, view: Partial<LogView> = {}, seq: number | null = null): Place {
  return { screen: 'audit', source, view: { ...wholeLog, ...view }, seq }
}

const tabs: readonly RequestsTab[] = ['in-hand', 'waiting', 'next', 'done']

/** The place as the fragment of the window's address, so that a reload comes back to it. */
export function hashOf(place: Place): string {
  switch (place.screen) {
    case 'requests':
      return place.open === null ? `#/requests/${place.tab}` : `#/requests/${place.tab}/${place.open}`
    case 'keys':
    case 'ceremony':
    case 'settings':
      return `#/${place.screen}`
    case 'audit': {
      const { view } = place
      const wanted = Object.entries({
        q: view.search,
        event: view.event,
        purpose: view.purpose,
        key: view.fingerprint,
        request: view.requestId,
        since: view.since,
        until: view.until,
        entry: place.seq === null ? null : String(place.seq),
      }).flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value] as [string, string]]))
      const query = new URLSearchParams(wanted).toString()
      return `#/${place.source === 'station' ? 'audit' : 'review'}${query === '' ? '' : `?${query}`}`
    }
  }
}

/**
 * The place of such a fragment; null for anything that is none. It names what is looked at and asks for nothing to be done, and
 * what cannot be one of our own values is left out.
 */
export function placeFrom(hash: string): Place | null {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2)
  const [screen, tab, open, ...more] = path.split('/').slice(1)
  if (more.length > 0 || hash.length > 4_000) return null
  switch (screen) {
    case 'requests': {
      const known = tabs.find((each) => each === tab)
      if (known === undefined || (open !== undefined && !isRequestId(open))) return null
      return { screen, tab: known, open: open ?? null }
    }
    case 'keys':
    case 'ceremony':
    case 'settings':
      return tab === undefined ? { screen } : null
    case 'audit':
    case 'review':
      return tab === undefined ? logPlaceFrom(screen, new URLSearchParams(query)) : null
    default:
      return null
  }
}

function logPlaceFrom(screen: 'audit' | 'review', wanted: URLSearchParams): Place {
  const text = (name: string) => (wanted.get(name) ?? '').slice(0, 200)
  const matching = (name: string, form: RegExp) => (form.test(text(name)) ? text(name) : null)
  const event = text('event')
  const request = text('request')
  const entry = matching('entry', /^[1-9]\d{0,15}$/)
  return logPlace(
    screen === 'audit' ? 'station' : 'opened',
    {
      search: text('q'),
      event: Object.hasOwn(eventWords, event) ? (event as ShownEvent) : null,
      purpose: matching('purpose', /^[a-z][a-z0-9-]{0,40}$/),
      fingerprint: matching('key', /^[0-9A-F]{8,64}$/),
      requestId: isRequestId(request) ? request : null,
      since: text('since'),
      until: text('until'),
    },
    entry === null || !Number.isSafeInteger(Number(entry)) ? null : Number(entry),
  )
}

function isRequestId(text: string): text is RequestId {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}
