import type { RequestId } from '../../../shared/ids.ts'
import { ReasonDialog } from '../../parts/ReasonDialog.tsx'
import { useAction } from '../../station/station-queries.ts'

export function DeclineDialog({
  requestId,
  reason,
  onClose,
}: {
  readonly requestId: RequestId
  /** What stands in the field at first. */
  readonly reason?: string
  readonly onClose: () => void
}) {
  const decline = useAction((station, reason: string) => station.reviewDecline({ requestId, reason }))
  return (
    <ReasonDialog
      title="Decline this request?"
      label="Reason"
      confirm="Decline"
      danger
      initial={reason ?? ''}
      pending={decline.pending}
      onConfirm={decline.run}
      onClose={onClose}
    >
      <p>
        Nothing is signed. The server and whoever asked are told the reason; it is recorded in the audit log. A decision
        is final.
      </p>
    </ReasonDialog>
  )
}
