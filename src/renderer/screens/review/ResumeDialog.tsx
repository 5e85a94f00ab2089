import type { RequestDetail } from '../../../shared/request.ts'
import { count } from '../../parts/format.ts'
import { PinsDialog } from '../../parts/PinsDialog.tsx'
import { useNow } from '../../parts/use-now.ts'
import { useAction } from '../../station/station-queries.ts'
import { KeyList } from './KeyList.tsx'
import { KeysWithoutPin } from './KeysWithoutPin.tsx'
import { numbersOfKeys } from './key-numbers.ts'
import { haveSigned, keysToSign, openSignatures } from './key-outcome-view.ts'
import { keyViews } from './key-view.ts'
import { askedTokens, pinsToSend } from './signing-pins.ts'

/** Goes on with an interrupted request. Every key of the sheet is opened again, or none, so every token is asked for; one that has signed is not used. */
export function ResumeDialog({
  detail,
  left,
  onClose,
}: {
  readonly detail: RequestDetail
  /** Files that were not begun. */
  readonly left: number
  readonly onClose: () => void
}) {
  const now = useNow()
  const resume = useAction((station, input: Parameters<typeof station.signingResume>[0]) =>
    station.signingResume(input),
  )
  const { sheet, sheetDigest } = detail
  if (sheet === null || sheetDigest === null) return null
  const keys = keyViews(sheet, now)
  const toSign = keysToSign(detail)
  const unsigned = keys.filter(({ number }) => toSign.includes(number))
  const { held } = openSignatures(detail)
  return (
    <PinsDialog
      title="Go on signing?"
      tokens={askedTokens(keys)}
      confirm={
        keys.length === 1 ? `Sign ${count(left, 'more file')}` : `Sign with ${numbersOfKeys(toSign).toLowerCase()}`
      }
      pending={resume.pending}
      wide={keys.length > 1}
      onConfirm={({ pins }) => resume.run({ requestId: detail.summary.id, sheetDigest, ...pinsToSend(keys, pins) })}
      onClose={onClose}
    >
      <p>
        Goes on with the {count(left, 'file')} that you approved and that {left === 1 ? 'was' : 'were'} not{' '}
        {held.length === 0 ? 'begun' : 'completed'}. The sheet and the files are the same; their digests are checked
        again.
      </p>
      {keys.length === 1 ? null : (
        <>
          {held.length === 0 ? null : (
            <p>
              {haveSigned(held)} and {held.length === 1 ? 'signs' : 'sign'} nothing again; all keys are opened together,
              as they were for the approval. To sign:
            </p>
          )}
          <KeyList keys={unsigned} />
          <KeysWithoutPin keys={keys} />
        </>
      )}
    </PinsDialog>
  )
}
