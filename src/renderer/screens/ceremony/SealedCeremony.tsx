import type { CeremonyDetail } from '../../../shared/ceremony.ts'
import { Button } from '../../design/Button.tsx'
import { FailureNotice, Notice } from '../../design/Notice.tsx'
import { utc } from '../../parts/format.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'
import { TranscriptText } from './TranscriptText.tsx'
import '../audit/print.css'

/** A ceremony that is over: its transcript, to be read, printed and handed out. */
export function SealedCeremony({ detail }: { readonly detail: CeremonyDetail }) {
  const { summary } = detail
  const save = useAction((api, input: Parameters<typeof api.ceremonySaveEvidence>[0]) =>
    api.ceremonySaveEvidence(input),
  )
  return (
    <>
      <div className="row not-printed">
        <Button variant="primary" isPending={save.pending} onPress={() => void save.run({ id: summary.id })}>
          Save the evidence
        </Button>
        <Button onPress={() => window.print()}>Print …</Button>
        <span className="small muted">
          Sealed {summary.endedAt === null ? '' : utc(summary.endedAt)} by entry {summary.sealedSeq} of the audit log
        </span>
      </div>
      {save.failure === null ? null : <FailureNotice failure={save.failure} />}
      {save.value === null ? null : (
        <div className="not-printed">
          <Notice tone="passed" title="The evidence is saved" live>
            <p className="mono">
              <UntrustedText text={`${save.value.folder}/${save.value.bundle}`} exact />
            </p>
            <p>
              README.txt in it says how to check every file with OpenSSL and with signing-station-verify.
              {save.value.backups.length === 0
                ? ''
                : ` Beside it, and not in it: ${save.value.backups.join(', ')}, the encrypted backup. Take it to its safe and delete it there.`}
            </p>
          </Notice>
        </div>
      )}
      <TranscriptText detail={detail} />
    </>
  )
}
