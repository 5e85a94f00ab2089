import { useState } from 'react'
import type { Failure } from '../../../shared/failure.ts'
import type { ConfirmOutcome, WaitingTask } from '../../../shared/waiting.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { denySentence, waitingTaskView } from './waiting-view.ts'

/** The last look before an answer: what it is, what it does, and what is said with it. */
export function AnswerDialog({
  task,
  confirm,
  onAnswered,
  onClose,
}: {
  readonly task: Extract<WaitingTask, { kind: 'confirm' }>
  readonly confirm: boolean
  readonly onAnswered: (sentence: string) => void
  readonly onClose: () => void
}) {
  const [comment, setComment] = useState('')
  const [failure, setFailure] = useState<Failure | null>(null)
  const answer = useAction((station, said: string | null) =>
    station.waitingAnswer({ workRequestId: task.workRequestId, confirm, comment: said, words: task.words }),
  )
  useStationEvent('desk.locked', onClose)
  const given = comment.trim()
  const { words } = task

  async function answered() {
    setFailure(null)
    const result = await answer.run(given === '' ? null : given)
    if (!result.ok) {
      setFailure(result.error)
      return
    }
    const outcome: ConfirmOutcome = result.value
    onAnswered(outcome.sentence)
    onClose()
  }

  return (
    <Dialog
      title={confirm ? 'Confirm this?' : 'Refuse this?'}
      role="alertdialog"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant={confirm ? 'primary' : 'danger'} isPending={answer.pending} onPress={() => void answered()}>
            {confirm ? 'Confirm' : 'Refuse'}
          </Button>
        </>
      }
    >
      <p>
        <strong>
          <UntrustedText text={waitingTaskView(task).title} />
        </strong>{' '}
        (#{task.workRequestId}). You say “
        <UntrustedText text={confirm ? words.confirmLabel : words.denyLabel} />
        ”. {confirm ? 'What waits for it goes on.' : denySentence(words.denyAction)}
      </p>
      <p className="muted">
        The answer is recorded in the audit log before it is sent, and sent once, in the name of the user whose API
        token is set. It cannot be taken back.
      </p>
      <Field
        label="Comment, for whoever looks at the task (not required)"
        value={comment}
        onChange={setComment}
        rows={3}
        maxLength={1000}
        description={`${given.length} of 1000 characters`}
      />
      {failure === null ? null : <FailureNotice failure={failure} />}
    </Dialog>
  )
}
