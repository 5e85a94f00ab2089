import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { AuditDetail, AuditSource } from '../../../shared/audit.ts'
import type { AuditSeq } from '../../../shared/ids.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Switch } from '../../design/Choice.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { plainNumber, utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import type { LogView } from '../../place.ts'
import { logEntryQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { digestsOf, eventOf, previousHashWords, proofWords, readableEntry } from './audit-view.ts'

/** One entry: what it says, the exact bytes that are hashed, the two hashes that chain it, and the proof that it is in the log. */
export function EntryPanel({
  source,
  seq,
  onClose,
  onSeq,
  onOnly,
}: {
  readonly source: AuditSource
  readonly seq: AuditSeq
  readonly onClose: () => void
  readonly onSeq: (seq: AuditSeq) => void
  /** Narrows the list to entries like this one. */
  readonly onOnly: (part: Partial<LogView>) => void
}) {
  const station = useStation()
  const query = useQuery(logEntryQuery(station, source, seq))
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
      {query.data === undefined ? null : <EntryBody source={source} detail={query.data} onOnly={onOnly} />}
    </section>
  )
}

function EntryBody({
  source,
  detail,
  onOnly,
}: {
  readonly source: AuditSource
  readonly detail: AuditDetail
  readonly onOnly: (part: Partial<LogView>) => void
}) {
  const { go } = useNavigation()
  const [exact, setExact] = useState(false)
  const { row, entry, entryHex, proof } = detail
  const { requestId, fingerprint } = row
  return (
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
      <div className="row">
        {requestId === null || source === 'opened' ? null : (
          <Button size="s" onPress={() => go({ screen: 'requests', tab: 'done', open: requestId })}>
            Open the request
          </Button>
        )}
        {requestId === null ? null : (
          <Button size="s" variant="quiet" onPress={() => onOnly({ requestId })}>
            All entries of this request
          </Button>
        )}
        {fingerprint === null ? null : (
          <Button size="s" variant="quiet" onPress={() => onOnly({ fingerprint })}>
            All with this key
          </Button>
        )}
      </div>
      {digestsOf(row).map(({ title, hex }) => (
        <Hash key={title} title={title} hex={hex} />
      ))}
      <Hash title="Leaf hash of this entry" hex={detail.leafHash} />
      <Hash title={previousHashWords(detail)} hex={detail.previousLeafHash} />
      <div className="row">
        <h3 className="grow">The entry</h3>
        <Switch isSelected={exact} onChange={setExact}>
          <span className="small">Exact bytes</span>
        </Switch>
        <CopyButton
          key={row.seq}
          what={entryHex === null ? 'the entry, byte for byte' : 'the bytes of the entry, in hexadecimal digits'}
          text={entryHex ?? entry}
        />
      </div>
      <pre className="entry-text">
        <UntrustedText text={exact ? (entryHex ?? entry) : readableEntry(entry)} multiline={!exact} />
      </pre>
      <div className="row">
        <h3 className="grow">Proof that it is in the log</h3>
        {proof === null ? null : <CopyButton key={row.seq} what="the proof" text={proof} />}
      </div>
      <p className="small muted">{proofWords(detail, source)}</p>
      {proof === null ? null : (
        <pre className="entry-text">
          <UntrustedText text={proof} multiline />
        </pre>
      )}
    </div>
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
