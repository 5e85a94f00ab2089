import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { FoundLog } from '../../../shared/audit.ts'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { Select } from '../../design/Select.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { visibleString } from '../../parts/untrusted-text.ts'
import { foundLogsQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { useReading } from '../../station/use-log-work.ts'
import { pathProblem } from './opened-view.ts'
import { comparisonFacts, comparisonView } from './report-view.ts'
import { ReportFacts, WorkProgress } from './Verification.tsx'

/** Whether the newer of two logs of one station begins with the older one: what a station must never be able to deny. */
export function CompareLogs() {
  const station = useStation()
  const found = useQuery(foundLogsQuery(station))
  const [older, setOlder] = useState('')
  const [newer, setNewer] = useState('')
  const reading = useReading((api, input: Parameters<typeof api.auditCompare>[0]) => api.auditCompare(input))
  const { work } = reading
  const ready = [older, newer].every((path) => path.trim() !== '' && pathProblem(path) === null)
  const change = (set: (path: string) => void) => (path: string) => {
    reading.dismiss()
    set(path)
  }

  return (
    <section className="card review-choice" aria-labelledby="compare-logs">
      <h2 id="compare-logs">Compare two logs of one station</h2>
      <p className="muted">
        Shows whether the newer one continues the older one, or whether something before was changed, left out or
        written anew.
      </p>
      <LogFile label="Older" found={found.data ?? []} path={older} onChange={change(setOlder)} />
      <LogFile label="Newer" found={found.data ?? []} path={newer} onChange={change(setNewer)} />
      {work.kind === 'running' ? (
        <WorkProgress work={work} label="Comparing" onCancel={reading.cancel} />
      ) : (
        <div className="row row-end">
          <Button isDisabled={!ready} onPress={() => void reading.run({ older: older.trim(), newer: newer.trim() })}>
            Compare
          </Button>
        </div>
      )}
      {work.kind === 'failed' ? <FailureNotice failure={work.failure} title="Not compared" /> : null}
      {work.kind === 'done' ? (
        <Notice tone={comparisonView(work.value).tone} title={comparisonView(work.value).title} live>
          <UntrustedText text={work.value.sentence} />
          <ReportFacts facts={comparisonFacts(work.value)} />
        </Notice>
      ) : null}
    </section>
  )
}

function LogFile({
  label,
  found,
  path,
  onChange,
}: {
  readonly label: string
  readonly found: readonly FoundLog[]
  readonly path: string
  readonly onChange: (path: string) => void
}) {
  return (
    <div className="log-file" role="group" aria-label={`The ${label.toLowerCase()} log`}>
      <Select
        label={label}
        all="By its path"
        value={found.some((each) => each.path === path) ? path : null}
        options={found.map((each) => ({ value: each.path, label: visibleString(each.name) }))}
        onChange={(chosen) => onChange(chosen ?? '')}
      />
      <Field
        label={`File of the ${label.toLowerCase()} log`}
        value={path}
        onChange={onChange}
        problem={pathProblem(path)}
        mono
        maxLength={4096}
        placeholder="/media/…/export.jsonl"
      />
    </div>
  )
}
