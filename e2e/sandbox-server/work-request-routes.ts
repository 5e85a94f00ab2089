import { completionErrors, isResult } from './completion.ts'
import { lintCompletion } from './completion-lint.ts'
import { type Exchange, isObject, shown } from './exchange.ts'
import type { WorkRequest } from './model.ts'
import { workRequestJson } from './render.ts'
import { empty, json, permissionDenied, problem, type Reply } from './reply.ts'
import {
  abortRequest,
  completeRequest,
  copyRequest,
  fetchNext,
  renewToken,
  schedule,
  startRequest,
} from './scheduler.ts'
import { violation } from './state.ts'

const noSuchRequest = problem(404, 'Error', { detail: 'No WorkRequest matches the given query.' })

export function fetchWorkRequest({ state, caller }: Exchange): Reply {
  if (caller.kind !== 'worker') throw new Error('the router lets workers through only')
  const running = [...state.workRequests.values()].find(
    (request) => request.worker === caller.worker.id && request.status === 'running',
  )
  // A fetch is how a dead token is renewed; with a good one it is a mistake.
  const renewal = state.dialect === '0.16' && running?.token === null
  if (running !== undefined && !renewal)
    violation(state, 'fetch-while-holding', `${caller.worker.name} holds ${running.id}`)
  const fetched = fetchNext(state, caller.worker)
  if (fetched.kind === 'nothing') return empty(204)
  const { request } = fetched
  if (state.dialect === '0.16') renewToken(state, request)
  // The answer is made before the state changes: the first fetch still says `pending`.
  const { links, ...body } = workRequestJson(state, request)
  startRequest(state, request)
  return json(200, state.dialect === '0.16' ? { ...body, token: request.token, links } : body)
}

/** The request that this caller may see under this id. */
function visible({ state, caller, params, scope }: Exchange): WorkRequest | null {
  const request = state.workRequests.get(Number(params['id'])) ?? null
  if (request === null) return null
  if (caller.kind === 'work-request' && caller.workRequest !== request) {
    violation(state, 'foreign-work-request', `the token of ${caller.workRequest.id} was used for ${request.id}`)
    return null
  }
  return state.dialect === '0.11' || request.scope === scope ? request : null
}

export function getWorkRequest(exchange: Exchange): Reply {
  const request = visible(exchange)
  return request === null ? noSuchRequest : json(200, workRequestJson(exchange.state, request))
}

const pageSize = 10
const statuses = ['blocked', 'pending', 'running', 'completed', 'aborted']

export function listWorkRequests({ state, caller, query, scope }: Exchange): Reply {
  let requests = [...state.workRequests.values()].filter((request) => request.scope === scope).reverse()
  if (caller.kind === 'work-request') requests = requests.filter((request) => request === caller.workRequest)
  if (state.dialect === '0.16') {
    const status = query.get('status')
    const taskType = query.get('task_type')
    const ids = query.get('ids')
    if (status !== null && !statuses.includes(status)) {
      return problem(400, 'Error', { detail: { status: 'Invalid work request status' } })
    }
    if (status !== null) requests = requests.filter((request) => request.status === status)
    if (taskType !== null) requests = requests.filter((request) => request.taskType === taskType)
    if (ids !== null) requests = requests.filter((request) => ids.split(',').includes(String(request.id)))
  }
  const cursor = new URLSearchParams(Buffer.from(query.get('cursor') ?? '', 'base64').toString('utf8'))
  const position = cursor.get('p')
  const backwards = cursor.get('r') === '1'
  const before = requests.filter((request) => position !== null && request.createdAt > position)
  const after = requests.filter((request) => position === null || request.createdAt < position)
  const page = position !== null && backwards ? before.slice(-pageSize) : after.slice(0, pageSize)
  const first = page[0]
  const last = page.at(-1)
  const link = (parameters: Record<string, string>) => {
    const next = new URLSearchParams(query)
    next.set('cursor', Buffer.from(new URLSearchParams(parameters).toString()).toString('base64'))
    next.sort()
    return `${state.origin}/api/1.0/work-request/?${next.toString()}`
  }
  return json(200, {
    next: last === undefined || requests.at(-1) === last ? null : link({ p: last.createdAt }),
    previous: first === undefined || requests[0] === first ? null : link({ r: '1', p: first.createdAt }),
    results: page.map((request) => workRequestJson(state, request)),
  })
}

