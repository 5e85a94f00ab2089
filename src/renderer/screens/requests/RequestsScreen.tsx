import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useCallback, useDeferredValue, useState } from 'react'
import { Tab, TabList, Tabs } from 'react-aria-components'
import { Badge } from '../../design/Badge.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { VirtualGrid } from '../../design/VirtualGrid.tsx'
import { type RequestsTab, useNavigation } from '../../navigation.tsx'
import { plainNumber } from '../../parts/format.ts'
import { SearchBox } from '../../parts/SearchBox.tsx'
import { Timestamp } from '../../parts/Timestamp.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { type RequestsView, requestsQuery } from '../../station/station-queries.ts'
import { GettingStarted } from './GettingStarted.tsx'
import { NextWork } from './NextWork.tsx'
import { foundSentence, requestRow } from './requests-view.ts'
import './requests.css'

const columns = [
  { id: 'what', header: 'What' },
  { id: 'key', header: 'Key' },
  { id: 'files', header: 'Files', align: 'end' },
  { id: 'checks', header: 'Checks' },
  { id: 'state', header: 'State' },
  { id: 'at', header: 'Changed', align: 'end' },
] as const

export function RequestsScreen({ tab }: { readonly tab: RequestsTab }) {
  const { go } = useNavigation()
  const station = useStation()
  const heading = usePageHeading()
  const [search, setSearch] = useState('')
  const inHand = useQuery({
    queryKey: ['requests', 'list', 'in-hand', 'count'],
    queryFn: () => station.requestsList({ view: 'in-hand', search: null, cursor: null, limit: 1 }),
    select: (answer) => (answer.ok ? answer.value.total : null),
  })
  const tabs = [
    { id: 'in-hand', label: 'In hand', count: inHand.data ?? null },
    { id: 'next', label: 'Next', count: null },
    { id: 'done', label: 'Done', count: null },
  ] as const
  return (
    <div className="screen">
      <header className="screen-head">
        <h1 ref={heading} tabIndex={-1}>
          Requests
        </h1>
        <Tabs
          className="tabs"
          selectedKey={tab}
          onSelectionChange={(key) => go({ screen: 'requests', tab: key as RequestsTab, open: null })}
        >
          <TabList aria-label="Which requests" className="tab-list">
            {tabs.map(({ id, label, count }) => (
              <Tab key={id} id={id} className="tab" aria-controls={undefined}>
                {label}
                {count === null ? null : <span className="tab-count">{plainNumber(count)}</span>}
              </Tab>
            ))}
          </TabList>
        </Tabs>
        <span className="grow" />
        {tab === 'next' ? null : <SearchBox label="Search requests" value={search} onChange={setSearch} />}
      </header>
      <div className="screen-body">
        {tab === 'next' ? <NextWork /> : <RequestList key={tab} view={tab} search={search} />}
      </div>
    </div>
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
  if (query.isPending) return <p className="muted">Reading the list …</p>
  if (query.isError) return <FailureNotice failure={failureFrom(query.error)} title="The list could not be read" />
  const rows = query.data.pages.flatMap((page) => page.rows)
  const total = query.data.pages.at(-1)?.total ?? 0
  if (total === 0) return <NothingHere view={view} search={wanted} />
  return (
    <>
      <p className="visually-hidden" role="status">
        {foundSentence(total, wanted)}
      </p>
      <VirtualGrid
        label={view === 'in-hand' ? 'Requests in hand' : 'Requests that are done'}
        layout="requests-grid"
        columns={columns}
        rows={rows}
        total={total}
        rowHeight={56}
        rowKey={(row) => row.id}
        onOpen={(row) => go({ screen: 'requests', tab: view, open: row.id })}
        onNearEnd={more}
        cells={(summary) => {
          const row = requestRow(summary)
          return [
            <>
              <strong className="row-title">
                <UntrustedText text={row.title} truncate />
              </strong>
              <span className="small muted">
                <UntrustedText text={row.about} truncate />
              </span>
            </>,
            <UntrustedText text={row.key} truncate />,
            row.files,
            row.worst === null ? null : <Badge tone={row.worst.tone}>{row.worst.text}</Badge>,
            <Badge tone={row.state.tone}>{row.state.text}</Badge>,
            <span className="muted">
              <Timestamp iso={row.at} short />
            </span>,
          ]
        }}
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
