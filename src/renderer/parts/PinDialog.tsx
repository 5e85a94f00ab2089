import type { ReactNode } from 'react'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { TokenId } from '../../shared/token.ts'
import { PinsDialog } from './PinsDialog.tsx'

export type PinAnswer = {
  readonly pin: string | null
  /** A YubiKey's management key as hex, where it was asked for. */
  readonly officerPin: string | null
  readonly useLastTry: boolean
}

/** Asks for the PIN of one token, or, for a key in software (`token` null), for the last word alone. */
export function PinDialog({
  token,
  onConfirm,
  ...rest
}: {
  readonly title: string
  readonly token: TokenId | null
  readonly confirm: string
  readonly pending: boolean
  /** Whether the token wants its management key, too: it makes and stores nothing without. */
  readonly managementKey?: boolean
  /** Sends the answer; the dialog closes when it is accepted. */
  readonly onConfirm: (answer: PinAnswer) => Promise<Result<unknown, Failure>>
  readonly onClose: () => void
  readonly children: ReactNode
}) {
  return (
    <PinsDialog
      {...rest}
      tokens={token === null ? [] : [{ token, opens: null }]}
      onConfirm={({ pins, officerPin }) =>
        onConfirm({ pin: pins[0]?.pin ?? null, officerPin, useLastTry: pins[0]?.useLastTry ?? false })
      }
    />
  )
}
