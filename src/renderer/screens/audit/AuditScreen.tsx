import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import type { AuditFilter, AuditSource } from '../../../shared/audit.ts'
import type { AuditSeq } from '../../../shared/ids.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import type { Column } from '../../design/VirtualGrid.tsx'
import { useNavigation } from '../../navigation.tsx'
import { utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { type LogView, logPlace } from '../../place.ts'
import { lastCheckpointQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { statusQuery } from '../../station/station-queries.ts'
import { useVerification } from '../../station/use-log-work.ts'
import type { AuditRowView } from './audit-view.ts'
import { Contradictions } from './Contradictions.tsx'
import { DeviceIncidents } from './DeviceIncidents.tsx'
import { EntryPanel } from './EntryPanel.tsx'
import { ExportDialog, ExportPanel } from './ExportDialog.tsx'
import { FilterBar } from './FilterBar.tsx'
import { LogList } from './LogList.tsx'
import { logFilter } from './log-filter.ts'
import { PrintedReport } from './PrintedReport.tsx'
import { reportView } from './report-view.ts'
import { Standing } from './Standing.tsx'
import { useLogRows } from './use-log-rows.ts'
import { VerificationPanel } from './Verification.tsx'
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

/** The station's own log. */
export function AuditScreen({ view, seq }: { readonly view: LogView; readonly seq: number | null }) {
  const station = useStation()
  const status = useQuery(statusQuery(station))
  const last = useQuery(lastCheckpointQuery(station))
  const { work } = useVerification('station')
  const [report, setReport] = useState(false)
  if (!report) return <StationLog view={view} seq={seq} onReport={() => setReport(true)} />
  return (
    <PrintedReport
      source="station"
      filter={logFilter(view).filter}
      origin={status.data?.logKey?.origin ?? status.data?.stationName ?? null}
      file={null}
      by={status.data?.operator ?? null}
      verification={work.kind === 'done' ? work.value : null}
      checkpoint={last.data?.note ?? null}
      onBack={() => setReport(false)}
    />
  )
}

function StationLog({
  view,
  seq,
  onReport,
}: {
  readonly view: LogView
  readonly seq: number | null
  readonly onReport: () => void
}) {
  const heading = usePageHeading()
  const station = useStation()
  const { go } = useNavigation()
  const status = useQuery(statusQuery(station))
  const verification = useVerification('station')
  const [exporting, setExporting] = useState(false)
  const { work } = verification
  return (
    <div className="screen">
      <header className="screen-head">
        <h1 ref={heading} tabIndex={-1}>
          Audit log
        </h1>
        <span className="grow" />
        <Button variant="quiet" onPress={() => go(logPlace('opened'))}>
          Other logs …
        </Button>
        <Button isDisabled={work.kind === 'running'} onPress={() => void verification.start(null)}>
          Verify now
        </Button>
        <Button onPress={() => setExporting(true)}>Export …</Button>
        <Button onPress={onReport}>Report …</Button>
      </header>
      <div className="screen-body audit-body">
        {status.data === undefined ? null : <Contradictions open={status.data.contradictions} />}
        {status.data === undefined ? null : (
          <DeviceIncidents
            open={status.data.deviceIncidents}
            canClose={status.data.station === 'ready'}
            onEntry={(entry) => go(logPlace('station', {}, entry))}
          />
        )}
        {status.data === undefined ? null : <Standing status={status.data} />}
        <VerificationPanel
          work={work.kind === 'done' ? { kind: 'done', value: reportView(work.value, 'station') } : work}
          onCancel={verification.cancel}
          onDismiss={verification.dismiss}
          onEntry={(bad) => go(logPlace('station', {}, bad))}
        />
        <ExportPanel />
        <LogBody source="station" view={view} seq={seq} note="Nothing here can be changed or removed." />
      </div>
      {exporting ? <ExportDialog filter={logFilter(view).filter} onClose={() => setExporting(false)} /> : null}
    </div>
  )
}

/** Filter, list and the open entry of a log, the same for our own and for one that is under review. */
export function LogBody({
  source,
  view,
  seq,
  note,
}: {
  readonly source: AuditSource
  readonly view: LogView
  readonly seq: number | null
  readonly note: string
}) {
  const { go } = useNavigation()
  const { filter, problems } = logFilter(view)
  const open = seq as AuditSeq | null
  const show = (next: LogView, entry: number | null) => go(logPlace(source, next, entry))
  return (
    <>
      <FilterBar source={source} view={view} problems={problems} onChange={(next) => show(next, seq)} />
      {view.requestId === null ? null : <OneRequest source={source} view={view} onAny={(next) => show(next, seq)} />}
      <div className={open === null ? 'audit-split' : 'audit-split audit-split-open'}>
        <List source={source} filter={filter} open={open} note={note} onOpen={(entry) => show(view, entry)} />
        {open === null ? null : (
          <EntryPanel
            key={open}
            source={source}
            seq={open}
            onClose={() => show(view, null)}
            onSeq={(entry) => show(view, entry)}
            onOnly={(part) => show({ ...view, ...part }, open)}
          />
        )}
      </div>
    </>
  )
}

function OneRequest({
  source,
  view,
  onAny,
}: {
  readonly source: AuditSource
  readonly view: LogView
  readonly onAny: (view: LogView) => void
}) {
  const { go } = useNavigation()
  const { requestId } = view
  return (
    <div className="row">
      <p>Only the entries of one request.</p>
      {requestId === null || source === 'opened' ? null : (
        <Button size="s" variant="quiet" onPress={() => go({ screen: 'requests', tab: 'done', open: requestId })}>
          Open it
        </Button>
      )}
      <Button size="s" variant="quiet" onPress={() => onAny({ ...view, requestId: null })}>
        Of any request
      </Button>
    </div>
  )
}

function List({
  source,
  filter,
  open,
  note,
  onOpen,
}: {
  readonly source: AuditSource
  readonly filter: AuditFilter
  readonly open: AuditSeq | null
  readonly note: string
  readonly onOpen: (seq: AuditSeq) => void
}) {
  const rows = useLogRows(source, useSettled(filter))
  return (
    <LogList
      rows={rows}
      label={source === 'station' ? 'Audit log' : 'Log under review'}
      layout={open === null ? 'audit-grid' : 'audit-grid-narrow'}
      columns={open === null ? columns : narrow}
      open={open}
      note={note}
      onOpen={onOpen}
    />
  )
}

/** The same object for as long as it says the same, and late while somebody types. */
function useSettled(filter: AuditFilter): AuditFilter {
  const [settled, setSettled] = useState(filter)
  if (JSON.stringify(settled) !== JSON.stringify(filter)) setSettled(filter)
  return useDeferredValue(settled)
}
