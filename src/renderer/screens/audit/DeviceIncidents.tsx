import { useState } from 'react'
import type { OpenDeviceIncident } from '../../../shared/audit.ts'
import { Button } from '../../design/Button.tsx'
import { Notice } from '../../design/Notice.tsx'
import { plainNumber, utc } from '../../parts/format.ts'
import { ReasonDialog } from '../../parts/ReasonDialog.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useAction } from '../../station/station-queries.ts'

/** What the log of a token and ours do not say alike, until a person explains it. */
export function DeviceIncidents({
  open,
  canClose,
  onEntry,
}: {
  readonly open: readonly OpenDeviceIncident[]
  readonly canClose: boolean
  readonly onEntry: (seq: number) => void
}) {
  const [asking, setAsking] = useState<OpenDeviceIncident | null>(null)
  const close = useAction((station, input: Parameters<typeof station.incidentCloseDevice>[0]) =>
    station.incidentCloseDevice(input),
  )
  return (
    <>
      {open.map((incident) => (
        <Notice
          key={incident.seq}
          tone="refused"
          title={
            <>
              The log of device <UntrustedText text={incident.deviceSerial} /> and this one differ
            </>
          }
          actions={
            <>
              <Button size="s" onPress={() => onEntry(incident.seq)}>
                Go to entry {plainNumber(incident.seq)}
              </Button>
              <Button size="s" isDisabled={!canClose} onPress={() => setAsking(incident)}>
                Close the incident …
              </Button>
            </>
          }
        >
          <p className="measure">
            <UntrustedText text={incident.sentence} />
          </p>
          <p className="small muted">
            Found {utc(incident.at)}, <code>{incident.code}</code>
          </p>
        </Notice>
      ))}
      {asking === null ? null : (
        <ReasonDialog
          title="Close the incident?"
          label="What happened, and how you know"
          confirm="Close the incident"
          pending={close.pending}
          onConfirm={(note) => close.run({ opened: asking.seq, note })}
          onClose={() => setAsking(null)}
        >
          <p>
            Your note goes into the audit log with your name. What the two logs say stays as it is: the same finding
            opens no second incident.
          </p>
        </ReasonDialog>
      )}
    </>
  )
}
