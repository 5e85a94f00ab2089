import { type UseQueryResult, useQueries, useQuery, useQueryClient } from '@tanstack/react-query'
import { type UIEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { AuditFilter, AuditRow, AuditSource } from '../../../shared/audit.ts'
import type { Failure } from '../../../shared/failure.ts'
import { logHeadQuery, logPageQuery, logPageSize } from '../../station/log-queries.ts'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { type AuditRowView, auditRowView } from './audit-view.ts'
import { type ListRow, listRows } from './list-rows.ts'

/** Dense, and a million of them stay below the tallest box that the browser can draw (2^25 pixels). */
export const logRowHeight = 32
export const mostRows = 1_000_000
/** A jump is followed when the scrolling has rested so long: dragging the bar over a million rows asks for none on the way. */
const restMs = 60

type Pages = { readonly first: number; readonly last: number }

export type LogRows =
  | { readonly kind: 'pending' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | {
      readonly kind: 'rows'
      readonly rows: readonly ListRow[]
      readonly total: number
      /** Changes when another list is shown: it begins at its top. */
      readonly identity: string
      readonly failure: Failure | null
      /** Entries were written since this list was asked for, and it was not moved under the reader's eyes. */
      readonly newer: boolean
      readonly showNewer: () => void
      readonly onScroll: (event: UIEvent) => void
      /** A row that was not fetched is drawn; what is returned says that it is gone. */
      readonly onUnread: (index: number) => () => void
    }

const viewOf = (rows: readonly AuditRow[]) => rows.map(auditRowView)

function combine(results: readonly UseQueryResult<AuditRowView[]>[]) {
  const broken = results.find((result) => result.isError)
  return {
    loaded: results.map((result) => result.data),
    failure: broken === undefined ? null : failureFrom(broken.error),
  }
}

/** The rows of a log near what is in sight, whatever its length. */
export function useLogRows(source: AuditSource, filter: AuditFilter): LogRows {
  const station = useStation()
  const cache = useQueryClient()
  const head = useQuery(logHeadQuery(station, source, filter))
  const [near, setNear] = useState<Pages>({ first: 0, last: 0 })
  const [newer, setNewer] = useState(false)
  const [round, setRound] = useState(0)
  const atTop = useRef(true)
  const rest = useRef<ReturnType<typeof setTimeout> | null>(null)
  useEffect(() => () => clearTimeout(rest.current ?? undefined), [])

  const identity = `${head.data?.of ?? ''} ${round}`
  const [shown, setShown] = useState(identity)
  if (shown !== identity) {
    setShown(identity)
    setNear({ first: 0, last: 0 })
    setNewer(false)
  }

  useStationEvent('audit.changed', () => {
    if (source !== 'station') return
    if (atTop.current) void cache.invalidateQueries({ queryKey: ['audit', 'list', source] })
    else setNewer(true)
  })

  const total = Math.min(head.data?.total ?? 0, mostRows)
  const lastPage = Math.max(0, Math.ceil(total / logPageSize) - 1)
  const wanted = head.isPlaceholderData
    ? []
    : Array.from(
        { length: Math.max(0, Math.min(near.last, lastPage) - near.first + 1) },
        (_, n) => near.first + n,
      ).filter((page) => page > 0)
  const { loaded, failure } = useQueries({
    queries: wanted.map((page) => ({
      ...logPageQuery(station, source, filter, head.data?.anchor ?? null, page),
      select: viewOf,
    })),
    combine,
  })
  const headRows = head.data?.rows
  const first = useMemo(() => (headRows === undefined ? [] : viewOf(headRows)), [headRows])
  const start = wanted[0] ?? 0
  const rows = useMemo(() => {
    const pages = loaded.flatMap((page, at) => (page === undefined ? [] : [[start + at, page] as const]))
    return listRows(total, new Map([[0, first], ...pages]), logPageSize)
  }, [total, first, start, loaded])

  const drawn = useRef(new Set<number>())
  const nearNow = useRef(near)
  useEffect(() => {
    nearNow.current = near
  }, [near])
  const onUnread = useCallback((index: number) => {
    drawn.current.add(index)
    const page = Math.floor(index / logPageSize)
    const isNext = page >= nearNow.current.first - 1 && page <= nearNow.current.last + 1
    clearTimeout(rest.current ?? undefined)
    rest.current = setTimeout(() => setNear((before) => around(drawn.current) ?? before), isNext ? 0 : restMs)
    return () => void drawn.current.delete(index)
  }, [])
  const onScroll = (event: UIEvent) => {
    atTop.current = (event.target as HTMLElement).scrollTop < logRowHeight
  }

  if (head.isPending) return { kind: 'pending' }
  if (head.isError) return { kind: 'failed', failure: failureFrom(head.error) }
  return {
    kind: 'rows',
    rows,
    total: head.data.total,
    identity,
    failure,
    newer,
    showNewer() {
      atTop.current = true
      setRound((before) => before + 1)
      void cache.invalidateQueries({ queryKey: ['audit', 'list', source] })
    },
    onScroll,
    onUnread,
  }
}

/** The pages of these rows with their neighbours: what is in sight reaches over two at most, so that what is there stays. */
function around(rows: ReadonlySet<number>): Pages | null {
  if (rows.size === 0) return null
  const pages = [...rows].map((index) => Math.floor(index / logPageSize))
  return { first: Math.max(0, Math.min(...pages) - 1), last: Math.max(...pages) + 1 }
}
