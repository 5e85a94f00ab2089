import type { Exchange } from './exchange.ts'
import { isObject } from './exchange.ts'
import type { WorkRequest } from './model.ts'
import { workRequestJson } from './render.ts'
import { json, problem, type Reply } from './reply.ts'
import { abortRequest, completeRequest, schedule } from './scheduler.ts'

const noSuchRequest = problem(404, 'Error', { detail: 'No WorkRequest matches the given query.' })

/** The running task of this kind under this id, or why there is none. */
function waiting(exchange: Exchange, name: 'externaldebsign' | 'confirm', shown: string): WorkRequest | Reply {
  const { state, params, scope } = exchange
  const request = state.workRequests.get(Number(params['id']))
  if (request === undefined || (state.dialect === '0.16' && request.scope !== scope)) return noSuchRequest
  if (request.taskType !== 'Wait' || request.taskName !== name) {
    return problem(400, 'Error', {
      detail: [`Expected work request to be Wait/${shown}; got ${request.taskType}/${request.taskName}`],
    })
  }
  if (request.status !== 'running')
    return problem(400, 'Error', { detail: [`Work request is not running. Status: ${request.status}`] })
  return request
}

function isReply(value: WorkRequest | Reply): value is Reply {
  return !('taskName' in value)
}

/** Its lookup is resolved here, and on 0.11 nowhere else. */
function externalDebsignJson(exchange: Exchange, request: WorkRequest): Record<string, unknown> {
  return {
    ...workRequestJson(exchange.state, request),
    dynamic_task_data: { unsigned_id: request.taskData['unsigned'] },
  }
}

export function getExternalDebsign(exchange: Exchange): Reply {
  const request = waiting(exchange, 'externaldebsign', 'ExternalDebsign')
  return isReply(request) ? request : json(200, externalDebsignJson(exchange, request))
}

/** Rights come first, then whether it waits, then what is handed in: the order that tells a creator without changing anything. */
export function provideSignature(exchange: Exchange, body: unknown): Reply {
  const { state, caller, params } = exchange
  const named = state.workRequests.get(Number(params['id']))
  if (named !== undefined && (caller.kind !== 'user' || named.createdBy !== caller.user)) {
    return problem(403, 'Error', {
      detail: 'Only the user who created the work request can provide a signature',
    })
  }
  const request = waiting(exchange, 'externaldebsign', 'ExternalDebsign')
  if (isReply(request)) return request
  const refused = (text: string) =>
    problem(400, 'Cannot deserialize work request', { validation_errors: { signed_artifact: [text] } })
  const id = isObject(body) ? body['signed_artifact'] : undefined
  if (typeof id !== 'number') return refused('This field is required.')
  const signed = state.artifacts.get(id)
  if (signed === undefined) return refused(`Invalid pk "${id}" - object does not exist.`)
  if (signed.category !== 'debian:upload')
    return refused(`Expected signed artifact of category debian:upload; got ${signed.category}`)
  if (signed.workRequest !== null) return refused('Signed artifact must not have been created by a work request')
  const unsigned = state.artifacts.get(Number(request.taskData['unsigned']))
  const digests = (artifact: typeof unsigned) =>
    new Map(
      [...(artifact?.paths ?? [])].map((path) => [
        path,
        artifact?.files.get(path)?.versions[0]?.sha256 ?? artifact?.uploads.get(path)?.sha256 ?? '',
      ]),
    )
  const before = digests(unsigned)
  const after = digests(signed)
  const wrong = (text: string) => problem(400, 'Error', { detail: [text] })
  const added = [...after.keys()].filter((path) => !before.has(path)).sort()
  if (added.length > 0) {
    return wrong(`Signed upload adds extra files when compared to unsigned upload. New paths: ${pythonList(added)}`)
  }
  const changed = [...after].filter(([path, sha256]) => before.get(path) !== sha256).map(([path]) => path)
  if (!changed.some((path) => path.endsWith('.changes')))
    return wrong('Signed upload does not change the .changes file')
  if (!changed.every((path) => /\.(?:changes|dsc|buildinfo)$/.test(path))) {
    return wrong(
      `Signed upload changes more than .changes/.dsc/.buildinfo. Changed paths: ${pythonList(changed.sort())}`,
    )
  }
  const relation = state.next.relation++
  state.relations.push({
    id: relation,
    artifact: signed.id,
    target: Number(request.taskData['unsigned']),
    type: 'relates-to',
  })
  signed.workRequest = request.id
  request.artifacts.push(signed.id)
  request.completedBy = request.createdBy.id
  completeRequest(state, request, 'success', null)
  return json(200, externalDebsignJson(exchange, request))
}

function pythonList(paths: readonly string[]): string {
  return `[${paths.map((path) => `'${path}'`).join(', ')}]`
}

/** Left out means yes: the real server says so too. */
export function confirmTask(exchange: Exchange, body: unknown): Reply {
  const { state, caller } = exchange
  if (caller.kind !== 'user') throw new Error('the router lets users through only')
  const request = waiting(exchange, 'confirm', 'Confirm')
  if (isReply(request)) return request
  const { user } = caller
  if (!user.owner && request.createdBy !== user) return problem(403, `${user.name} cannot confirm ${request.id}`)
  const fields = isObject(body) ? body : {}
  const invalid = (field: string, text: string) =>
    problem(400, 'Cannot deserialize work request confirmation', { validation_errors: { [field]: [text] } })
  const { confirm = true, comment } = fields
  if (typeof confirm !== 'boolean') return invalid('confirm', 'Must be a valid boolean.')
  if (comment !== undefined && (typeof comment !== 'string' || comment.trim() === ''))
    return invalid('comment', typeof comment === 'string' ? 'This field may not be blank.' : 'Not a valid string.')
  const output = { confirmation: { confirmed: confirm, comment: comment ?? null } }
  const deny = request.taskData['deny_action'] ?? 'abort-workflow'
  if (confirm || deny === 'fail') {
    request.completedBy = user.id
    completeRequest(state, request, confirm ? 'success' : 'failure', output)
  } else {
    const { workflow } = request
    request.outputData = output
    for (const each of state.workRequests.values()) {
      const ofWorkflow = workflow !== null && (each.id === workflow || each.workflow === workflow)
      const ended = each.status === 'completed' || each.status === 'aborted'
      if (each === request || (deny === 'abort-workflow' && ofWorkflow && !ended)) abortRequest(state, each, user.id)
    }
    schedule(state)
  }
  return json(200, workRequestJson(state, request))
}

/** The real 0.16.2 has a defect here, and answers a page. */
export function getConfirm(): Reply {
  return {
    status: 500,
    headers: {},
    body: { kind: 'html', text: '<!doctype html>\n<html lang="en"><h1>Server Error (500)</h1></html>\n' },
  }
}
