import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { minutesAgo } from './sample-data.ts'

/** The part of the fake station that waits for a person: what main would answer, at once. */
export function fakeWaiting(state: FakeState): Pick<StationApi, 'waitingList' | 'waitingAnswer' | 'waitingTake'> {
  return {
    waitingList: async () =>
      'kind' in state.waiting
        ? { ok: false, error: state.waiting }
        : { ok: true, value: { user: 'zoe', tasks: [...state.waiting], ofOthers: 0, asOf: minutesAgo(0) } },
    waitingAnswer: async ({ workRequestId, confirm }) => {
      if (!('kind' in state.waiting))
        state.waiting = state.waiting.filter((task) => task.workRequestId !== workRequestId)
      const sentence = `The server took the ${confirm ? 'confirmation' : 'refusal'}.`
      return { ok: true, value: { outcome: 'taken', sentence } }
    },
    waitingTake: async () => ({
      ok: false,
      error: { kind: 'refused', code: 'key-not-active', message: 'No such key is registered here.' },
    }),
  }
}
