import { useState } from 'react'
import type { AttestationRecord } from '../../../shared/attestation.ts'
import type { RegisteredKey } from '../../../shared/key.ts'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { Timestamp } from '../../parts/Timestamp.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { attestationView } from './attestation-view.ts'
import { ImportAttestationDialog } from './ImportAttestationDialog.tsx'

/** What the maker of the token says of the key: the verdict, what is in the certificate, every earlier look. */
export function AttestationPanel({
  registered,
  records,
}: {
  readonly registered: RegisteredKey
  readonly records: readonly AttestationRecord[]
}) {
  const view = attestationView(registered, records)
  const [importing, setImporting] = useState(false)
  const ask = useAction((station, { purpose, fingerprint }: RegisteredKey) =>
    station.keysAttest({ purpose, fingerprint }),
  )
  if (view === null) return null
  const { commands } = view
  return (
    <div className="attestation">
      <h4>Attestation</h4>
      <Notice tone={view.verdict.tone} title={view.verdict.title}>
        <UntrustedText text={view.verdict.sentence} />
      </Notice>
      {view.facts.length === 0 ? null : <FactList facts={view.facts} />}
      {view.certificatesPem === '' ? null : (
        <details className="attestation-certificates">
          <summary>Certificates</summary>
          <Field
            label="Certificates (PEM), the key’s first"
            value={view.certificatesPem}
            isReadOnly
            rows={8}
            mono
            description="For an auditor: openssl verifies them without this program."
          />
          <CopyButton text={view.certificatesPem} what="the certificates" />
        </details>
      )}
      {view.earlier.length === 0 ? null : (
        <div className="small muted">
          <p>Looked at before:</p>
          <ul>
            {view.earlier.map((look) => (
              <li key={look.id}>
                <Timestamp iso={look.at} />: {look.text} (entry {look.id} of the log)
              </li>
            ))}
          </ul>
        </div>
      )}
      {ask.failure === null ? null : <FailureNotice failure={ask.failure} />}
      <div className="row key-row-actions">
        {view.canAsk ? (
          <Button size="s" isPending={ask.pending} onPress={() => void ask.run(registered)}>
            Ask the token for it
          </Button>
        ) : null}
        {commands === null ? null : (
          <Button size="s" onPress={() => setImporting(true)}>
            Import attestation …
          </Button>
        )}
      </div>
      {importing && commands !== null ? (
        <ImportAttestationDialog registered={registered} commands={commands} onClose={() => setImporting(false)} />
      ) : null}
    </div>
  )
}
