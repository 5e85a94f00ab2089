import { useState } from 'react'
import type { StationStatus } from '../../../shared/status.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useNow } from '../../parts/use-now.ts'
import { useAction } from '../../station/station-queries.ts'
import { CheckpointDialog } from './CheckpointDialog.tsx'
import { standingView } from './standing-view.ts'

/** One line above the list: what stands behind this log. What keeps a checkpoint from its copies is said in full. */
export function Standing({ status }: { readonly status: StationStatus }) {
  const [asking, setAsking] = useState<'checkpoint' | 'make-key' | null>(null)
  const { tone, sentence, needsKey } = standingView(status, useNow())
  const canSign = status.station === 'ready'
  const close = () => setAsking(null)
  return (
    <>
      <div className="row log-standing">
        <Badge tone={tone} plain={tone !== 'attention'}>
          {needsKey ? 'Not signed' : 'Signed'}
        </Badge>
        <p className="grow">{sentence}</p>
        {needsKey ? (
          <Button size="s" isDisabled={!canSign} onPress={() => setAsking('make-key')}>
            Make the log’s key …
          </Button>
        ) : (
          <Button size="s" variant="quiet" onPress={() => setAsking('checkpoint')}>
            Checkpoint and key …
          </Button>
        )}
      </div>
      {(status.checkpoint?.warnings ?? []).map((warning) => (
        <Notice key={`${warning.code} ${warning.message}`} tone="attention">
          <UntrustedText text={warning.message} /> <code className="small">{warning.code}</code>
        </Notice>
      ))}
      {asking === 'checkpoint' && status.logKey !== null ? (
        <CheckpointDialog logKey={status.logKey} canSign={canSign} onClose={close} />
      ) : null}
      {asking === 'make-key' ? <MakeKey onClose={close} /> : null}
    </>
  )
}

function MakeKey({ onClose }: { readonly onClose: () => void }) {
  const make = useAction((station, _input: null) => station.logCreateKey(null))
  async function makeIt() {
    if ((await make.run(null)).ok) onClose()
  }
  return (
    <Dialog
      title="Make the log’s key?"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose} autoFocus>
            Cancel
          </Button>
          <Button variant="primary" isPending={make.pending} onPress={() => void makeIt()}>
            Make the key
          </Button>
        </>
      }
    >
      <p>
        The station signs from then on, after each decision, how many entries the log has and what they are. What was
        written before is covered as it is now; nobody can show that it was not changed earlier. A log keeps its key for
        ever.
      </p>
      {make.failure === null ? null : <FailureNotice failure={make.failure} title="No key was made" />}
    </Dialog>
  )
}
