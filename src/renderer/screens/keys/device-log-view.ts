import type { DeviceLogState } from '../../../shared/device-log.ts'
import type { Tone } from '../../design/Badge.tsx'
import { type Fact, text } from '../../parts/fact.ts'

export type DeviceLogView = {
  readonly verdict: { readonly text: string; readonly tone: Tone }
  readonly facts: readonly Fact[]
  /** What is missing and how it is mended, or null. */
  readonly advice: string | null
  /** Commands for a terminal, that do it. */
  readonly commands: readonly string[]
}

const hex = (command: number) => command.toString(16).padStart(2, '0')
/** So that nobody switches the audit off unseen. */
const setOption = '4f01'

export function deviceLogView({ store, audit, lastDrainAt }: DeviceLogState): DeviceLogView {
  const unaudited = audit?.unaudited ?? []
  return {
    verdict: verdict(audit),
    facts: [
      {
        id: 'log-store',
        label: 'Its log',
        value: text(
          store === null
            ? 'not readable here: no yubihsm-connector on this machine has the device'
            : `${store.used} of ${store.capacity} entries used`,
        ),
        // DEVICE INFO is answered without a login: nothing proves it.
        source: 'token',
        assurance: store === null ? 'unknown' : 'claimed',
      },
      {
        id: 'log-force',
        label: 'When full',
        value: text(
          audit === null
            ? 'not known'
            : audit.forced
              ? 'it stops until its log was taken out (force-audit)'
              : 'it overwrites its oldest entries',
        ),
        source: 'token',
        assurance: audit === null ? 'unknown' : 'verified',
      },
      {
        id: 'log-drained',
        label: 'Taken out',
        value: lastDrainAt === null ? text('never') : { kind: 'time', iso: lastDrainAt },
        source: 'station',
        assurance: 'verified',
      },
    ],
    advice:
      unaudited.length > 0
        ? 'Signatures that somebody else has it make leave nothing in its log. It can be told to log them, by someone whose authentication key may set options:'
        : audit !== null && !audit.forced
          ? 'Entries can be lost before they are taken out. It can be told to stop instead:'
          : null,
    commands: [
      ...(unaudited.length > 0
        ? [
            `yubihsm-shell -a put-option --opt-name command-audit --opt-value ${unaudited.map((each) => `${hex(each)}01`).join('')}${setOption}`,
          ]
        : []),
      ...(audit !== null && !audit.forced ? ['yubihsm-shell -a put-option --opt-name force-audit --opt-value 01'] : []),
    ],
  }
}

function verdict(audit: DeviceLogState['audit']): DeviceLogView['verdict'] {
  if (audit === null) return { text: 'Audit not known: asked at the next signature', tone: 'neutral' }
  if (audit.unaudited.length > 0) return { text: 'Does not log every signature', tone: 'attention' }
  return { text: 'Logs every signature', tone: 'passed' }
}
