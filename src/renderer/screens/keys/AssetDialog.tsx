import { useState } from 'react'
import type { RegisteredKey } from '../../../shared/key.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'

/** Makes a key known at the server, and says what the administrator does then. */
export function AssetDialog({
  registered,
  onClose,
}: {
  readonly registered: RegisteredKey
  readonly onClose: () => void
}) {
  const [workspace, setWorkspace] = useState('')
  const [assetId, setAssetId] = useState<number | null>(null)
  const make = useAction((station, wanted: string) =>
    station.keysCreateAsset({
      purpose: registered.purpose,
      fingerprint: registered.fingerprint,
      workspace: wanted,
    }),
  )
  useStationEvent('desk.locked', onClose)
  const grant = `debusine-admin asset grant_role --workspace SCOPE/${workspace.trim()} ${assetId ?? 'ASSET_ID'} signer GROUP`

  async function confirmed() {
    const made = await make.run(workspace.trim())
    if (made.ok) setAssetId(made.value.assetId)
  }

  return (
    <Dialog
      title="Make the key’s asset at the server"
      isOpen
      onClose={onClose}
      actions={
        assetId === null ? (
          <>
            <Button onPress={onClose}>Cancel</Button>
            <Button
              variant="primary"
              isDisabled={workspace.trim() === ''}
              isPending={make.pending}
              onPress={() => void confirmed()}
            >
              Make the asset
            </Button>
          </>
        ) : (
          <Button variant="primary" onPress={onClose} autoFocus>
            Done
          </Button>
        )
      }
    >
      {assetId === null ? (
        <>
          <p>
            The server learns the key’s certificate and description. It is done in the name of the user whose API token
            is set, who has to own the workspace.
          </p>
          <Field
            label="Workspace"
            value={workspace}
            onChange={setWorkspace}
            maxLength={200}
            isRequired
            autoFocus
            description="Where the key belongs at the server."
          />
          {make.failure === null ? null : (
            <>
              <FailureNotice failure={make.failure} />
              <p className="small muted">
                The server’s administrator can make it, too:{' '}
                <code>debusine-admin asset create debusine:signing-key --workspace SCOPE/WORKSPACE --data FILE</code>
              </p>
            </>
          )}
        </>
      ) : (
        <>
          <Notice tone="passed" title={`Asset ${assetId}`}>
            Nobody may ask for signatures with it yet. The server’s administrator gives a group the role SIGNER:
          </Notice>
          <p>
            <code>{grant}</code>
          </p>
          <div className="row row-end">
            <CopyButton text={grant} what="the command" />
          </div>
        </>
      )}
    </Dialog>
  )
}
