import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Answer } from '../../../shared/contract.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import { Button } from '../../design/Button.tsx'
import { Icon } from '../../design/Icon.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { count } from '../../parts/format.ts'
import { ReasonDialog } from '../../parts/ReasonDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { progressQuery, useAction } from '../../station/station-queries.ts'
import { DeliveryActions } from '../by-hand/DeliveryNotice.tsx'
import { DeclineDialog } from './DeclineDialog.tsx'
import { isOver, keyOutcomes, showsSignatures } from './key-outcome-view.ts'
import { keyRequestStage } from './key-request-view.ts'
import { ResumeDialog } from './ResumeDialog.tsx'
import { SignatureList } from './SignatureList.tsx'
import {
  absentKeyReason,
  fileInWork,
  heldWords,
  progressView,
  type StageAction,
  savedWords,
  stageView,
} from './stage-view.ts'
import './stage-panel.css'

/** Says where the request is and offers what can be done about it there. */
export function StagePanel({ detail }: { readonly detail: RequestDetail }) {
  const generation = detail.generation
  const view = generation === null ? stageView(detail) : keyRequestStage(detail, generation.made)
  if (view === null) return null
  if (detail.summary.stage === 'signing' && generation === null) return <Progress detail={detail} />
  return (
    <Notice
      tone={view.tone}
      title={view.title}
      actions={
        view.actions.length === 0 ? undefined : (
          <>
            <Actions detail={detail} actions={view.actions} />
            <DeliveryActions detail={detail} />
          </>
        )
      }
    >
      <p className="measure">
        <UntrustedText text={view.sentence} />
      </p>
      {generation === null && showsSignatures(detail) ? <Signatures detail={detail} /> : null}
      {/* The operator stopped it himself: the sentence above says so already. */}
      {detail.failure === null || detail.failure.code === 'cancelled' ? null : (
        <p className="stage-failure">
          <UntrustedText text={detail.failure.message} /> <code className="small">{detail.failure.code}</code>
        </p>
      )}
    </Notice>
  )
}

function Progress({ detail }: { readonly detail: RequestDetail }) {
  const progress = useQuery(progressQuery(detail.summary.id))
  const view = progressView(detail, progress.data ?? null)
  const cancel = useAction((station, requestId: typeof detail.summary.id) => station.signingCancel({ requestId }))
  return (
    <section className={view.touch ? 'progress progress-touch' : 'progress'} aria-label="Progress of the signing">
      <div className="row">
        {view.touch ? <Icon name="touch" size={22} /> : null}
        <p className="progress-sentence grow">{view.sentence}</p>
        <span className="muted">
          {view.keys === null
            ? `${view.done} of ${count(view.total, 'file')} signed`
            : `${view.keys.done} of ${count(view.keys.total, 'key')}`}
        </span>
        <Button
          size="s"
          isPending={cancel.pending}
          isDisabled={cancel.pending}
          onPress={() => void cancel.run(detail.summary.id)}
        >
          {view.keys === null ? 'Cancel after this file' : 'Cancel after this signature'}
        </Button>
      </div>
      {view.keys === null ? (
        <progress className="progress-bar" aria-label="Files signed" value={view.done} max={view.total} />
      ) : (
        <progress className="progress-bar" aria-label="Signatures made" value={view.keys.done} max={view.keys.total} />
      )}
      <Signatures detail={detail} />
      <p className="visually-hidden" role="status">
        {view.announce}
      </p>
      {cancel.failure === null ? null : <FailureNotice failure={cancel.failure} />}
    </section>
  )
}

/** With several keys: how far each is with the file that is, or was, being signed. */
function Signatures({ detail }: { readonly detail: RequestDetail }) {
  const file = fileInWork(detail.files)
  if (file === null || detail.sheet === null) return null
  const { key, furtherKeys = [] } = detail.sheet
  const names = [key, ...furtherKeys.map((further) => further.key)].map(
    ({ registered }) => registered?.description ?? null,
  )
  return <SignatureList outcomes={keyOutcomes(file, isOver(detail))} names={names} />
}

