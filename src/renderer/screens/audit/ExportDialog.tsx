import { useState } from 'react'
import type { AuditFilter } from '../../../shared/audit.ts'
import { Button } from '../../design/Button.tsx'
import { Options } from '../../design/Choice.tsx'
import { Dialog } from '../../design/Dialog.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { CopyButton } from '../../parts/CopyButton.tsx'
import { byteSize, count } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useExport } from '../../station/use-log-work.ts'
import { exportChoice, wholeSelection } from './export-view.ts'
import { WorkProgress } from './Verification.tsx'

/** Asks what to export. The work itself goes on when the dialog is gone; `ExportPanel` shows it. */
export function ExportDialog({ filter, onClose }: { readonly filter: AuditFilter; readonly onClose: () => void }) {
  const work = useExport()
  const choice = exportChoice(filter)
  const [what, setWhat] = useState<'whole' | 'part'>(choice.selection === null ? 'whole' : 'part')
  function begin() {
    void work.start(what === 'part' && choice.selection !== null ? choice.selection : wholeSelection)
    onClose()
  }

  return (
    <Dialog
      title="Export the log"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button variant="primary" isDisabled={work.work.kind === 'running'} onPress={begin}>
            Export
          </Button>
        </>
      }
    >
      <p>
        One file with entries, checkpoints and the verifier key. An auditor verifies it alone, here under “Open another
        log” or with signing-station-verify.
      </p>
      <Options
        label="What it holds"
        value={what}
        onChange={setWhat}
        options={[
          { value: 'whole', label: 'The whole log', description: 'Every entry up to the last checkpoint.' },
          {
            value: 'part',
            label: 'Only a part',
            description: <UntrustedText text={choice.words} />,
            isDisabled: choice.selection === null,
          },
        ]}
      />
    </Dialog>
  )
}

/** The export that runs, or the place of its file. */
export function ExportPanel() {
  const { work, cancel, dismiss } = useExport()
  const away = (
    <Button size="s" variant="quiet" onPress={dismiss}>
      Put away
    </Button>
  )
  switch (work.kind) {
    case 'idle':
      return null
    case 'running':
      return <WorkProgress work={work} label="Exporting the log" onCancel={cancel} />
    case 'failed':
      return <FailureNotice failure={work.failure} title="Nothing was exported" actions={away} />
    case 'done':
      return (
        <Notice
          tone="passed"
          title={`Exported: ${count(work.value.entries, 'entry', 'entries')}, ${byteSize(work.value.bytes)}`}
          live
          actions={
            <>
              <CopyButton what="the path" text={work.value.path} />
              {away}
            </>
          }
        >
          <code>
            <UntrustedText text={work.value.path} exact />
          </code>
          <p className="small muted">
            The verifier key lies beside it. Give it to the auditor by another way: a key that comes with the log proves
            nothing about it.
          </p>
        </Notice>
      )
  }
}
