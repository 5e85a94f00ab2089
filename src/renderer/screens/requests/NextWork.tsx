import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { type Column, VirtualGrid } from '../../design/VirtualGrid.tsx'
import { useNavigation } from '../../navigation.tsx'
import { utc } from '../../parts/format.ts'
import { Timestamp } from '../../parts/Timestamp.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { pendingQuery, statusQuery } from '../../station/station-queries.ts'
import { type PendingRowView, pendingRow } from './requests-view.ts'

const columns: readonly Column<PendingRowView>[] = [
  { id: 'what', header: 'Work request', cell: (row) => <UntrustedText text={row.title} truncate /> },
  { id: 'workspace', header: 'Workspace', cell: (row) => <UntrustedText text={row.workspace} truncate /> },
  {
    id: 'key',
    header: 'Key',
    cell: (row) => (
      <span className="mono">
        <UntrustedText text={row.key} truncate />
      </span>
    ),
  },
  {
    id: 'state',
    header: 'State',
    cell: (row) => (
      <>
        <Badge tone={row.state.tone}>{row.state.text}</Badge>
        {row.note === '' ? null : (
          <span className="small muted">
            <UntrustedText text={row.note} truncate />
          </span>
        )}
      </>
    ),
  },
  {
    id: 'at',
    header: 'Made',
    align: 'end',
    cell: (row) => (
      <span className="muted">
        <Timestamp iso={row.at} short />
      </span>
    ),
  },
]

const nothing = () => {}

/** Work that waits at the server: to be seen, not to be had. */
export function NextWork() {
  const station = useStation()
  const cache = useQueryClient()
  const { go } = useNavigation()
  const status = useQuery(statusQuery(station))
  const query = useQuery(pendingQuery(station))
  if (status.data?.userTokenSet === false) {
    return (
      <EmptyState
        title="Waiting work is not visible"
        actions={<Button onPress={() => go({ screen: 'settings' })}>Open Settings</Button>}
      >
        The server shows work that is not yet assigned only to its users. With your own API token under Settings you see
        here, read-only, what may come next. Work that the server assigns to this station arrives in hand without it.
      </EmptyState>
    )
  }
  if (query.isPending) return <p className="muted">Asking the server …</p>
  if (query.isError)
    return <FailureNotice failure={failureFrom(query.error)} title="The server’s list could not be read" />
  const { work, asOf } = query.data
  return (
    <>
      <div className="row next-head">
        <p className="grow">
          <strong>Not held by this station.</strong>{' '}
          <span className="muted">
            Read-only, as the server showed it at {utc(asOf)}. The server decides who gets what.
          </span>
        </p>
        <Button
          size="s"
          icon="refresh"
          isPending={query.isFetching}
          onPress={() => void cache.invalidateQueries({ queryKey: ['requests', 'next'] })}
        >
          Ask again
        </Button>
      </div>
      {work.length === 0 ? (
        <EmptyState title="Nothing waits">The server has no pending signing work in the scope that is set.</EmptyState>
      ) : (
        <VirtualGrid
          label="Work that waits at the server, read-only"
          layout="next-grid"
          columns={columns}
          rows={work.map(pendingRow)}
          total={work.length}
          rowHeight={52}
          rowKey={(row) => String(row.id)}
          onOpen={null}
          onNearEnd={nothing}
        />
      )}
    </>
  )
}
