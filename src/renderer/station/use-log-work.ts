import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { AuditSource, VerificationReport } from '../../shared/audit.ts'
import type { Input } from '../../shared/contract.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Result } from '../../shared/result.ts'
import { type Exported, exportQuery, idle, verificationQuery, type Work } from './log-queries.ts'
import type { StationApi } from './station-api.ts'
import { useStation, useStationEvent } from './station-context.tsx'
import { failureFrom } from './station-failure.ts'

export type LogWork<T, I> = {
  readonly work: Work<T>
  readonly start: (input: I) => Promise<void>
  readonly cancel: () => void
  /** Takes a result or a failure out of sight. */
  readonly dismiss: () => void
}

/** The verification of a log, wherever in the window it was begun. */
export function useVerification(source: AuditSource): LogWork<VerificationReport, null> {
  const station = useStation()
  return useWork(
    verificationQuery(source),
    () => station.auditVerify({ source }),
    () => station.auditVerifyCancel(null),
  )
}

export function useExport(): LogWork<Exported, Input<'audit.export'>> {
  const station = useStation()
  return useWork(
    exportQuery,
    (input) => station.auditExport(input),
    () => station.auditExportCancel(null),
  )
}

type Options<T> = { readonly queryKey: readonly unknown[] } & Parameters<typeof useQuery<Work<T>>>[0]

function useWork<T, I>(
  options: Options<T>,
  call: (input: I) => Promise<Result<T, Failure>>,
  stop: () => Promise<unknown>,
): LogWork<T, I> {
  const cache = useQueryClient()
  const { data = idle } = useQuery(options)
  const set = (work: Work<T>) => cache.setQueryData<Work<T>>(options.queryKey, work)
  return {
    work: data,
    async start(input) {
      set(atFirst)
      set(ended(await call(input).catch((cause: unknown) => ({ ok: false as const, error: failureFrom(cause) }))))
    },
    cancel: () => void stop().catch(() => {}),
    dismiss: () => set(idle),
  }
}

const atFirst: Extract<Work<never>, { kind: 'running' }> = { kind: 'running', done: 0, total: null, unit: 'entries' }

/** What was cancelled was wanted so: nothing is left to say. */
function ended<T>(answer: Result<T, Failure>): Work<T> {
  if (answer.ok) return { kind: 'done', value: answer.value }
  return answer.error.code === 'cancelled' ? idle : { kind: 'failed', failure: answer.error }
}

/**
 * Opening or comparing files: work of the screen that asked for it. It ends when the screen goes; `run` gives null when it was
 * cancelled.
 */
export function useReading<T, I>(call: (station: StationApi, input: I) => Promise<Result<T, Failure>>) {
  const station = useStation()
  const [work, setWork] = useState<Work<T>>(idle)
  const isRunning = useRef(false)
  useStationEvent('audit.verify-progress', ({ source, ...progress }) => {
    if (source === 'opened' && isRunning.current) setWork({ kind: 'running', ...progress })
  })
  const cancel = () => void station.auditVerifyCancel(null).catch(() => {})
  useEffect(
    () => () => {
      if (isRunning.current) void station.auditVerifyCancel(null).catch(() => {})
    },
    [station],
  )
  return {
    work,
    cancel,
    dismiss: () => setWork((before) => (before.kind === 'running' ? before : idle)),
    async run(input: I): Promise<Result<T, Failure> | null> {
      isRunning.current = true
      setWork(atFirst)
      const answer = await call(station, input).catch((cause: unknown) => ({
        ok: false as const,
        error: failureFrom(cause),
      }))
      isRunning.current = false
      const end = ended(answer)
      setWork(end)
      return end.kind === 'idle' ? null : answer
    },
  }
}

/** Carries main's progress to whoever looks. Once in a window. */
export function useLogProgress(): void {
  const cache = useQueryClient()
  function moved(queryKey: readonly unknown[], progress: Omit<typeof atFirst, 'kind'>): void {
    cache.setQueryData<Work<unknown>>(queryKey, (before) =>
      before?.kind === 'running' ? { kind: 'running', ...progress } : before,
    )
  }
  useStationEvent('audit.verify-progress', ({ source, ...progress }) =>
    moved(verificationQuery(source).queryKey, progress),
  )
  useStationEvent('audit.export-progress', ({ entries, total }) =>
    moved(exportQuery.queryKey, { done: entries, total, unit: 'entries' }),
  )
}
