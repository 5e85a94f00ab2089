import { useState } from 'react'
import type { Failure } from '../../../shared/failure.ts'
import type { Result } from '../../../shared/result.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { PersonField } from './PersonField.tsx'

export type DeviationAnswer = { readonly effect: 'skipped' | 'noted'; readonly by: string; readonly reason: string }

/** Who says that something goes otherwise, and why: it stays on record, and counts for ever. */
export function DeviationDialog({
  title,
  step,
  people,
  maySkip,
  confirm,
  pending,
  onConfirm,
  onClose,
}: {
  readonly title: string
  /** Title of the step that it is about; null: the whole. */
  readonly step: string | null
  readonly people: readonly string[]
  readonly maySkip: boolean
  readonly confirm: string
  readonly pending: boolean
  readonly onConfirm: (answer: DeviationAnswer) => Promise<Result<unknown, Failure>>
  readonly onClose: () => void
}) {
  const [effect, setEffect] = useState<'skipped' | 'noted'>('noted')
  const [by, setBy] = useState('')
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<Failure | null>(null)
  useStationEvent('desk.locked', onClose)

  async function confirmed() {
    setFailure(null)
    const result = await onConfirm({ effect, by: by.trim(), reason: reason.trim() })
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
            variant={effect === 'skipped' ? 'danger' : 'primary'}
            isDisabled={by.trim() === '' || reason.trim() === ''}
            isPending={pending}
            onPress={() => void confirmed()}
          >
            {effect === 'skipped' ? 'Leave the step out' : confirm}
          </Button>
        </>
      }
    >
      {step === null ? null : <p>About the step “{step}”. What is written here is in the transcript and in the log.</p>}
      {maySkip ? (
        <Options
          label="What it means"
          value={effect}
          onChange={setEffect}
          options={[
            { value: 'noted', label: 'It is written down', description: 'The step is done all the same.' },
            { value: 'skipped', label: 'The step is left out', description: 'It is marked “not done” for ever.' },
          ]}
        />
      ) : null}
      <PersonField label="Who says so" value={by} onChange={setBy} people={people} />
      <Field label="What happened, and why" value={reason} onChange={setReason} rows={4} maxLength={1000} isRequired />
      {failure === null ? null : <FailureNotice failure={failure} />}
    </Dialog>
  )
}
