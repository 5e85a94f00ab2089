import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { AuditSeq } from '../../../shared/ids.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Switch } from '../../design/Choice.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { plainNumber, utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { auditEntryQuery } from '../../station/station-queries.ts'
import { eventOf, previousHashWords, readableEntry } from './audit-view.ts'

/** One entry: what it says, the exact bytes that are hashed, and the two hashes that chain it. */
export function EntryPanel({
  seq,
  onClose,
  onSeq,
}: {
  readonly seq: AuditSeq
  readonly onClose: () => void
  readonly onSeq: (seq: AuditSeq) => void
}) {
  const station = useStation()
  const { go } = useNavigation()
  const query = useQuery(auditEntryQuery(station, seq))
  const [exact, setExact] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  // In braces: newer browsers answer with a promise, which React would take for a clean-up function.
  useEffect(() => {
    heading.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  const row = query.data?.row
  return (
    <section className="card entry" aria-label={`Entry ${seq}`}>
      <div className="row entry-head">
        <h2 ref={heading}>Entry {plainNumber(seq)}</h2>
        {row === undefined ? null : <Badge tone={eventOf(row).tone}>{eventOf(row).text}</Badge>}
        <span className="grow" />
        {seq > 1 ? (
          <Button size="s" variant="quiet" onPress={() => onSeq((seq - 1) as AuditSeq)}>
            Entry before
          </Button>
        ) : null}
        <Button size="s" variant="quiet" onPress={onClose}>
          Close
        </Button>
      </div>
      {query.isError ? <FailureNotice failure={failureFrom(query.error)} /> : null}
      {query.data === undefined || row === undefined ? null : (
        <div className="entry-body">
          <p>
            <UntrustedText text={row.summary} />
          </p>
          <p className="small muted">
            {utc(row.at)}
            {row.operator === null ? null : (
              <>
                , <UntrustedText text={row.operator} />
              </>
            )}
          </p>
          {row.requestId === null ? null : (
            <div>
              <Button
                size="s"
                onPress={() => {
                  if (row.requestId !== null) go({ screen: 'requests', tab: 'done', open: row.requestId })
                }}
              >
                Open the request
              </Button>
            </div>
          )}
          {row.inputSha256 === null ? null : <Hash title="Input file, SHA-256" hex={row.inputSha256} />}
          <Hash title="Leaf hash of this entry" hex={query.data.leafHash} />
          <Hash title={previousHashWords(query.data)} hex={query.data.previousLeafHash} />
          <div className="row">
            <h3 className="grow">The entry</h3>
            <Switch isSelected={exact} onChange={setExact}>
              <span className="small">Exact bytes</span>
            </Switch>
          </div>
          <pre className="entry-text">
            <UntrustedText text={exact ? query.data.entry : readableEntry(query.data.entry)} multiline={!exact} />
          </pre>
        </div>
      )}
    </section>
  )
}

function Hash({ title, hex }: { readonly title: string; readonly hex: string }) {
  return (
    <div className="entry-hash">
      <p className="small muted">{title}</p>
      <Digest hex={hex} />
    </div>
  )
}
