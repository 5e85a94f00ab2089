import { useState } from 'react'
import type { ImportPreview, ImportReport, ImportRow } from '../../../shared/key-import.ts'
import type { ReencryptionProgress } from '../../../shared/service-key.ts'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Digest } from '../../design/Digest.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { plainNumber } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'

/** Two steps: what is in the dump and what of it would be taken; then taking it. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const station = useStation()
  const [path, setPath] = useState('')
  const [preview, setPreview] = useState<{ readonly path: string; readonly of: ImportPreview } | null>(null)
  const [progress, setProgress] = useState<ReencryptionProgress | null>(null)
  const [report, setReport] = useState<ImportReport | null>(null)
  const look = useAction((api, wanted: string) => api.keysImportPreview({ path: wanted }))
  const take = useAction((api, input: Parameters<typeof api.keysImport>[0]) => api.keysImport(input))
  useStationEvent('keys.import-progress', setProgress)
  useStationEvent('desk.locked', onClose)
  const failure = look.failure ?? take.failure

  async function looked() {
    take.reset()
    const found = await look.run(path.trim())
    setPreview(found.ok ? { path: path.trim(), of: found.value } : null)
  }
  async function taken() {
    if (preview === null) return
    const done = await take.run({ path: preview.path, dumpSha256: preview.of.dumpSha256 })
    if (done.ok) setReport(done.value)
  }

  return (
    <Dialog
      title="Take keys over from debusine-signing"
      isOpen
      wide
      onClose={onClose}
      actions={
        report !== null ? (
          <Button variant="primary" onPress={onClose}>
            Close
          </Button>
        ) : (
          <>
            <Button onPress={take.pending ? () => void station.keysImportStop(null) : onClose}>
              {take.pending ? 'Stop' : 'Cancel'}
            </Button>
            {preview === null || preview.path !== path.trim() ? (
              <Button
                variant="primary"
                isDisabled={!path.trim().startsWith('/')}
                isPending={look.pending}
                onPress={() => void looked()}
              >
                Look at the dump
              </Button>
            ) : (
              <Button
                variant="primary"
                isDisabled={preview.of.taking === 0}
                isPending={take.pending}
                onPress={() => void taken()}
              >
                {`Take ${plainNumber(preview.of.taking)} of ${plainNumber(preview.of.rows.length)}`}
              </Button>
            )}
          </>
        )
      }
    >
      {report === null ? (
        <Field
          label="Path of the dump"
          value={path}
          onChange={setPath}
          maxLength={4096}
          mono
          isRequired
          autoFocus
          description="A plain dump: pg_dump --table=signing_key debusine-signing, or debusine-signing dumpdata signing.key. Its service keys go into the folder of service keys first."
        />
      ) : (
        <Report report={report} />
      )}
      {failure === null ? null : <FailureNotice failure={failure} />}
      {take.pending && progress !== null ? (
        <p role="status">
          {progress.done} of {progress.total} taken …
        </p>
      ) : null}
      {preview === null || report !== null ? null : <Preview preview={preview.of} />}
    </Dialog>
  )
}

function Preview({ preview }: { readonly preview: ImportPreview }) {
  return (
    <>
      <div>
        <p className="small muted">SHA-256 of the dump</p>
        <Digest hex={preview.dumpSha256} />
      </div>
      <Notice tone="attention" title="Marked as imported for ever">
        Nobody here knows who else has a copy of these keys. They are test keys at this station, whatever they were
        there. Each signs a challenge before it is registered, and that is entered in the audit log.
      </Notice>
      <ul className="objects" aria-label="Keys in the dump">
        {preview.rows.map((row) => (
          <PreviewRow key={row.place} row={row} where={preview.format === 'django-json' ? 'object' : 'line'} />
        ))}
      </ul>
    </>
  )
}

const words = {
  take: { text: 'Will be taken', tone: 'passed' },
  have: { text: 'Is here', tone: 'neutral' },
  leave: { text: 'Not taken', tone: 'attention' },
} as const

function PreviewRow({ row, where }: { readonly row: ImportRow; readonly where: string }) {
  const { text, tone } = words[row.verdict]
  return (
    <li className="service-key-row">
      <div className="row">
        <Badge tone={tone}>{text}</Badge>
        <span className="grow">{row.name === null ? null : <UntrustedText text={row.name} truncate />}</span>
        <span className="small muted">
          {row.purpose ?? ''} {where} {row.place}
        </span>
      </div>
      {row.fingerprint === null ? null : <Digest hex={row.fingerprint} />}
      <p className="small">
        <UntrustedText text={row.why} />
      </p>
    </li>
  )
}

function Report({ report }: { readonly report: ImportReport }) {
  const { taken, left, failed, stopped } = report
  const whole = failed.length === 0 && !stopped
  return (
    <Notice
      tone={whole ? 'passed' : 'attention'}
      title={stopped ? 'Stopped' : whole ? 'The keys are here' : 'Some keys were not taken'}
      live
    >
      <p>
        Taken: {plainNumber(taken)}. Left: {plainNumber(left)}. Failed: {plainNumber(failed.length)}.
      </p>
      {failed.length === 0 ? null : (
        <ul>
          {failed.map(({ name, failure }, index) => (
            <li key={index}>
              <UntrustedText text={`“${name}”: ${failure.message}`} />
            </li>
          ))}
        </ul>
      )}
    </Notice>
  )
}
