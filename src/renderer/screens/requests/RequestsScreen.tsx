import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { type Column, VirtualGrid } from '../../design/VirtualGrid.tsx'
import { useNavigation } from '../../navigation.tsx'
import { plainNumber } from '../../parts/format.ts'
import { pageRows } from '../../parts/page-rows.ts'
import { SearchBox } from '../../parts/SearchBox.tsx'
import { Timestamp } from '../../parts/Timestamp.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import type { RequestsTab } from '../../place.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { type RequestsView, requestsQuery, statusQuery, waitingQuery } from '../../station/station-queries.ts'
import { useOpenFiles } from '../by-hand/ByHandProvider.tsx'
import { GettingStarted } from './GettingStarted.tsx'
import { NextWork } from './NextWork.tsx'
import { foundSentence, type RequestRowView, requestRow } from './requests-view.ts'
import { WaitingTasks } from './WaitingTasks.tsx'
import { waitingCount } from './waiting-view.ts'
import './requests.css'

const columns: readonly Column<RequestRowView>[] = [
  {
    id: 'what',
    header: 'What',
    cell: (row) => (
      <>
        <strong className="row-title">
          <UntrustedText text={row.title} truncate />
        </strong>
        <span className="small muted">
          <UntrustedText text={row.about} truncate />
        </span>
      </>
    ),
  },
  { id: 'key', header: 'Key', cell: (row) => <UntrustedText text={row.key} truncate /> },
  { id: 'files', header: 'Files', align: 'end', cell: (row) => row.files },
  {
    id: 'checks',
    header: 'Checks',
    cell: (row) => (row.worst === null ? null : <Badge tone={row.worst.tone}>{row.worst.text}</Badge>),
  },
  { id: 'state', header: 'State', cell: (row) => <Badge tone={row.state.tone}>{row.state.text}</Badge> },
  {
    id: 'at',
    header: 'Changed',
    align: 'end',
    cell: (row) => (
      <span className="muted">
        <Timestamp iso={row.at} short />
      </span>
    ),
  },
]

/** A decided request has its outcome; what the checks said then is on its sheet. */
const doneColumns = columns.filter((column) => column.id !== 'checks')

const rowsOf = pageRows(requestRow)

export function RequestsScreen({ tab }: { readonly tab: RequestsTab }) {
  const { go } = useNavigation()
  const station = useStation()
  const heading = usePageHeading()
  const openFiles = useOpenFiles()
  const [search, setSearch] = useState('')
  const inHand = useQuery({
    queryKey: ['requests', 'list', 'in-hand', 'count'],
    queryFn: () => station.requestsList({ view: 'in-hand', search: null, cursor: null, limit: 1 }),
    select: (answer) => (answer.ok ? answer.value.total : null),
  })
  const status = useQuery(statusQuery(station))
  const waiting = useQuery({
    ...waitingQuery(station),
    enabled: status.data?.userTokenSet === true,
    select: ({ tasks }) => waitingCount(tasks),
  })
  const tabs = [
    { id: 'in-hand', label: 'In hand', count: inHand.data ?? null },
    { id: 'waiting', label: 'Waiting for you', count: waiting.data ?? null },
    { id: 'next', label: 'Next', count: null },
    { id: 'done', label: 'Done', count: null },
  ] as const
  return (
    <Tabs
      className="screen"
      selectedKey={tab}
      onSelectionChange={(key) => go({ screen: 'requests', tab: key as RequestsTab, open: null })}
    >
      <header className="screen-head">
        <h1 ref={heading} tabIndex={-1}>
          Requests
        </h1>
        <TabList aria-label="Which requests" className="tab-list">
          {tabs.map(({ id, label, count }) => (
            <Tab key={id} id={id} className="tab">
              {label}
              {count === null ? null : <span className="tab-count">{plainNumber(count)}</span>}
            </Tab>
          ))}
        </TabList>
        <span className="grow" />
        <Button size="s" onPress={() => openFiles([])}>
          Sign files …
        </Button>
        {tab === 'next' || tab === 'waiting' ? null : (
          <SearchBox label="Search requests" value={search} onChange={setSearch} />
        )}
      </header>
      {tabs.map(({ id }) => (
        <TabPanel key={id} id={id} className="screen-body">
          {id === 'next' ? (
            <NextWork />
          ) : id === 'waiting' ? (
            <WaitingTasks />
          ) : (
            <RequestList view={id} search={search} />
          )}
        </TabPanel>
      ))}
    </Tabs>
  )
}

function RequestList({ view, search }: { readonly view: RequestsView; readonly search: string }) {
  const { go } = useNavigation()
  const station = useStation()
  const wanted = useDeferredValue(search.trim())
  const query = useInfiniteQuery(requestsQuery(station, view, wanted))
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, hasNextPage, isFetchingNextPage])
  const pages = query.data?.pages
  const rows = useMemo(() => rowsOf(pages ?? []), [pages])
  if (query.isPending) return <p className="muted">Reading the list …</p>
  if (query.isError) return <FailureNotice failure={failureFrom(query.error)} title="The list could not be read" />
  const total = query.data.pages.at(-1)?.total ?? 0
  if (total === 0) return <NothingHere view={view} search={wanted} />
  return (
    <>
      <p className="visually-hidden" role="status">
        {foundSentence(total, wanted)}
      </p>
      <VirtualGrid
        label={view === 'in-hand' ? 'Requests in hand' : 'Requests that are done'}
        layout={view === 'done' ? 'done-grid' : 'requests-grid'}
        columns={view === 'done' ? doneColumns : columns}
        rows={rows}
        total={total}
        rowHeight={56}
        rowKey={(row) => row.id}
        onOpen={(row) => go({ screen: 'requests', tab: view, open: row.id })}
        onNearEnd={more}
      />
      <p className="list-foot small muted">
        {foundSentence(total, wanted)}. Arrows move, Enter opens, <kbd>/</kbd> searches.
      </p>
    </>
  )
}

function NothingHere({ view, search }: { readonly view: RequestsView; readonly search: string }) {
  if (search !== '') {
    return (
      <EmptyState title="Nothing found">
        No request matches <strong>{search}</strong>. The search looks at titles, workspaces, names, keys and work
        request numbers.
      </EmptyState>
    )
  }
  if (view === 'done')
    return (
      <EmptyState title="Nothing is done yet">Requests that were signed, declined or failed are kept here.</EmptyState>
    )
  return <GettingStarted />
}
