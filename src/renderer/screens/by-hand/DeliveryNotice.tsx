import { useState } from 'react'
import type { HandDelivery } from '../../../shared/by-hand.ts'
import type { RequestDetail } from '../../../shared/request.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { pathProblem } from './open-files-view.ts'

/** The signatures of files that were opened by hand could not be written: what a person can do about it. */
export function DeliveryActions({ detail }: { readonly detail: RequestDetail }) {
  const [asking, setAsking] = useState<HandDelivery['kind'] | null>(null)
  const { byHand } = detail
  if (byHand === undefined || detail.summary.stage !== 'returning' || detail.failure === null) return null
  return (
    <>
      {byHand.inTheWay === null ? null : (
        <Button size="s" onPress={() => setAsking('replace')}>
          Replace that file …
        </Button>
      )}
      <Button size="s" onPress={() => setAsking('folder')}>
        Another folder …
      </Button>
      <Button size="s" onPress={() => setAsking('keep')}>
        Keep in the station …
      </Button>
      {asking === null ? null : <DeliveryDialog detail={detail} asking={asking} onClose={() => setAsking(null)} />}
    </>
  )
}

const titles = {
  replace: 'Replace this file?',
  folder: 'Write to another folder',
  keep: 'Keep the signatures in the station?',
} as const

function DeliveryDialog({
  detail,
  asking,
  onClose,
}: {
  readonly detail: RequestDetail
  readonly asking: HandDelivery['kind']
  readonly onClose: () => void
}) {
  const [folder, setFolder] = useState('')
  const deliver = useAction((station, delivery: HandDelivery) =>
    station.handDeliver({ requestId: detail.summary.id, delivery }),
  )
  useStationEvent('desk.locked', onClose)
  const path = detail.byHand?.inTheWay ?? null
  const delivery: HandDelivery | null =
    asking === 'keep'
      ? { kind: 'keep' }
      : asking === 'folder'
        ? folder === '' || pathProblem(folder) !== null
          ? null
          : { kind: 'folder', folder }
        : path === null
          ? null
          : { kind: 'replace', path }

  async function confirmed() {
    if (delivery !== null && (await deliver.run(delivery)).ok) onClose()
  }

  return (
    <Dialog
      title={titles[asking]}
      role="alertdialog"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose} autoFocus={asking !== 'folder'}>
            Cancel
          </Button>
          <Button
            variant={asking === 'replace' ? 'danger' : 'primary'}
            isDisabled={delivery === null}
            isPending={deliver.pending}
            onPress={() => void confirmed()}
          >
            {asking === 'replace' ? 'Replace it' : asking === 'folder' ? 'Write there' : 'Keep them here'}
          </Button>
        </>
      }
    >
      {asking === 'replace' ? (
        <>
          <p className="mono">
            <UntrustedText text={path ?? ''} exact />
          </p>
          <p>
            The signature is written in its place, and what is there now is lost. Its digest goes into the audit log.
          </p>
        </>
      ) : null}
      {asking === 'folder' ? (
        <Field
          label="Folder"
          value={folder}
          onChange={setFolder}
          problem={pathProblem(folder)}
          mono
          isRequired
          autoFocus
          placeholder="/path/to/folder"
        />
      ) : null}
      {asking === 'keep' ? (
        <p>
          Nothing is written. “Save the signed files” writes them to the station’s exports folder whenever you want.
        </p>
      ) : null}
      {deliver.failure === null ? null : <FailureNotice failure={deliver.failure} />}
    </Dialog>
  )
}
