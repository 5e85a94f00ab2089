import { useState } from 'react'
import type { RegisteredKey } from '../../../shared/key.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { CertificateSourceFields, type SourceDraft, sourceOf } from '../../parts/CertificateSourceFields.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'

/** Takes the two certificates that the maker's own tool writes. */
export function ImportAttestationDialog({
  registered,
  commands,
  onClose,
}: {
  readonly registered: RegisteredKey
  readonly commands: readonly string[]
  readonly onClose: () => void
}) {
  const { purpose, fingerprint } = registered
  const [draft, setDraft] = useState<SourceDraft>({ text: '', paths: '' })
  const take = useAction((station, source: { readonly text: string; readonly paths: string[] }) =>
    station.keysImportAttestation({ purpose, fingerprint, ...source }),
  )
  useStationEvent('desk.locked', onClose)
  const source = sourceOf(draft)

  async function confirmed() {
    if (source !== null && (await take.run(source)).ok) onClose()
  }

  return (
    <Dialog
      title="Import the attestation of a key"
      isOpen
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            variant="primary"
            isDisabled={source === null}
            isPending={take.pending}
            onPress={() => void confirmed()}
          >
            Check and record
          </Button>
        </>
      }
    >
      <p>
        Make the certificate of the key and the certificate of the device with the maker’s own tool, on a machine that
        has the device. What comes of checking them is recorded in the audit log, good or bad.
      </p>
      {commands.map((command) => (
        <div key={command} className="row command-line">
          <code className="grow">{command}</code>
          <CopyButton text={command} what="the command" />
        </div>
      ))}
      <CertificateSourceFields draft={draft} onChange={setDraft} />
      {take.failure === null ? null : <FailureNotice failure={take.failure} />}
    </Dialog>
  )
}
