import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AuditFilter, AuditRow, AuditSource, VerificationReport } from '../../../shared/audit.ts'
import { Button } from '../../design/Button.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { plainNumber, utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { logReportPartQuery, logReportSpanQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { auditRowView, digestsOf } from './audit-view.ts'
import { filterWords } from './log-filter.ts'
import { mostPrinted, type PrintedPart, partOf, printedHead } from './printed-view.ts'
import { reportView } from './report-view.ts'
import { ReportDoubts, ReportFacts } from './Verification.tsx'
import './print.css'

/** The entries of a time, a key or a request on paper: what is printed is what is seen here. */
export function PrintedReport({
  source,
  filter,
  origin,
  file,
  by,
  verification,
  checkpoint,
  onBack,
}: {
  readonly source: AuditSource
  readonly filter: AuditFilter
  readonly origin: string | null
  /** The file of a log under review; null for the station's own. */
  readonly file: string | null
  /** Who has it made; null: nobody who is known here. */
  readonly by: string | null
  readonly verification: VerificationReport | null
  /** Text of the last checkpoint, printed whole; null: there is none, or it is not known. */
  readonly checkpoint: string | null
  readonly onBack: () => void
}) {
  const heading = usePageHeading()
  const station = useStation()
  const [madeAt] = useState(() => new Date().toISOString())
  const [number, setNumber] = useState(1)
  const span = useQuery(logReportSpanQuery(station, source, filter))
  const all = span.data ?? nothing
  const part = partOf(all.total, number)
  const query = useQuery({
    ...logReportPartQuery(station, source, filter, all, part),
    enabled: span.data !== undefined,
  })
  const error = span.error ?? query.error
  return (
    <div className="screen printed-screen">
      <header className="screen-head not-printed">
        <Button variant="quiet" size="s" icon="back" onPress={onBack}>
          Back to the log
        </Button>
        <span className="grow" />
        {part.of === 1 ? null : <Parts part={part} onNumber={setNumber} />}
        <Button variant="primary" isDisabled={query.data === undefined} onPress={() => window.print()}>
          Print …
        </Button>
      </header>
      {/* What scrolls can be reached with the keyboard. */}
      <div className="screen-body screen-scroll printed-scroll" tabIndex={0} role="region" aria-label="Report">
        <article className="printed">
          <h1 ref={heading} tabIndex={-1}>
            Audit log report
          </h1>
          <ReportFacts
            facts={printedHead({
              source,
              origin,
              file,
              by,
              madeAt,
              words: filterWords(filter),
              total: span.data?.total ?? null,
              part,
            })}
          />
          <Verdict verification={verification} source={source} />
          {query.isPending && error === null ? <p className="muted">Reading the entries …</p> : null}
          {error === null ? null : <FailureNotice failure={failureFrom(error)} title="The entries could not be read" />}
          {part.of === 1 ? null : (
            <div className="not-printed">
              <Notice tone="attention" title={`Printed in ${plainNumber(part.of)} parts`}>
                These are {plainNumber(all.total)} entries, and a part holds {plainNumber(mostPrinted)}. Print each
                part, or go back and set a time, a key or a request; the whole log goes into an export.
              </Notice>
            </div>
          )}
          {query.data === undefined ? null : <Entries rows={query.data} />}
          {checkpoint === null ? null : (
            <section>
              <h2>Last checkpoint</h2>
              <pre className="entry-text">
                <UntrustedText text={checkpoint.trimEnd()} multiline />
              </pre>
            </section>
          )}
          <p className="small muted">
            Paper proves nothing by itself. What it says is checked against an export of the log with
            signing-station-verify.
          </p>
        </article>
      </div>
    </div>
  )
}

const nothing = { total: 0, anchor: null }

function Parts({ part, onNumber }: { readonly part: PrintedPart; readonly onNumber: (number: number) => void }) {
  return (
    <div className="row" role="group" aria-label="Part of the report">
      <Button size="s" isDisabled={part.number === 1} onPress={() => onNumber(part.number - 1)}>
        Part before
      </Button>
      <span role="status">
        Part {plainNumber(part.number)} of {plainNumber(part.of)}
      </span>
      <Button size="s" isDisabled={part.number === part.of} onPress={() => onNumber(part.number + 1)}>
        Next part
      </Button>
    </div>
  )
}

function Verdict({
  verification,
  source,
}: {
  readonly verification: VerificationReport | null
  readonly source: AuditSource
}) {
  if (verification === null)
    return (
      <section>
        <h2>Verification</h2>
        <p>The log was not verified before this report was made.</p>
      </section>
    )
  const view = reportView(verification, source)
  return (
    <section>
      <h2>Verification</h2>
      <p>
        <strong>{view.title}.</strong> <UntrustedText text={view.sentence} />
      </p>
      <ReportDoubts doubts={view.doubts} />
      <ReportFacts facts={view.facts} />
    </section>
  )
}

function Entries({ rows }: { readonly rows: readonly Parameters<typeof auditRowView>[0][] }) {
  return (
    <section>
      <h2>Entries</h2>
      <table className="printed-entries">
        <thead>
          <tr>
            <th scope="col">No.</th>
            <th scope="col">Time (UTC)</th>
            <th scope="col">Event</th>
            <th scope="col">What</th>
            <th scope="col">Request</th>
            <th scope="col">Operator</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const view = auditRowView(row)
            return (
              <tr key={row.seq}>
                <td className="printed-number">{view.number}</td>
                <td className="mono">{utc(row.at).slice(0, 19)}</td>
                <td>{view.event.text}</td>
                <td>
                  <UntrustedText text={row.summary} />
                  <PrintedDigests row={row} />
                </td>
                <td>{row.workRequestId === null ? '' : `#${row.workRequestId}`}</td>
                <td>
                  <UntrustedText text={view.operator} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

/** The digest of the input alone; where several keys sign, also of what this one gave, and each is called by its name. */
function PrintedDigests({ row }: { readonly row: AuditRow }) {
  if (row.key === undefined)
    return row.inputSha256 === null ? null : <span className="mono printed-digest">{row.inputSha256}</span>
  return digestsOf(row).map(({ title, hex }) => (
    <span key={title} className="printed-digest">
      {title}: <span className="mono">{hex}</span>
    </span>
  ))
}
