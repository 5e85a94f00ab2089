import { type ReactNode, useState } from 'react'
import type { KeyExport } from '../../../shared/key-import.ts'
import { Button } from '../../design/Button.tsx'
import { Digest } from '../../design/Digest.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { plainNumber } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { ImportDialog } from './ImportDialog.tsx'

/** Software keys come from debusine-signing and go back to it. `children`: buttons that stand before these. */
export function SoftwareKeyMoves({ children }: { readonly children: ReactNode }) {
  const [importing, setImporting] = useState(false)
  const [saved, setSaved] = useState<KeyExport | null>(null)
  const save = useAction((api, _input: null) => api.keysExportSoftware(null))
  async function exported() {
    setSaved(null)
    const done = await save.run(null)
    if (done.ok) setSaved(done.value)
  }
  return (
    <>
      <div className="row">
        {children}
        <Button size="s" onPress={() => setImporting(true)}>
          Take keys over from debusine-signing …
        </Button>
        <Button size="s" isPending={save.pending} onPress={() => void exported()}>
          Export the software keys
        </Button>
      </div>
      {save.failure === null ? null : <FailureNotice failure={save.failure} />}
      {saved === null ? null : (
        <Notice title={`${plainNumber(saved.keys)} exported, still sealed`} live>
          <p>
            <code>
              <UntrustedText text={saved.path} exact />
            </code>
          </p>
          <p>
            On the other machine: <code>debusine-signing loaddata FILE</code>. These service keys open them and have to
            go along by another way:
          </p>
          <ul className="objects">
            {saved.serviceKeys.map(({ fingerprint, file }) => (
              <li key={fingerprint} className="service-key-row">
                <span className="mono">
                  <UntrustedText text={file ?? 'not here'} exact />
                </span>
                <Digest hex={fingerprint} />
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {importing ? <ImportDialog onClose={() => setImporting(false)} /> : null}
    </>
  )
}
