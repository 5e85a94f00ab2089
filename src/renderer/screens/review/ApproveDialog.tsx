import type { RequestId, Sha256Hex } from '../../../shared/ids.ts'
import { KeyKindBadge } from '../../design/Badge.tsx'
import { PinsDialog } from '../../parts/PinsDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { KeyList } from './KeyList.tsx'
import { KeysWithoutPin } from './KeysWithoutPin.tsx'
import { KeyNames } from './NamedKeys.tsx'
import type { SheetView } from './sheet-view.ts'
import { askedTokens, pinsToSend } from './signing-pins.ts'

/** The last word: what is approved, with which keys, and their PINs. What is sent is the digest of the sheet that was on the page. */
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
  const { headline, keys } = view
  const several = keys.length > 1
  const approve = useAction((station, input: Parameters<typeof station.reviewApprove>[0]) =>
    station.reviewApprove(input),
  )
  return (
    <PinsDialog
      title={
        several ? (
          <>
            Approve and sign {headline.files} with <KeyNames keys={keys} />?{' '}
            {view.production === null ? null : <KeyKindBadge production={view.production} />}
          </>
        ) : (
          `Approve and sign ${headline.files}?`
        )
      }
      tokens={askedTokens(keys)}
      confirm={`Sign ${headline.files}${several ? ` with ${keys.length} keys` : ''}`}
      pending={approve.pending}
      wide={several}
      onConfirm={({ pins }) =>
        approve.run({ requestId, sheetDigest, acknowledged: [...acknowledged], ...pinsToSend(keys, pins) })
      }
      onClose={onClose}
    >
      <p>
        For <strong>{headline.from}</strong>
        {headline.workspace === null ? null : (
          <>
            {' '}
            in{' '}
            <strong>
              <UntrustedText text={headline.workspace} exact />
            </strong>
          </>
        )}
        {several ? (
          `. One approval covers ${keys.length} keys, and one file with a signature of each comes of it. This cannot be taken back.`
        ) : (
          <SignedWith view={view} />
        )}
      </p>
      {several ? <KeyList keys={keys} /> : null}
      <KeysWithoutPin keys={keys} />
    </PinsDialog>
  )
}

function SignedWith({ view }: { readonly view: SheetView }) {
  const [{ description, production }] = view.keys
  return (
    <>
      , signed with <strong>{description === null ? 'an unknown key' : <UntrustedText text={description} />}</strong>{' '}
      {production === null ? null : <KeyKindBadge production={production} />}. This cannot be taken back.
    </>
  )
}
