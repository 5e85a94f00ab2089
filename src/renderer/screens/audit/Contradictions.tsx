import { useState } from 'react'
import type { OpenContradiction } from '../../../shared/audit.ts'
import { Button } from '../../design/Button.tsx'
import { Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { count, utc } from '../../parts/format.ts'
import { ReasonDialog } from '../../parts/ReasonDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'

/** Checkpoints that were signed for another log than this one: what they say, what to do, and the one way to go on. */
export function Contradictions({ open }: { readonly open: readonly OpenContradiction[] }) {
  const [asking, setAsking] = useState<OpenContradiction | null>(null)
  return (
    <>
      {open.map((each) => (
        <Contradiction key={each.id} contradiction={each} onClose={() => setAsking(each)} />
      ))}
      {asking === null ? null : <CloseDialog contradiction={asking} onClose={() => setAsking(null)} />}
    </>
  )
}

function Contradiction({
  contradiction: { foundAt, path, size, logSize, note, sentence },
  onClose,
}: {
  readonly contradiction: OpenContradiction
  readonly onClose: () => void
}) {
  return (
    <Notice
      tone="refused"
      title="A checkpoint contradicts this log"
      actions={
        <>
          <CopyButton what="the checkpoint that contradicts" text={note} />
          <Button size="s" onPress={onClose}>
            Close the contradiction …
          </Button>
        </>
      }
    >
      <p className="measure">
        <UntrustedText text={sentence} />
      </p>
      <dl className="report-facts">
        <div>
          <dt>Found</dt>
          <dd>{utc(foundAt)}</dd>
        </div>
        <div>
          <dt>In</dt>
          <dd>
            <UntrustedText text={path} />
          </dd>
        </div>
        <div>
          <dt>It is for</dt>
          <dd>{count(size, 'entry', 'entries')}</dd>
        </div>
        <div>
          <dt>Signed here</dt>
          <dd>{count(logSize, 'entry', 'entries')}</dd>
        </div>
      </dl>
      <pre className="entry-text">
        <UntrustedText text={note.trimEnd()} multiline />
      </pre>
      <p className="measure">
        Keep this checkpoint and a copy of the database, and find out who had access. If an older copy of the profile
        was put in place, put the newest one back. Unplugging the medium changes nothing.
      </p>
    </Notice>
  )
}

function CloseDialog({
  contradiction,
  onClose,
}: {
  readonly contradiction: OpenContradiction
  readonly onClose: () => void
}) {
  const close = useAction((station, reason: string) =>
    station.auditCloseContradiction({ contradiction: contradiction.id, reason }),
  )
  return (
    <ReasonDialog
      title="Close the contradiction?"
      label="What happened, and how you know"
      confirm="Close the contradiction"
      danger
      pending={close.pending}
      onConfirm={close.run}
      onClose={onClose}
    >
      <p>
        Your reason goes into the audit log with your name and the checkpoint, for every auditor to read.{' '}
        {contradiction.isContained
          ? 'The log that is here now contains the checkpoint.'
          : 'The log that is here does not contain the checkpoint: what it was signed for is not in this log, and stays so.'}{' '}
        The station works again from its next start.
      </p>
    </ReasonDialog>
  )
}
