import { type ReactNode, useState } from 'react'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { Button } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { Field } from '../design/Field.tsx'
import { FailureNotice } from '../design/Notice.tsx'
import { useStationEvent } from '../station/station-context.tsx'

/** Asks for a reason that goes into the audit log, and to the server where `children` says so. */
export function ReasonDialog({
  title,
  label,
  confirm,
  danger = false,
  pending,
  initial = '',
  onConfirm,
  onClose,
  children,
}: {
  readonly title: string
  readonly label: string
  readonly confirm: string
  readonly danger?: boolean
  readonly pending: boolean
  /** What stands in the field at first, to be changed. */
  readonly initial?: string
  readonly onConfirm: (reason: string) => Promise<Result<unknown, Failure>>
  readonly onClose: () => void
  readonly children: ReactNode
}) {
  const [reason, setReason] = useState(initial)
  const [failure, setFailure] = useState<Failure | null>(null)
  useStationEvent('desk.locked', onClose)
  const given = reason.trim()

  async function confirmed() {
    setFailure(null)
    const result = await onConfirm(given)
    if (result.ok) onClose()
    else setFailure(result.error)
  }

  return (
    <Dialog
      title={title}
      role="alertdialog"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant={danger ? 'danger' : 'primary'}
            isDisabled={given === ''}
            isPending={pending}
            onPress={() => void confirmed()}
          >
            {confirm}
          </Button>
        </>
      }
    >
      {children}
      <Field
        label={label}
        value={reason}
        onChange={setReason}
        rows={4}
        maxLength={1000}
        isRequired
        autoFocus
        description={`${given.length} of 1000 characters`}
      />
      {failure === null ? null : <FailureNotice failure={failure} />}
    </Dialog>
  )
}