/** Users cannot ask for a signature through the API: signing tasks come from workflows only. */
export function createWorkRequest(exchange: Exchange, body: unknown): Reply {
  if (exchange.caller.kind !== 'user') return permissionDenied
  const name = isObject(body) ? shown(body['task_name']) : ''
  const registered =
    'assemblesignedsource, autopkgtest, blhc, debdiff, extractforsigning, lintian, makesourcepackageupload, mergeuploads, mmdebstrap, noop, piuparts, sbuild, simplesystemimagebuild'
  if (registered.split(', ').includes(name)) {
    violation(exchange.state, 'outside-the-sandbox', `a request for ${name}`)
    return problem(501, 'The sandbox does not serve this call', { detail: `a request for ${name}` })
  }
  return problem(400, 'Cannot create work request: task name is not registered', {
    detail: `Task name: "${name}". Registered task names: ${registered}`,
  })
}

export function completeWorkRequest(exchange: Exchange, body: unknown, settleMs: number): Reply {
  const { state, caller, params } = exchange
  const request = state.workRequests.get(Number(params['id']))
  if (state.dialect === '0.16' && caller.kind === 'work-request' && caller.workRequest !== request) {
    violation(state, 'foreign-work-request', `the token of ${caller.workRequest.id} completed ${params['id'] ?? ''}`)
    return permissionDenied
  }
  if (request === undefined) return problem(404, 'Work request not found')
  if (state.dialect === '0.11') {
    const ours = caller.kind === 'worker' && request.worker === caller.worker.id && request.status !== 'aborted'
    if (!ours) return problem(401, 'Invalid worker to update the work request')
  }
  const errors = completionErrors(state.dialect, body)
  if (errors !== null) {
    return problem(400, 'Cannot change work request as completed', { validation_errors: errors })
  }
  const { result, output_data: outputData = null } = body as { result: string; output_data?: unknown }
  if (!isResult(result)) throw new Error('checked above')
  state.record.completions.push({ workRequestId: request.id, result, outputData })
  if (request.status !== 'running') return empty(200) // a second completion is taken and ignored
  lintCompletion(state, request, result)
  if (state.dialect === '0.11') {
    completeRequest(state, request, result, outputData)
  } else {
    // The 200 means "queued": the state follows a little later.
    setTimeout(() => {
      if (request.status === 'running') completeRequest(state, request, result, outputData)
    }, settleMs)
  }
  return empty(200)
}

export function abortWorkRequest(exchange: Exchange): Reply {
  const { state, caller } = exchange
  if (caller.kind !== 'user') return permissionDenied
  const request = visible(exchange)
  if (request === null) return noSuchRequest
  if (!caller.user.owner && request.createdBy !== caller.user) {
    return problem(403, `${caller.user.name} cannot abort ${request.id}`)
  }
  if (request.status === 'completed' || request.status === 'aborted') {
    return problem(400, 'Cannot abort work request', {
      detail: 'Only pending, blocked, or running tasks can be aborted',
    })
  }
  abortRequest(state, request, caller.user.id)
  schedule(state)
  return json(200, workRequestJson(state, request))
}

export function retryWorkRequest(exchange: Exchange): Reply {
  const { state, caller } = exchange
  if (caller.kind !== 'user') return permissionDenied
  const request = visible(exchange)
  if (request === null) return noSuchRequest
  const done = request.status === 'completed' || request.status === 'aborted'
  const retriable = state.dialect === '0.11' ? ['', 'failure'] : ['', 'failure', 'error', 'temporary failure']
  if (!done || !retriable.includes(request.result)) {
    const detail =
      state.dialect === '0.11'
        ? 'Only aborted or failed tasks can be retried'
        : 'Only unsuccessful tasks can be retried'
    return problem(400, 'Cannot retry work request', { detail })
  }
  const copy = copyRequest(state, request, 0)
  const reply = json(200, workRequestJson(state, copy))
  schedule(state)
  return reply
}
