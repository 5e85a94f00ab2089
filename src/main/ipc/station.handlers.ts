import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { err, ok } from '../../shared/result.ts'
import type { StationStatus } from '../../shared/status.ts'
import { answered, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

const stationExists: Failure = {
  kind: 'refused',
  code: 'station-exists',
  message: 'There is a station in this profile already. It was not touched.',
}

export interface StationBirth {
  readonly status: () => Promise<StationStatus>
  readonly create: (input: {
    readonly stationName: string
    readonly operatorName: string
  }) => Promise<Result<null, Failure>>
}

export function stationBindings(access: StationAccess, birth: StationBirth) {
  return {
    'station.status': bind('station.status', async () => answered(ok(await birth.status()))),
    'station.create': bind('station.create', async (input) =>
      answered(access.current() === null ? await birth.create(input) : err(stationExists)),
    ),
  }
}
