import type { DeviceLogState } from '../../../shared/device-log.ts'
import { Badge } from '../../design/Badge.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { deviceLogView } from './device-log-view.ts'

/** The log that a YubiHSM keeps of its own signatures. */
export function DeviceLog({ state }: { readonly state: DeviceLogState }) {
  const { verdict, facts, advice, commands } = deviceLogView(state)
  return (
    <section aria-label="Its own log">
      <div className="row">
        <h4 className="token-objects-title grow">Its own log</h4>
        <Badge tone={verdict.tone}>{verdict.text}</Badge>
      </div>
      <FactList facts={facts} />
      {state.problem === null ? null : <FailureNotice failure={state.problem} />}
      {advice === null ? null : <p className="small">{advice}</p>}
      {commands.map((command) => (
        <pre key={command} className="mono small device-log-command">
          {command}
        </pre>
      ))}
    </section>
  )
}
