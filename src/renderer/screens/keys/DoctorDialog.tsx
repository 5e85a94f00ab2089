import { useEffect, useEffectEvent } from 'react'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { type DoctorView, doctorView, type FindingView } from './doctor-view.ts'

/** Says why a token is not shown. Looks when it opens, and again when asked: between the two the operator mends something. */
export function DoctorDialog({ onClose }: { readonly onClose: () => void }) {
  const examine = useAction((station, _input: null) => station.doctorRun(null))
  const begin = useEffectEvent(() => void examine.run(null))
  useEffect(() => begin(), [])
  const view = examine.value === null ? null : doctorView(examine.value)
  return (
    <Dialog
      title="Why a token is not shown"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button icon="refresh" isPending={examine.pending} onPress={() => void examine.run(null)}>
            Look again
          </Button>
          <Button variant="primary" onPress={onClose} autoFocus>
            Close
          </Button>
        </>
      }
    >
      <p className="muted small">
        Everything between the port and the list of tokens is looked at. Nothing is changed; what mends a problem is
        yours to run.
      </p>
      <p role="status" className="visually-hidden">
        {examine.pending ? 'Looking.' : (view?.summary ?? '')}
      </p>
      {examine.failure === null ? null : <FailureNotice failure={examine.failure} title="It could not be found out" />}
      {view === null ? <p className="muted">Looking … A module can take some seconds.</p> : <Findings view={view} />}
    </Dialog>
  )
}

function Findings({ view }: { readonly view: DoctorView }) {
  return (
    <>
      <p>
        <strong>{view.summary}</strong>
      </p>
      {view.problems.map((finding, index) => (
        <Notice key={index} tone="attention" title={<Title finding={finding} />}>
          <p>
            <UntrustedText text={finding.sentence} />
          </p>
          {finding.advice === null ? null : (
            <p>
              <UntrustedText text={finding.advice} />
            </p>
          )}
          {finding.command === null ? null : (
            <Command text={finding.command} what={`the command for ${finding.title}`} />
          )}
        </Notice>
      ))}
      <ul className="findings" aria-label="What else was looked at">
        {view.others.map((finding, index) => (
          <li key={index} className="finding">
            <Badge tone={finding.tone}>{finding.word}</Badge>
            <div>
              <p className="finding-title">
                <Title finding={finding} />
              </p>
              <p className="small muted">
                <UntrustedText text={finding.sentence} />
              </p>
            </div>
          </li>
        ))}
      </ul>
    </>
  )
}

function Title({ finding }: { readonly finding: FindingView }) {
  return (
    <>
      {finding.title}
      {finding.subject === null ? null : (
        <>
          {': '}
          <UntrustedText text={finding.subject} exact />
        </>
      )}
    </>
  )
}

function Command({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div className="command">
      <code className="command-text">
        <UntrustedText text={text} exact multiline />
      </code>
      <CopyButton text={text} what={what} />
    </div>
  )
}
