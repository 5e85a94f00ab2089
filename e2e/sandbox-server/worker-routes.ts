import { type Exchange, isObject, type JsonObject, shown } from './exchange.ts'
import type { Worker } from './model.ts'
import { lintOffer } from './offer-lint.ts'
import { empty, json, problem, type Reply } from './reply.ts'
import { schedule } from './scheduler.ts'
import { heldBy, type ServerState, takeId, violation } from './state.ts'

export function whoami({ state, caller }: Exchange): Reply {
  const user = caller.kind === 'user' ? caller.user.name : '<anonymous>'
  const auth = caller.kind !== 'anonymous'
  const worker = caller.kind === 'worker'
  if (state.dialect === '0.11') return json(200, { user, auth, worker_token: worker })
  const workRequest = caller.kind === 'work-request' ? caller.workRequest.id : null
  return json(200, { user, auth, work_request: workRequest, worker })
}

export function serviceStatus({ state }: Exchange): Reply {
  const requests = [...state.workRequests.values()]
  const count = (type: string) => ({
    pending: requests.filter((request) => request.taskType === type && request.status === 'pending').length,
    running: requests.filter((request) => request.taskType === type && request.status === 'running').length,
  })
  const types = ['Worker', 'Server', 'Internal', 'Workflow', 'Signing', 'Wait']
  const workers = [...state.workers.values()]
  const busy = workers.filter((worker) => worker.connected && heldBy(state, worker) !== null).length
  const connected = workers.filter((worker) => worker.connected).length
  const nobody = { registered: 0, connected: 0, idle: 0, busy: 0 }
  return json(200, {
    tasks: Object.fromEntries(types.map((type) => [type, count(type)])),
    workers: {
      external: nobody,
      celery: nobody,
      signing: { registered: workers.length, connected, idle: connected - busy, busy },
    },
    worker_tasks: { external: count('Worker'), celery: count('Server'), signing: count('Signing') },
    external_workers_arch: {},
    [state.dialect === '0.11' ? 'external_workers_host_arch' : 'external_workers_native_arch']: {},
    worker_tasks_arch: {},
  })
}

export function registerWorker({ state, token: header }: Exchange, body: unknown): Reply {
  const errors = registrationErrors(body)
  if (errors !== null) return problem(400, 'Cannot deserialize worker', { validation_errors: errors })
  const { token, fqdn } = body as { token: string; fqdn: string }
  if (state.everRegistered.has(token) || state.tokens.has(token)) {
    // The real 0.11.3 never answers this and hangs as a whole; the sandbox answers and remembers.
    violation(state, 'token-sent-twice', `the token of ${fqdn} was registered before`)
    return problem(400, 'Error')
  }
  const activation = state.dialect === '0.16' && header?.kind === 'activation' ? header : null
  if (activation?.used === true) return problem(400, 'Invalid worker activation token')
  state.everRegistered.add(token)
  let worker = activation?.worker
  if (activation !== null && worker !== undefined) {
    activation.used = true
    worker.token = token
    worker.enabled = true
  } else {
    worker = addWorker(state, fqdn, token)
  }
  state.tokens.set(token, { kind: 'worker', worker })
  state.record.registrations.push({ fqdn, worker: worker.name })
  return empty(201)
}

/** Named after the host: dots become dashes, `-2`, `-3` … if the name is taken. */
export function addWorker(state: ServerState, fqdn: string, token: string): Worker {
  const wanted = fqdn.replaceAll('.', '-')
  const taken = new Set([...state.workers.values()].map((worker) => worker.name))
  let name = wanted
  for (let n = 2; taken.has(name); n += 1) name = `${wanted}-${n}`
  const worker: Worker = {
    id: takeId(state, 'worker'),
    name,
    token,
    enabled: false,
    dynamicMetadata: {},
    toldMetadata: false,
    staticMetadata: {},
    connected: false,
  }
  state.workers.set(worker.id, worker)
  return worker
}

function registrationErrors(body: unknown): JsonObject | null {
  if (!isObject(body)) {
    const was = Array.isArray(body) ? 'list' : body === null ? 'NoneType' : typeof body === 'string' ? 'str' : 'int'
    return { non_field_errors: [`Invalid data. Expected a dictionary, but got ${was}.`] }
  }
  const errors: Record<string, string[]> = {}
  for (const [field, limit] of [
    ['token', 64],
    ['fqdn', 400],
  ] as const) {
    const value = body[field]
    if (value === undefined) errors[field] = ['This field is required.']
    else if (typeof value !== 'string') errors[field] = ['Not a valid string.']
    else if (value === '') errors[field] = ['This field may not be blank.']
    else if (value.length > limit) errors[field] = [`Ensure this field has no more than ${limit} characters.`]
  }
  const type = body['worker_type'] ?? 'external'
  if (type !== 'external' && type !== 'celery' && type !== 'signing') {
    errors['worker_type'] = [`"${shown(type)}" is not a valid choice.`]
  }
  return Object.keys(errors).length === 0 ? null : errors
}

export function setMetadata({ state, caller }: Exchange, body: unknown): Reply {
  if (caller.kind !== 'worker') throw new Error('the router lets workers through only')
  if (!isObject(body)) {
    return problem(400, 'Error', state.dialect === '0.11' ? {} : { detail: ['Request data must be a JSON object.'] })
  }
  lintOffer(state, body)
  caller.worker.dynamicMetadata = body
  caller.worker.toldMetadata = true
  state.record.metadata.push({ worker: caller.worker.name, value: body })
  // 0.16 waits for its next periodic run; 0.11 looks at once.
  if (state.dialect === '0.11') schedule(state)
  return empty(204)
}
