import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import type { EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import type { TokenId } from '../../shared/token.ts'
import type { StationApi } from './station-api.ts'
import { useStation, useStationEvent } from './station-context.tsx'
import { failureFrom, valueOf } from './station-failure.ts'
import { useLogProgress } from './use-log-work.ts'

const pageSize = 200

/** Progress of a signing that runs, as last announced. Kept in the query cache so that every screen sees the same. */
export type SigningProgress = EventPayload<'signing.progress'>

export type RequestsView = 'in-hand' | 'done'

export function statusQuery(station: StationApi) {
  return queryOptions({ queryKey: ['status'], queryFn: async () => valueOf(await station.stationStatus(null)) })
}

export function requestsQuery(station: StationApi, view: RequestsView, search: string) {
  return infiniteQueryOptions({
    queryKey: ['requests', 'list', view, search],
    queryFn: async ({ pageParam }) =>
      valueOf(
        await station.requestsList({ view, search: search === '' ? null : search, cursor: pageParam, limit: pageSize }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: (previous) => previous,
  })
}

export function pendingQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['requests', 'next'],
    queryFn: async () => valueOf(await station.requestsNext(null)),
  })
}

/** Asked for every minute while the window is looked at: each answer asks the server. */
export function waitingQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['requests', 'waiting'],
    queryFn: async () => valueOf(await station.waitingList(null)),
    refetchInterval: 60_000,
    staleTime: 30_000,
    retry: false,
  })
}

export function requestQuery(station: StationApi, requestId: RequestId) {
  return queryOptions({
    queryKey: ['requests', 'show', requestId],
    queryFn: async () => valueOf(await station.requestsShow({ requestId })),
  })
}

export function tokensQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['tokens', 'list'],
    queryFn: async () => valueOf(await station.tokensList({ refresh: false })),
  })
}

/** What is on USB. Main tells each change with the whole picture. */
export function devicesQuery(station: StationApi) {
  return queryOptions({ queryKey: ['devices'], queryFn: async () => valueOf(await station.devicesList(null)) })
}

/** Modules may be installed while the window is open. */
export function foundModulesQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['modules'],
    queryFn: async () => valueOf(await station.modulesFind(null)),
    staleTime: 0,
  })
}

export function deviceLogsQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['tokens', 'device-logs'],
    queryFn: async () => valueOf(await station.tokensDeviceLogs(null)),
  })
}

export function keysQuery(station: StationApi) {
  return queryOptions({ queryKey: ['keys', 'registered'], queryFn: async () => valueOf(await station.keysList(null)) })
}

export function generationsQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['keys', 'generations'],
    queryFn: async () => valueOf(await station.generationList(null)),
  })
}

/** Asked of the token each time that a key is to be made: what is taken changes. */
export function abilitiesQuery(station: StationApi, token: TokenId) {
  return queryOptions({
    queryKey: ['tokens', 'abilities', token.serial],
    queryFn: async () => valueOf(await station.generationAbilities({ token })),
  })
}

/** Under the keys': what changes a key may change what is known of it. */
export function attestationsQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['keys', 'attestations'],
    queryFn: async () => valueOf(await station.keysAttestations(null)),
  })
}

export function attestationRootsQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['attestation-roots'],
    queryFn: async () => valueOf(await station.rootsList(null)),
  })
}

export function serviceKeysQuery(station: StationApi) {
  return queryOptions({
    queryKey: ['service-keys'],
    queryFn: async () => valueOf(await station.keysServiceList(null)),
  })
}

export function settingsQuery(station: StationApi) {
  return queryOptions({ queryKey: ['settings'], queryFn: async () => valueOf(await station.settingsGet(null)) })
}

export function progressQuery(requestId: RequestId) {
  return queryOptions<SigningProgress | null>({
    queryKey: ['progress', requestId],
    queryFn: () => null,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Events say that something changed; this throws the old answers away, and the screens ask again for what they show. */
export function useCacheInvalidation(): void {
  const cache = useQueryClient()
  const stale = (...queryKey: readonly string[]) => void cache.invalidateQueries({ queryKey })
  useLogProgress()
  useStationEvent('status.changed', (status) => {
    cache.setQueryData(['status'], status)
    // A checkpoint may have been signed, and an open entry may have its proof now.
    stale('audit', 'checkpoint')
    stale('audit', 'show', 'station')
  })
  useStationEvent('requests.changed', ({ requestId }) => {
    stale('requests', 'list')
    stale('requests', 'next')
    if (requestId === null) stale('requests', 'show')
    else stale('requests', 'show', requestId)
  })
  useStationEvent('signing.progress', (progress) =>
    cache.setQueryData<SigningProgress | null>(['progress', progress.requestId], progress),
  )
  useStationEvent('devices.changed', (state) => cache.setQueryData(['devices'], state))
  useStationEvent('tokens.changed', () => {
    stale('tokens')
    stale('keys')
  })
  useStationEvent('keys.changed', () => {
    stale('keys')
    stale('service-keys')
  })
  useStationEvent('settings.changed', () => {
    stale('settings')
    stale('modules')
  })
}

export type Action<I, O> = {
  /** Never throws; the failure is in the answer and in `failure`. */
  readonly run: (input: I) => Promise<Result<O, Failure>>
  readonly pending: boolean
  readonly failure: Failure | null
  /** What the last run answered; null while none has, and after a failure. */
  readonly value: O | null
  readonly reset: () => void
}

/** One thing that the operator asks of the station. Never retried by itself: a second try is a second decision. */
export function useAction<I, O>(call: (station: StationApi, input: I) => Promise<Result<O, Failure>>): Action<I, O> {
  const station = useStation()
  const mutation = useMutation({
    mutationFn: async (input: I) => valueOf(await call(station, input)),
    retry: false,
    networkMode: 'always',
    // A PIN is among the inputs of some actions: nothing of a finished one stays in the cache.
    gcTime: 0,
  })
  const { mutateAsync, reset } = mutation
  return {
    run: async (input) => {
      try {
        return { ok: true, value: await mutateAsync(input) }
      } catch (cause) {
        return { ok: false, error: failureFrom(cause) }
      }
    },
    pending: mutation.isPending,
    value: mutation.data ?? null,
    failure: mutation.error === null ? null : failureFrom(mutation.error),
    reset,
  }
}
