import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import type { Station } from '../station/station.ts'

export const stationAbsent: Failure = {
  kind: 'refused',
  code: 'station-absent',
  message: 'There is no station in this profile yet. Create it first.',
}
export const readOnly: Failure = {
  kind: 'refused',
  code: 'log-not-trusted',
  message:
    'The audit log did not pass its check, so this station is for reading only. Nothing is signed. Keep the files as they are and restore the log from a copy that passes.',
}

type Answered<T> = { ok: true; value: T } | { ok: false; error: Failure }

/** A failure as it may leave main: `detail` is for the log, not for the window. */
export function answered<T>(result: Result<T, Failure>): Answered<T> {
  if (result.ok) return { ok: true, value: result.value }
  const { kind, code, message } = result.error
  return { ok: false, error: { kind, code, message } }
}

export interface StationAccess {
  /** Null until a station was created or opened. */
  readonly current: () => Station | null
}

/** For what only reads. */
export async function reading<T>(
  access: StationAccess,
  work: (station: Station) => Promise<Result<T, Failure>>,
): Promise<Answered<T>> {
  const station = access.current()
  return station === null ? { ok: false, error: stationAbsent } : answered(await work(station))
}

/** For everything that changes something: refused while the log is not trusted. */
export async function changing<T>(
  access: StationAccess,
  work: (station: Station) => Promise<Result<T, Failure>>,
): Promise<Answered<T>> {
  const station = access.current()
  if (station === null) return { ok: false, error: stationAbsent }
  return station.logState.kind === 'whole' ? answered(await work(station)) : { ok: false, error: readOnly }
}
