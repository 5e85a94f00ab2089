import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { StationStatus } from '../shared/status.ts'
import { Button } from './design/Button.tsx'
import { Dialog } from './design/Dialog.tsx'
import { Icon } from './design/Icon.tsx'
import { FailureNotice } from './design/Notice.tsx'
import { UntrustedText } from './parts/UntrustedText.tsx'
import { visibleString } from './parts/untrusted-text.ts'
import { useStation } from './station/station-context.tsx'
import { devicesQuery, useAction } from './station/station-queries.ts'
import { dutyView, lineItems } from './status-view.ts'

export function BottomLine({ status }: { readonly status: StationStatus }) {
  const devices = useQuery(devicesQuery(useStation()))
  return (
    <footer className="line" aria-label="State of the station">
      {lineItems(status, devices.data ?? null).map((item) => (
        <span key={item.id} className={`line-item line-${item.id}`} title={visibleString(item.detail)}>
          <span className={`tone-${item.tone}`}>
            <Icon name={item.tone === 'passed' || item.tone === 'neutral' ? item.icon : item.tone} size={14} />
          </span>
          <UntrustedText text={item.text} truncate />
          <span className="visually-hidden">
            <UntrustedText text={item.detail} />
          </span>
        </span>
      ))}
      <Duty status={status} />
    </footer>
  )
}

function Duty({ status }: { readonly status: StationStatus }) {
  const [asking, setAsking] = useState(false)
  const duty = dutyView(status)
  const set = useAction((station, onDuty: boolean) => station.dutySet({ onDuty }))
  const close = () => {
    setAsking(false)
    set.reset()
  }
  async function change() {
    if ((await set.run(!duty.onDuty)).ok) close()
  }

  return (
    <span className="line-duty row">
      <span className="duty-sentence muted">{duty.sentence}</span>
      <Button
        size="s"
        variant="quiet"
        aria-haspopup="dialog"
        isDisabled={status.station !== 'ready'}
        onPress={() => setAsking(true)}
      >
        <span className={duty.onDuty ? 'duty-dot duty-on' : 'duty-dot'} />
        {duty.label}
      </Button>
      <Dialog
        title={`${duty.action}?`}
        isOpen={asking}
        onClose={close}
        actions={
          <>
            <Button onPress={close} autoFocus>
              Cancel
            </Button>
            <Button variant="primary" isPending={set.pending} onPress={() => void change()}>
              {duty.action}
            </Button>
          </>
        }
      >
        <p>{duty.question}</p>
        {set.failure === null ? null : <FailureNotice failure={set.failure} />}
      </Dialog>
    </span>
  )
}
