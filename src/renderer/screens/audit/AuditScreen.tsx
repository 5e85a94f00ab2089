import { useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import type { AuditEvent, AuditFilter, AuditState } from '../../../shared/audit.ts'
import type { AuditSeq } from '../../../shared/ids.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { type Column, VirtualGrid } from '../../design/VirtualGrid.tsx'
import { plainNumber, utc } from '../../parts/format.ts'
import { pageRows } from '../../parts/page-rows.ts'
import { SearchBox } from '../../parts/SearchBox.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { auditQuery, useAction } from '../../station/station-queries.ts'
import {
  type AuditRowView,
  auditRowView,
  checkResult,
  eventWords,
  filterFromSearch,
  filterWords,
} from './audit-view.ts'
import { EntryPanel } from './EntryPanel.tsx'
import './audit.css'

const columns: readonly Column<AuditRowView>[] = [
  { id: 'seq', header: 'No.', align: 'end', cell: (row) => <span className="muted">{row.number}</span> },
  { id: 'at', header: 'Time (UTC)', cell: (row) => <span className="mono small">{utc(row.at).slice(0, 19)}</span> },
  {
    id: 'event',
    header: 'Event',
    cell: (row) => (
      <Badge tone={row.event.tone} plain={row.event.tone === 'neutral'}>
        {row.event.text}
      </Badge>
    ),
  },
  { id: 'summary', header: 'What', cell: (row) => <UntrustedText text={row.summary} truncate /> },
  { id: 'request', header: 'Request', cell: (row) => row.request },
  { id: 'operator', header: 'Operator', cell: (row) => <UntrustedText text={row.operator} truncate /> },
]

/** Beside an open entry, which has the time itself. */
const narrow = columns.filter(({ id }) => id === 'seq' || id === 'event' || id === 'summary')

const rowsOf = pageRows(auditRowView)

export function AuditScreen({
  initialFilter,
  initialSeq,
}: {
  readonly initialFilter: AuditFilter
  readonly initialSeq: number | null
}) {
  const heading = usePageHeading()
  const [fixed, setFixed] = useState(initialFilter)
  const [event, setEvent] = useState<AuditEvent | ''>('')
  const [search, setSearch] = useState('')
  const [open, setOpen] = useState<AuditSeq | null>(initialSeq as AuditSeq | null)
  const typed = useDeferredValue(search)
  const filter: AuditFilter = { ...fixed, ...filterFromSearch(typed), ...(event === '' ? {} : { event }) }
  const words = filterWords(filter)
  return (
    <div className="screen">
      <header className="screen-head">
        <h1 ref={heading} tabIndex={-1}>
          Audit log
        </h1>
        <span className="grow" />
        <label className="event-filter">
          <span className="visually-hidden">Only this event</span>
          <select
            className="input"
            value={event}
            onChange={(change) => setEvent(change.target.value as AuditEvent | '')}
          >
            <option value="">All events</option>
            {Object.entries(eventWords).map(([id, { text }]) => (
              <option key={id} value={id}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <SearchBox label="Digest, #work request, operator" value={search} onChange={setSearch} />
        <CheckTheLog />
      </header>
      <div className="screen-body">
        {words === '' ? null : (
          <div className="row">
            <span>
              Entries <UntrustedText text={words} exact />
            </span>
            <Button
              size="s"
              variant="quiet"
              onPress={() => {
                setFixed({})
                setEvent('')
                setSearch('')
              }}
            >
              Show all
            </Button>
          </div>
        )}
        <div className={open === null ? 'audit-split' : 'audit-split audit-split-open'}>
          <AuditList filter={filter} open={open} onOpen={setOpen} />
          {open === null ? null : <EntryPanel key={open} seq={open} onClose={() => setOpen(null)} onSeq={setOpen} />}
        </div>
      </div>
    </div>
  )
}

function AuditList({
  filter,
  open,
  onOpen,
}: {
  readonly filter: AuditFilter
  readonly open: AuditSeq | null
  readonly onOpen: (seq: AuditSeq) => void
}) {
  const station = useStation()
  const query = useInfiniteQuery(auditQuery(station, filter))
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage])
  const pages = query.data?.pages
  const rows = useMemo(() => rowsOf(pages ?? []), [pages])
  if (query.isPending) return <p className="muted">Reading the log …</p>
  if (query.isError) return <FailureNotice failure={failureFrom(query.error)} title="The log could not be read" />
  const total = query.data.pages.at(-1)?.total ?? 0
  if (total === 0)
    return (
      <EmptyState title="No entry matches">
        The log has no such entry. Digests are found by their first eight digits or more.
      </EmptyState>
    )
  return (
    <div className="audit-list">
      <VirtualGrid
        label="Audit log"
        layout={open === null ? 'audit-grid' : 'audit-grid-narrow'}
        columns={open === null ? columns : narrow}
        rows={rows}
        total={total}
        rowHeight={36}
        rowKey={(row) => String(row.seq)}
        selectedKey={open === null ? '' : String(open)}
        onOpen={(row) => onOpen(row.seq)}
        onNearEnd={more}
      />
      <p className="small muted">
        {plainNumber(total)} {total === 1 ? 'entry' : 'entries'}. Nothing here can be changed or removed.
      </p>
    </div>
  )
}

function CheckTheLog() {
  const check = useAction((station, _input: null) => station.auditCheck(null))
  const [state, setState] = useState<AuditState | null>(null)
  const result = state === null ? null : checkResult(state)

  async function checkAll() {
    setState(null)
    const answer = await check.run(null)
    if (answer.ok) setState(answer.value)
  }

  return (
    <>
      <Button isPending={check.pending} onPress={() => void checkAll()}>
        {check.pending ? 'Checking every entry …' : 'Check the log'}
      </Button>
      {check.failure === null && result === null ? null : (
        <div className="check-result">
          {check.failure === null ? null : <FailureNotice failure={check.failure} />}
          {result === null ? null : (
            <Notice tone={result.tone} title={result.title} live>
              <UntrustedText text={result.sentence} />
            </Notice>
          )}
        </div>
      )}
    </>
  )
}
