import { queryOptions, useQueryClient } from '@tanstack/react-query'
import type { CeremonyId } from '../../shared/ceremony.ts'
import type { StationApi } from './station-api.ts'
import { useStationEvent } from './station-context.tsx'
import { valueOf } from './station-failure.ts'

export function ceremoniesQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['ceremony', 'list'],
    queryFn: async () => valueOf(await station.ceremonyList(null)),
  })
}

export function ceremonyQuery(station: StationApi, id: CeremonyId) {
  return queryOptions({
    queryKey: ['ceremony', 'show', id],
    queryFn: async () => valueOf(await station.ceremonyShow({ id })),
  })
}

export function readyScriptsQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['ceremony-scripts'],
    queryFn: async () => valueOf(await station.ceremonyScripts(null)),
  })
}

/** Every record of a ceremony is an entry of the log. */
export function useCeremonyInvalidation(): void {
  const cache = useQueryClient()
  useStationEvent('audit.changed', () => void cache.invalidateQueries({ queryKey: ['ceremony'] }))
}
