import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Failure } from '../../../shared/failure.ts'
import type { Fingerprint } from '../../../shared/ids.ts'
import type { WaitingTask } from '../../../shared/waiting.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { Select } from '../../design/Select.tsx'
import { useNavigation } from '../../navigation.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { keysQuery, useAction } from '../../station/station-queries.ts'
import { uploadKeys, waitingTaskView } from './waiting-view.ts'

/** Chooses the key with which an upload is to be signed: the task names none. */
export function TakeDialog({
  task,
  onClose,
}: {
  readonly task: Extract<WaitingTask, { kind: 'external-debsign' }>
  readonly onClose: () => void
}) {
  const station = useStation()
  const { go } = useNavigation()
  const keys = uploadKeys(useQuery(keysQuery(station)).data ?? [])
  const [chosen, setChosen] = useState<Fingerprint | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const take = useAction((api, fingerprint: Fingerprint) =>
    api.waitingTake({ workRequestId: task.workRequestId, fingerprint }),
  )
  useStationEvent('desk.locked', onClose)
  const fingerprint = chosen ?? (keys.length === 1 ? (keys[0]?.fingerprint ?? null) : null)

  async function taken(with_: Fingerprint) {
    setFailure(null)
    const result = await take.run(with_)
    if (!result.ok) {
      setFailure(result.error)
      return
    }
    onClose()
    go({ screen: 'requests', tab: 'in-hand', open: result.value.requestId })
  }

  return (
    <Dialog
      title="Take this upload to review?"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isDisabled={fingerprint === null}
            isPending={take.pending}
            onPress={() => (fingerprint === null ? undefined : void taken(fingerprint))}
          >
            Take
          </Button>
        </>
      }
    >
      <p>
        <strong>
          <UntrustedText text={waitingTaskView(task).title} />
        </strong>{' '}
        is fetched and checked. Nothing is signed before you approve its sheet, and nothing changes at the server before
        the signature is handed in.
      </p>
      {keys.length === 0 ? (
        <Notice tone="attention" title="No key for it">
          No active key for OpenPGP is registered here. Register one under Keys first.
        </Notice>
      ) : (
        <Select
          label="Key to sign with"
          value={fingerprint}
          onChange={setChosen}
          all="Choose a key"
          options={keys.map((key) => ({
            value: key.fingerprint,
            label: `${key.description} (${key.fingerprint.slice(-16)})${key.usableNow ? '' : ', not to be used now'}`,
          }))}
        />
      )}
      {failure === null ? null : <FailureNotice failure={failure} />}
    </Dialog>
  )
}