const labels: Record<StageAction, string> = {
  recheck: 'Try again',
  decline: 'Decline …',
  'decline-for-key': 'Decline because of the key …',
  cancel: 'Cancel after this file',
  resume: 'Go on …',
  stop: 'Stop here …',
  'close-incident': 'Close the incident …',
  'retry-return': 'Try again now',
  'save-outputs': 'Save the signed files',
}

function Actions({ detail, actions }: { readonly detail: RequestDetail; readonly actions: readonly StageAction[] }) {
  const requestId = detail.summary.id
  const [asking, setAsking] = useState<StageAction | null>(null)
  const recheck = useAction((station, id: typeof requestId) => station.reviewRecheck({ requestId: id }))
  const retry = useAction((station, id: typeof requestId) => station.returnRetry({ requestId: id }))
  const save = useAction((station, id: typeof requestId) => station.outputsSave({ requestId: id }))
  const [saved, setSaved] = useState<Answer<'outputs.save'> | null>(null)
  const failure = recheck.failure ?? retry.failure ?? save.failure

  async function act(action: StageAction) {
    if (action === 'recheck') await recheck.run(requestId)
    else if (action === 'retry-return') await retry.run(requestId)
    else if (action === 'save-outputs') {
      const result = await save.run(requestId)
      if (result.ok) setSaved(result.value)
    } else setAsking(action)
  }

  return (
    <>
      {actions.map((action) => (
        <Button
          key={action}
          size="s"
          isPending={
            (action === 'recheck' && recheck.pending) ||
            (action === 'retry-return' && retry.pending) ||
            (action === 'save-outputs' && save.pending)
          }
          onPress={() => void act(action)}
        >
          {labels[action]}
        </Button>
      ))}
      {saved === null ? null : (
        <span role="status" className="small">
          {savedWords(saved)} <UntrustedText text={saved.folder} exact />
        </span>
      )}
      {failure === null ? null : <FailureNotice failure={failure} />}
      <StageDialog detail={detail} asking={asking} onClose={() => setAsking(null)} />
    </>
  )
}

function StageDialog({
  detail,
  asking,
  onClose,
}: {
  readonly detail: RequestDetail
  readonly asking: StageAction | null
  readonly onClose: () => void
}) {
  const requestId = detail.summary.id
  const stop = useAction((station, reason: string) => station.signingStop({ requestId, reason }))
  const close = useAction((station, note: string) => station.incidentClose({ requestId, note }))
  const left = detail.files.filter((file) => file.outcome.kind === 'waiting').length
  if (asking === 'decline') return <DeclineDialog requestId={requestId} onClose={onClose} />
  if (asking === 'decline-for-key')
    return <DeclineDialog requestId={requestId} reason={absentKeyReason(detail)} onClose={onClose} />
  if (asking === 'stop') {
    return (
      <ReasonDialog
        title="Stop here?"
        label="Reason"
        confirm="Stop and return"
        pending={stop.pending}
        onConfirm={stop.run}
        onClose={onClose}
      >
        <p>
          What is signed is returned to the server. {count(left, 'file')} are reported as not signed, with this reason.
          {heldWords(detail)} This cannot be taken back.
        </p>
      </ReasonDialog>
    )
  }
  if (asking === 'close-incident') {
    return (
      <ReasonDialog
        title="Close the incident?"
        label="What happened, and how you know"
        confirm="Close the incident"
        pending={close.pending}
        onConfirm={close.run}
        onClose={onClose}
      >
        <p>
          Your note goes into the audit log with your name. The file in doubt is reported to the server as not signed; a
          signature that the token may have made stays recorded as in doubt.{heldWords(detail)}
        </p>
      </ReasonDialog>
    )
  }
  if (asking === 'resume') return <ResumeDialog detail={detail} left={left} onClose={onClose} />
  return null
}
