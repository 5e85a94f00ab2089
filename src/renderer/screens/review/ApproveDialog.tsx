import type { RequestId, Sha256Hex } from '../../../shared/ids.ts'
import { KeyKindBadge } from '../../design/Badge.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import type { SheetView } from './sheet-view.ts'

/** The last word: what is approved, with which key, and the PIN. What is sent is the digest of the sheet that was on the page. */
export function ApproveDialog({
  view,
  requestId,
  sheetDigest,
  acknowledged,
  onClose,
}: {
  readonly view: SheetView
  readonly requestId: RequestId
  readonly sheetDigest: Sha256Hex
  readonly acknowledged: readonly string[]
  readonly onClose: () => void
}) {
  const approve = useAction((station, input: Parameters<typeof station.reviewApprove>[0]) =>
    station.reviewApprove(input),
  )
  return (
    <PinDialog
      title={`Approve and sign ${view.headline.files}?`}
      token={view.key.token}
      confirm={`Sign ${view.headline.files}`}
      pending={approve.pending}
      onConfirm={({ pin, useLastTry }) =>
        approve.run({ requestId, sheetDigest, acknowledged: [...acknowledged], pin, useLastTry })
      }
      onClose={onClose}
    >
      <p>
        For <strong>{view.headline.from}</strong>
        {view.headline.workspace === null ? null : (
          <>
            {' '}
            in{' '}
            <strong>
              <UntrustedText text={view.headline.workspace} exact />
            </strong>
          </>
        )}
        , signed with{' '}
        <strong>
          {view.key.description === null ? 'an unknown key' : <UntrustedText text={view.key.description} />}
        </strong>{' '}
        {view.key.production === null ? null : <KeyKindBadge production={view.key.production} />}. This cannot be taken
        back.
      </p>
    </PinDialog>
  )
}
