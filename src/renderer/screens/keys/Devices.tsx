import type { UsbState } from '../../../shared/devices.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { deviceView, watchNote } from './devices-view.ts'

/** What is on USB, a moment after it was plugged in; a module may need longer to show its token, or never does. */
export function Devices({ state }: { readonly state: UsbState }) {
  const note = watchNote(state)
  return (
    <>
      {state.devices.length === 0 ? null : (
        <ul className="devices" aria-label="On USB">
          {state.devices.map(deviceView).map(({ plug, kind, name, serial, note: about }) => (
            <li key={plug} className="device-row">
              <span className="device-name">
                {kind}
                {name === null ? null : (
                  <>
                    {' '}
                    <span className="muted">
                      <UntrustedText text={name} truncate />
                    </span>
                  </>
                )}
              </span>
              <span className="small muted">
                {serial === null ? 'no serial number on USB' : <UntrustedText text={`serial ${serial}`} exact />}
                {about === null ? '' : `; ${about}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      {note === null ? null : <p className="small muted">{note}</p>}
    </>
  )
}
