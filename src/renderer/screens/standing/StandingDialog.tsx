import { useState } from 'react'
import type { RequestDetail } from '../../../shared/request.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import { standingLimits } from '../../../shared/standing-limits.ts'
import { Field } from '../../design/Field.tsx'
import { PinDialog } from '../../parts/PinDialog.tsx'
import { useAction } from '../../station/station-queries.ts'

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
  const [minutes, setMinutes] = useState('60')
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
      onConfirm={({ pin, useLastTry }) =>
        grant.run({
          requestId: detail.summary.id,
          sheetDigest,
          uses: times ?? 1,
          minutes: long ?? 1,
          pin: pin ?? '',
          useLastTry,
        })
      }
      onClose={onClose}
    >
      <p>
        This request and later ones of the same suite and key are signed without asking you, as long as every check
        passes. It ends with the token’s removal, a lock of this screen, any refused or unknown check, the station’s
        end, or when you withdraw it.
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
