import { useState } from 'react'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { commonNameProblem } from './keys-view.ts'

/** Makes a test key that is kept in this station, for trying it out without a token. */
export function SoftwareKeyDialog({ onClose }: { readonly onClose: () => void }) {
  const [description, setDescription] = useState('')
  const create = useAction((station, wanted: string) => station.keysCreateSoftware({ description: wanted }))
  useStationEvent('desk.locked', onClose)
  const problem = commonNameProblem(description)

  async function confirmed() {
    if ((await create.run(description.trim())).ok) onClose()
  }

  return (
    <Dialog
      title="Make a software test key"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isDisabled={description.trim() === '' || problem !== null}
            isPending={create.pending}
            onPress={() => void confirmed()}
          >
            Make the test key
          </Button>
        </>
      }
    >
      <Notice tone="attention" title="For tests only">
        No token guards this key: whoever copies this station’s folder has the key, and it signs without a PIN. It can
        never be marked as a production key. Let no machine trust its certificate that matters.
      </Notice>
      <Field
        label="Description"
        value={description}
        onChange={setDescription}
        problem={problem}
        isRequired
        autoFocus
        description="How the review sheet names the key, and the common name of its certificate."
      />
      <p className="small muted">
        RSA 2048 with a self-signed certificate. The server’s administrator has to make a signing key of this
        fingerprint there before anybody can ask for it.
      </p>
      {create.failure === null ? null : <FailureNotice failure={create.failure} />}
    </Dialog>
  )
}
