import { queryOptions } from '@tanstack/react-query'
import type { AuditFilter, AuditRow, AuditSource, VerificationReport } from '../../shared/audit.ts'
import type { Answer } from '../../shared/contract.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import type { StationApi } from './station-api.ts'
import { valueOf } from './station-failure.ts'

/** Rows of one page. A list of a million rows is asked for in these pieces, and only those near what is in sight are kept. */
export const logPageSize = 200
const keepPagesMs = 30_000

export type LogHead = Answer<'audit.list'> & {
  /** The question that this answers: the answer before it stays in sight until it comes. */
  readonly of: string
}

/** The newest rows, how many there are, and the place that holds the list still while entries are added. */
export function logHeadQuery(station: StationApi, source: AuditSource, filter: AuditFilter) {
  return queryOptions({
    queryKey: ['audit', 'list', source, filter],
    queryFn: async (): Promise<LogHead> => ({
      ...valueOf(await station.auditList({ source, filter, cursor: null, skip: 0, limit: logPageSize })),
      of: JSON.stringify([source, filter]),
    }),
    placeholderData: (before) => before,
  })
}

/** Page `page` of the list that begins at `anchor`; page 0 is the head's own. Entries never change, so neither does a page. */
export function logPageQuery(
  station: StationApi,
  source: AuditSource,
  filter: AuditFilter,
  anchor: string | null,
  page: number,
) {
  return queryOptions({
    queryKey: ['audit', 'page', source, filter, anchor, page],
    queryFn: async (): Promise<readonly AuditRow[]> =>
      valueOf(await station.auditList({ source, filter, cursor: anchor, skip: page * logPageSize, limit: logPageSize }))
        .rows,
    gcTime: keepPagesMs,
  })
}

export function logEntryQuery(station: StationApi, source: AuditSource, seq: AuditSeq) {
  return queryOptions({
    queryKey: ['audit', 'show', source, seq],
    queryFn: async () => valueOf(await station.auditShow({ source, seq })),
  })
}

export function lastCheckpointQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['audit', 'checkpoint'],
    queryFn: async () => valueOf(await station.auditLastCheckpoint(null)),
  })
}

/** The log of somebody else that is open for review, or null. */
export function openedQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['audit', 'opened'],
    queryFn: async () => valueOf(await station.auditOpened(null)),
  })
}

export function foundLogsQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['audit', 'found'],
    queryFn: async () => valueOf(await station.auditFound(null)),
    // A medium may have been plugged in meanwhile.
    staleTime: 0,
    gcTime: 0,
  })
}

export type Exported = Answer<'audit.export'>

/** Long work of main, as far as the window knows. It is kept outside the screens: leaving one and coming back changes nothing. */
export type Work<T> =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'running'
      readonly done: number
      readonly total: number | null
      /** `bytes`: a database is copied to be read. */
      readonly unit: 'entries' | 'bytes'
    }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'done'; readonly value: T }

export const idle = { kind: 'idle' } as const

function workOptions<T>(queryKey: readonly string[]) {
  return queryOptions<Work<T>>({
    queryKey: [...queryKey],
    queryFn: () => idle,
    initialData: idle,
    gcTime: Number.POSITIVE_INFINITY,
  })
}

export function verificationQuery(source: AuditSource) {
  return workOptions<VerificationReport>(['audit-work', 'verify', source])
}

export const exportQuery = workOptions<Exported>(['audit-work', 'export'])

const readAtOnce = 500

/** How many entries a report has, and where its list begins: entries that come meanwhile are not in it, and move nothing. */
export function logReportSpanQuery(station: StationApi, source: AuditSource, filter: AuditFilter) {
  return queryOptions({
    queryKey: ['audit', 'report', source, filter],
    queryFn: async () => {
      const { total, anchor } = valueOf(await station.auditList({ source, filter, cursor: null, skip: 0, limit: 1 }))
      return { total, anchor }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}

/** The entries `first` to `last` of a report, counted from 0 at the oldest, oldest first. */
export function logReportPartQuery(
  station: StationApi,
  source: AuditSource,
  filter: AuditFilter,
  { total, anchor }: { readonly total: number; readonly anchor: string | null },
  { first, last }: { readonly first: number; readonly last: number },
) {
  return queryOptions({
    queryKey: ['audit', 'report', source, filter, anchor, total, first, last],
    queryFn: async ({ signal }) => {
      const rows: AuditRow[] = []
      const wanted = last - first + 1
      while (rows.length < wanted && !signal.aborted) {
        const skip = total - 1 - last + rows.length
        const limit = Math.min(readAtOnce, wanted - rows.length)
        const page = valueOf(await station.auditList({ source, filter, cursor: anchor, skip, limit }))
        if (page.rows.length === 0) break
        rows.push(...page.rows)
      }
      return rows.reverse()
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}
