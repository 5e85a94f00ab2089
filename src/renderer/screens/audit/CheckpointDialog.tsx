import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { StationStatus } from '../../../shared/status.ts'
import { Button } from '../../design/Button.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { Field } from '../../design/Field.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { Select } from '../../design/Select.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { count, utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { lastCheckpointQuery } from '../../station/log-queries.ts'
import { useStation } from '../../station/station-context.tsx'
import { settingsQuery, useAction } from '../../station/station-queries.ts'
import { witnessName } from './standing-view.ts'

/** What an auditor takes away: the verifier key and the last checkpoint, both as text; and what a witness gives back. */
export function CheckpointDialog({
  logKey,
  canSign,
  onClose,
}: {
  readonly logKey: NonNullable<StationStatus['logKey']>
  readonly canSign: boolean
  readonly onClose: () => void
}) {
  const station = useStation()
  const last = useQuery(lastCheckpointQuery(station))
  const sign = useAction((api, _input: null) => api.auditCheckpoint(null))
  async function signNow() {
    if ((await sign.run(null)).ok) await last.refetch()
  }

  return (
    <Dialog
      wide
      title="Checkpoint and key"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button isPending={sign.pending} isDisabled={!canSign} onPress={() => void signNow()}>
            Sign a checkpoint now
          </Button>
          <Button onPress={onClose} autoFocus>
            Close
          </Button>
        </>
      }
    >
      <p>
        Whoever keeps these two can tell later, without this station, whether the log he is shown still begins with what
        was signed here.
      </p>
      <Text title="Verifier key of this log" what="the verifier key" text={logKey.vkey} />
      {last.data === undefined ? null : last.data === null ? (
        <p className="muted">No checkpoint was signed yet.</p>
      ) : (
        <Text
          title={`Last checkpoint: ${count(last.data.size, 'entry', 'entries')}, ${utc(last.data.at)}`}
          what="the checkpoint"
          text={last.data.note}
        />
      )}
      {sign.failure === null ? null : <FailureNotice failure={sign.failure} title="No checkpoint was signed" />}
      <Cosignature />
    </Dialog>
  )
}

function Text({ title, what, text }: { readonly title: string; readonly what: string; readonly text: string }) {
  return (
    <section aria-label={title} className="stack log-text">
      <div className="row">
        <h3 className="grow">{title}</h3>
        <CopyButton what={what} text={text} />
      </div>
      <pre className="entry-text">
        <UntrustedText text={text.trimEnd()} multiline />
      </pre>
    </section>
  )
}

function Cosignature() {
  const station = useStation()
  const settings = useQuery(settingsQuery(station))
  const witnesses = settings.data?.witnesses ?? []
  const [witness, setWitness] = useState<string | null>(null)
  const [text, setText] = useState('')
  const [kept, setKept] = useState<string | null>(null)
  const add = useAction((api, input: Parameters<typeof api.auditAddCosignature>[0]) => api.auditAddCosignature(input))
  const chosen = witness ?? (witnesses.length === 1 ? (witnesses[0] ?? null) : null)
  async function keep() {
    if (chosen === null) return
    if (!(await add.run({ text, witness: chosen })).ok) return
    setText('')
    setKept(witnessName(chosen))
  }

  if (witnesses.length === 0)
    return (
      <p className="small muted">Witnesses that may sign beside the station are named under Settings. There is none.</p>
    )
  return (
    <section className="stack" aria-labelledby="cosignature">
      <h3 id="cosignature">Signature of a witness</h3>
      <Select
        label="Witness"
        all="Choose the witness"
        value={chosen}
        options={witnesses.map((vkey) => ({ value: vkey, label: witnessName(vkey) }))}
        onChange={setWitness}
      />
      <Field
        label="What the witness answered"
        value={text}
        onChange={setText}
        rows={3}
        mono
        maxLength={10_000}
        description="Its signature line, or the whole checkpoint with it. It is kept only if it verifies."
      />
      {add.failure === null ? null : <FailureNotice failure={add.failure} title="It was not kept" />}
      {kept === null ? null : (
        <Notice tone="passed" title="Kept" live>
          The signature of <UntrustedText text={kept} exact /> is part of the checkpoint from now on.
        </Notice>
      )}
      <div className="row row-end">
        <Button isDisabled={chosen === null || text.trim() === ''} isPending={add.pending} onPress={() => void keep()}>
          Check and keep it
        </Button>
      </div>
    </section>
  )
}
