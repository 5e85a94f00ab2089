import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { requestIdOf } from './sample-data.ts'

export type ByHandState = {
  /** Files that were named on the command line. */
  offered: string[]
}

type ByHandApi = Pick<StationApi, 'handOffered' | 'handOpen' | 'handDeliver' | 'pathsOf'>

/** Opening gives the first request that is there, as main gives the new one. */
export function fakeByHand(state: FakeState): ByHandApi {
  return {
    handOffered: async () => {
      const taken = state.offered
      state.offered = []
      return { ok: true, value: [...taken] }
    },
    handOpen: async () => {
      const [first] = state.requests.values()
      return { ok: true, value: { requestId: first?.summary.id ?? requestIdOf(1) } }
    },
    pathsOf: async (files) => files.map((file) => `/home/operator/${file.name}`),
    handDeliver: async () => ({ ok: true, value: null }),
  }
}
