import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { OpenedLog } from '../../../shared/audit.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { type LogView, logPlace } from '../../place.ts'
import { openedQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { useAction } from '../../station/station-queries.ts'
import { useVerification } from '../../station/use-log-work.ts'
import { LogBody } from './AuditScreen.tsx'
import { CompareLogs } from './CompareLogs.tsx'
import { logFilter } from './log-filter.ts'
import { OpenLog } from './OpenLog.tsx'
import { openedWords } from './opened-view.ts'
import { PrintedReport } from './PrintedReport.tsx'
import { reportView } from './report-view.ts'
import { Report, VerificationPanel } from './Verification.tsx'
import './audit.css'
import './review-log.css'

/** The log of another station, or of this one as it was handed to somebody: read from a file, marked as foreign all over. */
export function ReviewScreen({
  view,
  seq,
  back,
}: {
  readonly view: LogView
  readonly seq: number | null
  /** Where one comes from. */
  readonly back: { readonly label: string; readonly go: () => void }
}) {
  const station = useStation()
  const opened = useQuery(openedQuery(station))
  if (opened.isPending) return <div className="screen" aria-busy="true" />
  return opened.data === null || opened.data === undefined ? (
    <Chooser back={back} problem={opened.error} />
  ) : (
    <UnderReview log={opened.data} view={view} seq={seq} />
  )
}

function Chooser({
  back,
  problem,
}: {
  readonly back: { readonly label: string; readonly go: () => void }
  readonly problem: Error | null
}) {
  const heading = usePageHeading()
  return (
    <div className="screen">
      <header className="screen-head">
        <Button variant="quiet" size="s" icon="back" onPress={back.go}>
          {back.label}
        </Button>
        <h1 ref={heading} tabIndex={-1}>
          Other logs
        </h1>
      </header>
      <div className="screen-body screen-scroll">
        <p className="muted measure">
          For whoever audits a station: no server, no token and no station of one’s own are needed. Files are opened for
          reading only, and nothing of them enters this station.
        </p>
        {problem === null ? null : <FailureNotice failure={failureFrom(problem)} />}
        <div className="review-choices">
          <OpenLog />
          <CompareLogs />
        </div>
      </div>
    </div>
  )
}

function UnderReview({
  log,
  view,
  seq,
}: {
  readonly log: OpenedLog
  readonly view: LogView
  readonly seq: number | null
}) {
  const { work } = useVerification('opened')
  const [report, setReport] = useState(false)
  if (!report) return <ForeignLog log={log} view={view} seq={seq} onReport={() => setReport(true)} />
  return (
    <PrintedReport
      source="opened"
      filter={logFilter(view).filter}
      origin={log.origin}
      file={log.path}
      by={null}
      verification={work.kind === 'done' ? work.value : log.report}
      checkpoint={null}
      onBack={() => setReport(false)}
    />
  )
}

function ForeignLog({
  log,
  view,
  seq,
  onReport,
}: {
  readonly log: OpenedLog
  readonly view: LogView
  readonly seq: number | null
  readonly onReport: () => void
}) {
  const heading = usePageHeading()
  const cache = useQueryClient()
  const { go } = useNavigation()
  const verification = useVerification('opened')
  const close = useAction((station, _input: null) => station.auditCloseOpened(null))
  const { work } = verification
  const toEntry = (entry: number) => go(logPlace('opened', {}, entry))
  async function closeIt() {
    if (!(await close.run(null)).ok) return
    verification.dismiss()
    go(logPlace('opened'))
    await cache.invalidateQueries({ queryKey: ['audit', 'opened'] })
  }

  return (
    <div className="screen screen-foreign">
      <header className="screen-head foreign-head">
        <Badge tone="foreign">Not this station’s</Badge>
        <h1 ref={heading} tabIndex={-1}>
          Log under review
        </h1>
        <span className="grow" />
        <Button isDisabled={work.kind === 'running'} onPress={() => void verification.start(null)}>
          Verify again
        </Button>
        <Button onPress={onReport}>Report …</Button>
        <Button isPending={close.pending} onPress={() => void closeIt()}>
          Close this log
        </Button>
        <p className="foreign-about">
          <strong>
            <UntrustedText text={log.origin ?? 'A log that names no station'} exact />
          </strong>
          <span>
            {openedWords(log)}: <UntrustedText text={log.path} exact />
          </span>
          {log.selection === null ? null : (
            <span>
              Its own words for what it holds: <UntrustedText text={log.selection} />
            </span>
          )}
        </p>
      </header>
      <div className="screen-body audit-body">
        {close.failure === null ? null : <FailureNotice failure={close.failure} title="It is still open" />}
        {work.kind === 'idle' ? (
          <Report view={reportView(log.report, 'opened')} onEntry={toEntry} onDismiss={null} />
        ) : (
          <VerificationPanel
            work={work.kind === 'done' ? { kind: 'done', value: reportView(work.value, 'opened') } : work}
            onCancel={verification.cancel}
            onDismiss={verification.dismiss}
            onEntry={toEntry}
          />
        )}
        <LogBody source="opened" view={view} seq={seq} note="Read from the file, for reading only." />
      </div>
    </div>
  )
}
