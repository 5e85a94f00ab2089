import { useState } from 'react'
import type { RequestDetail } from '../../../shared/request.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { useNow } from '../../parts/use-now.ts'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { heldView } from './held-view.ts'
import './held-notice.css'

/** How long the request is held, and what to do before the server's token for it ends. */
export function HeldNotice({ detail }: { readonly detail: RequestDetail }) {
  const view = heldView(detail, useNow())
  const [asking, setAsking] = useState(false)
  if (view === null) return null
  if (view.title === null) return <p className="muted small held">{view.sentence}</p>
  return (
    <Notice
      tone={view.tone}
      title={view.title}
      actions={
        view.renewal === null ? undefined : (
          <Button size="s" onPress={() => setAsking(true)}>
            {view.renewal.label}
          </Button>
        )
      }
    >
      <p className="measure">{view.sentence}</p>
      {asking && view.renewal !== null ? (
        <RenewDialog requestId={detail.summary.id} renewal={view.renewal} onClose={() => setAsking(false)} />
      ) : null}
    </Notice>
  )
}

function RenewDialog({
  requestId,
  renewal,
  onClose,
}: {
  readonly requestId: RequestDetail['summary']['id']
  readonly renewal: NonNullable<NonNullable<ReturnType<typeof heldView>>['renewal']>
  readonly onClose: () => void
}) {
  const renew = useAction((station, id: typeof requestId) => station.requestRenew({ requestId: id }))
  useStationEvent('desk.locked', onClose)
  async function confirmed() {
    if ((await renew.run(requestId)).ok) onClose()
  }
  return (
    <Dialog
      title={`${renewal.confirm}?`}
      role="alertdialog"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose} autoFocus>
            Cancel
          </Button>
          <Button variant="primary" isPending={renew.pending} onPress={() => void confirmed()}>
            {renewal.confirm}
          </Button>
        </>
      }
    >
      {renewal.price.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {renew.failure === null ? null : <FailureNotice failure={renew.failure} />}
    </Dialog>
  )
}
