import type { Worker, WorkRequest } from './model.ts'
import { providedByRequest } from './render.ts'
import { effectiveTags, metadataFits, requiredTags, strings } from './scheduler-tags.ts'
import { heldBy, newToken, type ServerState, takeId } from './state.ts'

/** Gives each connected worker that holds nothing the first request that it can do: by priority, then by age. */
export function schedule(state: ServerState): void {
  for (const worker of state.workers.values()) {
    if (!worker.enabled || !worker.connected || heldBy(state, worker) !== null) continue
    const next = [...state.workRequests.values()]
      .filter((request) => request.status === 'pending' && request.worker === null && request.taskType === 'Signing')
      .filter((request) => canRun(state, worker, request))
      .sort(byPriorityThenAge)[0]
    if (next === undefined) continue
    next.worker = worker.id
    next.dynamicTaskData ??= resolveLookups(state, next)
    state.onAssigned(worker)
  }
}

function byPriorityThenAge(a: WorkRequest, b: WorkRequest): number {
  const priority = (request: WorkRequest) => request.priorityBase + request.priorityAdjustment
  return priority(b) - priority(a) || (a.createdAt < b.createdAt ? -1 : 1)
}

export function canRun(state: ServerState, worker: Worker, request: WorkRequest): boolean {
  const denied = strings(worker.staticMetadata['tasks_denylist'])
  const allowed = worker.staticMetadata['tasks_allowlist']
  if (denied.includes(request.taskName)) return false
  if (allowed !== undefined && !strings(allowed).includes(request.taskName)) return false
  if (state.dialect === '0.11') return metadataFits(worker, request)
  const tags = effectiveTags(worker)
  const provided = providedByRequest(state, request)
  return (
    requiredTags(request).every((tag) => tags.has(tag)) &&
    strings(worker.staticMetadata['required_tags']).every((tag) => provided.includes(tag))
  )
}

function resolveLookups(state: ServerState, request: WorkRequest): Record<string, unknown> {
  const modern = state.dialect === '0.16'
  const unsigned = request.taskData['unsigned']
  if (typeof unsigned === 'number') {
    return { unsigned_id: unsigned, ...(modern ? { task_input_fields: { task_configuration: null } } : {}) }
  }
  if (!Array.isArray(unsigned)) return modern ? { task_input_fields: { task_configuration: null } } : {}
  const artifacts = (unsigned as readonly number[]).map((id) => state.artifacts.get(id)).filter((a) => a !== undefined)
  const fields = {
    unsigned: {
      label: 'unsigned',
      lookup: unsigned as unknown,
      artifacts: artifacts.map((a) => ({ data: a.data, category: a.category, artifact_id: a.id })),
    },
    task_configuration: null,
  }
  return {
    unsigned_ids: artifacts.map((artifact) => artifact.id),
    ...(modern ? { task_input_fields: fields } : {}),
    unsigned_binary_package_names: artifacts.map(
      ({ data }) => (data as { binary_package_name?: string | null }).binary_package_name ?? null,
    ),
  }
}

export type Fetched = { readonly kind: 'nothing' } | { readonly kind: 'request'; readonly request: WorkRequest }

/** The worker asks for its request. Asking while one runs means to the server that the worker lost it. */
export function fetchNext(state: ServerState, worker: Worker): Fetched {
  const held = heldBy(state, worker)
  if (held === null) return { kind: 'nothing' }
  if (held.status === 'pending') return { kind: 'request', request: held }
  const retries = Number(held.workflowData['retry_count'] ?? 0)
  if (state.dialect === '0.16' && held.artifacts.length === 0 && retries < 3) {
    held.workflowData = { ...held.workflowData, retry_count: retries + 1 }
    return { kind: 'request', request: held }
  }
  abortRequest(state, held, null)
  const copies = state.dialect === '0.11' || held.artifacts.length > 0
  if (copies && retries < 3) copyRequest(state, held, retries + 1)
  schedule(state)
  return { kind: 'nothing' }
}

/** 0.16: a fresh token for this request; the one before is dead. 0.11 has none. */
export function renewToken(state: ServerState, request: WorkRequest): void {
  revokeToken(state, request)
  request.token = newToken()
  state.tokens.set(request.token, { kind: 'work-request', workRequest: request })
}

export function revokeToken(state: ServerState, request: WorkRequest): void {
  if (request.token !== null) state.tokens.delete(request.token)
  request.token = null
}

export function startRequest(state: ServerState, request: WorkRequest): void {
  request.status = 'running'
  request.startedAt ??= state.clock.now()
}

export function completeRequest(state: ServerState, request: WorkRequest, result: string, outputData: unknown): void {
  request.status = 'completed'
  request.result = result
  request.outputData = outputData
  request.completedAt = state.clock.now()
  revokeToken(state, request)
  schedule(state)
}

/** By a user the worker is taken off the request; by the server (a lost request) it stays named. */
export function abortRequest(state: ServerState, request: WorkRequest, byUser: number | null): void {
  request.status = 'aborted'
  request.completedAt = state.clock.now()
  request.abortedBy = byUser
  if (byUser !== null) request.worker = null
  revokeToken(state, request)
}

export function copyRequest(state: ServerState, from: WorkRequest, retryCount: number): WorkRequest {
  const copy: WorkRequest = {
    ...from,
    id: takeId(state, 'workRequest'),
    createdAt: state.clock.now(),
    dynamicTaskData: null,
    status: 'pending',
    result: '',
    worker: null,
    startedAt: null,
    completedAt: null,
    abortedBy: null,
    completedBy: null,
    workflowData: { ...from.workflowData, retry_count: retryCount },
    artifacts: [],
    token: null,
    outputData: null,
  }
  state.workRequests.set(copy.id, copy)
  return copy
}
