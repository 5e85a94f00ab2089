import type { StandingApproval } from '../../shared/standing.ts'
import type { StationApi } from '../station/station-api.ts'
import type { FakeState } from './fake-station.ts'
import { minutesAgo, requestIdOf } from './sample-data.ts'

export type StandingState = { standing: readonly StandingApproval[] }

type StandingApi = Pick<StationApi, 'standingList' | 'standingGrant' | 'standingWithdraw'>

/** Grants what is asked, as if the token had taken the PIN. */
export function fakeStanding(state: FakeState, changed: () => void): StandingApi {
  return {
    standingList: async () => ({ ok: true, value: [...state.standing] }),
    standingGrant: async ({ requestId, uses, minutes }) => {
      const sheet = state.requests.get(requestId)?.sheet
      const granted: StandingApproval = {
        id: requestIdOf(900 + state.standing.length),
        purpose: sheet?.purpose ?? 'openpgp-repository',
        fingerprint: sheet?.key.fingerprint ?? ('C3'.repeat(32) as StandingApproval['fingerprint']),
        keyDescription: sheet?.key.registered?.description ?? '',
        scope: 'forky',
        uses,
        used: 0,
        grantedAt: minutesAgo(0),
        endsAt: minutesAgo(-minutes),
        operator: state.settings.operatorName,
        lockSeen: true,
      }
      state.standing = [...state.standing, granted]
      changed()
      return { ok: true, value: granted }
    },
    standingWithdraw: async ({ id }) => {
      state.standing = state.standing.filter((each) => each.id !== id)
      changed()
      return { ok: true, value: null }
    },
  }
}
