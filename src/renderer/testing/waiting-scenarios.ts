import type { WorkRequestId } from '../../shared/ids.ts'
import type { WaitingTask } from '../../shared/waiting.ts'
import type { FakeState } from './fake-station.ts'
import { minutesAgo, requestIdOf } from './sample-data.ts'
import { base } from './sample-station.ts'

const id = (number: number) => number as WorkRequestId
const common = (number: number) => ({
  workRequestId: id(number),
  workspace: 'sid',
  createdAt: minutesAgo(12),
  createdBy: 42,
  displayName: null,
  workflow: { id: id(10_400), name: 'sid-upload', about: 'linux_6.18.1-1 → sid' },
})
const words = { confirmLabel: 'Publish it', denyLabel: 'Do not publish', denyAction: 'abort-workflow' } as const
const upload = { artifactId: 90_210, source: 'linux', version: '6.18.1-1', distribution: 'unstable' }

const tasks: readonly WaitingTask[] = [
  { kind: 'external-debsign', ...common(10_401), upload, inHand: null, endedHere: null },
  { kind: 'external-debsign', ...common(10_402), upload, inHand: requestIdOf(1), endedHere: null },
  { kind: 'external-debsign', ...common(10_403), upload, inHand: null, endedHere: 'declined' },
  {
    kind: 'confirm',
    ...common(10_404),
    displayName: 'Confirm the upload to the archive',
    words,
    autoConfirm: true,
    unsettled: null,
  },
  {
    kind: 'confirm',
    ...common(10_405),
    workflow: null,
    words: { confirmLabel: 'Go\u202eon', denyLabel: 'x'.repeat(200), denyAction: 'fail' },
    autoConfirm: false,
    unsettled: { confirm: true, operator: 'Zoë', at: minutesAgo(3) },
  },
]

export const waitingScenarios = {
  waiting: (): FakeState => ({ ...base(), waiting: tasks }),
}
