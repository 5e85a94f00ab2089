import { useState } from 'react'
import type { Failure } from '../../../shared/failure.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import { err } from '../../../shared/result.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import { standingLimits } from '../../../shared/standing-limits.ts'
import { Field } from '../../design/Field.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { suiteWords } from './standing-view.ts'

/** Approves this suite ahead, with the PIN: how often, how long. */
export function StandingDialog({
  detail,
  sheet,
  sheetDigest,
  onClose,
}: {
  readonly detail: RequestDetail
  readonly sheet: ReviewSheet
  readonly sheetDigest: NonNullable<RequestDetail['sheetDigest']>
  readonly onClose: () => void
}) {
  const [uses, setUses] = useState('10')
  // What may be granted everywhere.
  const [minutes, setMinutes] = useState(String(standingLimits.minutesUnseen))
  const grant = useAction((station, input: Parameters<typeof station.standingGrant>[0]) => station.standingGrant(input))
  const home = sheet.key.registered?.home
  const times = whole(uses, standingLimits.uses)
  const long = whole(minutes, standingLimits.minutes)
  return (
    <PinDialog
      title="Approve this suite ahead?"
      token={home?.kind === 'token' ? home.token : null}
      confirm="Approve ahead"
      pending={grant.pending}
      onConfirm={async ({ pin, useLastTry }) =>
        times === null || long === null
          ? err(notSent)
          : grant.run({
              requestId: detail.summary.id,
              sheetDigest,
              uses: times,
              minutes: long,
              pin: pin ?? '',
              useLastTry,
            })
      }
      onClose={onClose}
    >
      <p>
        <strong>
          <UntrustedText text={suiteWords(sheet)} />
        </strong>
      </p>
      <p>
        This request and later ones of the same suite and key are signed without asking you, as long as every check
        passes. It ends with the token’s removal, a lock of this screen, the end of duty, any refused or unknown check,
        the station’s end, or when you withdraw it.
      </p>
      <Field
        label="How many requests"
        value={uses}
        onChange={setUses}
        inputMode="numeric"
        problem={times === null ? `1 to ${standingLimits.uses}` : null}
      />
      <Field
        label="Minutes"
        description={`${standingLimits.minutesUnseen} at most where this machine does not tell the station when its screen is locked.`}
        value={minutes}
        onChange={setMinutes}
        inputMode="numeric"
        problem={long === null ? `1 to ${standingLimits.minutes}` : null}
      />
    </PinDialog>
  )
}

function whole(text: string, most: number): number | null {
  const value = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= most ? value : null
}

/** Never another number than the one that was typed. */
const notSent: Failure = {
  kind: 'invalid',
  code: 'standing-numbers',
  message:
    'The number of requests, or of minutes, is none that can be granted. Nothing was sent, and the PIN was dropped. Correct it and type the PIN again.',
}
