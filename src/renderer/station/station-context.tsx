import { createContext, type ReactNode, use, useEffect, useEffectEvent } from 'react'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { StationApi } from './station-api.ts'

const StationContext = createContext<StationApi | null>(null)

/** Hands the station to every component below, so that a fake can stand in for it. */
export function StationProvider({ station, children }: { readonly station: StationApi; readonly children: ReactNode }) {
  return <StationContext value={station}>{children}</StationContext>
}

export function useStation(): StationApi {
  const station = use(StationContext)
  if (station === null) throw new Error('a screen was rendered outside StationProvider')
  return station
}

/** Calls `listener` with each event of that name for as long as the component is mounted. */
export function useStationEvent<E extends EventName>(name: E, listener: (payload: EventPayload<E>) => void): void {
  const station = useStation()
  const latest = useEffectEvent(listener)
  useEffect(() => station.onEvent(name, (payload) => latest(payload)), [station, name])
}
