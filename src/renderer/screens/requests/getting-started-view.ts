import type { RegisteredKey } from '../../../shared/key.ts'
import type { StationStatus } from '../../../shared/status.ts'

export type Step = {
  readonly id: 'server' | 'enrol' | 'enable' | 'key' | 'duty'
  readonly title: string
  readonly text: string
  readonly state: 'done' | 'now' | 'later'
}

/** What lies between a new station and its first request, in the order in which it has to happen. */
export function gettingStarted(status: StationStatus, keys: readonly RegisteredKey[]): readonly Step[] {
  const { kind } = status.server
  const enrolled = kind !== 'not-configured' && kind !== 'not-enrolled'
  const done: Record<Step['id'], boolean> = {
    server: kind !== 'not-configured',
    enrol: enrolled,
    enable: enrolled && kind !== 'waiting-for-enable',
    key: keys.some((key) => key.state === 'active'),
    duty: status.onDuty,
  }
  const steps = [
    {
      id: 'server',
      title: 'Name the server',
      text: 'The HTTPS address of the debusine server, and its CA where it has its own.',
    },
    {
      id: 'enrol',
      title: 'Enrol this station',
      text: 'Registers it there as a signing worker with a token of its own.',
    },
    {
      id: 'enable',
      title: 'Have it enabled',
      text: 'An administrator of the server enables the worker and gives it keys to serve.',
    },
    { id: 'key', title: 'Register a key', text: 'Plug in the token, choose a key, prove that the token holds it.' },
    { id: 'duty', title: 'Go on duty', text: 'From then on the server sends work here, and this station holds it.' },
  ] as const
  const next = steps.find((step) => !done[step.id])?.id
  return steps.map((step) => ({ ...step, state: done[step.id] ? 'done' : step.id === next ? 'now' : 'later' }))
}
