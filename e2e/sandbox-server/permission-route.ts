import { signingKeyCategory } from './asset-routes.ts'
import { type Exchange, isObject, shown } from './exchange.ts'
import type { Artifact, WorkRequest } from './model.ts'
import { json, problem, type Reply } from './reply.ts'
import { inputIds, type ServerState } from './state.ts'

/** The server's last word before a signature: may the creator of the request sign this artifact with this key? */
export function checkPermission(exchange: Exchange, body: unknown): Reply {
  const { state, params, scope } = exchange
  const { category = '', slug = '', permission = '' } = params
  const values = isObject(body) ? body : {}
  const missing = ['artifact_id', 'work_request_id', 'workspace'].filter((field) => values[field] === undefined)
  if (missing.length > 0) {
    const errors = Object.fromEntries(missing.map((field) => [field, ['This field is required.']]))
    return problem(400, 'Cannot deserialize permission check request', { validation_errors: errors })
  }
  if (category !== signingKeyCategory) {
    return problem(404, `Malformed asset_slug: No slug defined for category '${category}'`)
  }
  const colon = slug.indexOf(':')
  if (colon === -1) return problem(404, 'Malformed asset_slug: not enough values to unpack (expected 2, got 1)')
  const asset = [...state.assets.values()].find(
    ({ data }) => data.purpose === slug.slice(0, colon) && data.fingerprint === slug.slice(colon + 1),
  )
  if (asset === undefined) return problem(404, 'Asset matching query does not exist.')
  const workspace = shown(values['workspace'])
  if (state.dialect === '0.16' && state.scopes.get(scope)?.has(workspace) !== true) {
    return problem(404, 'Workspace not found', { detail: `Workspace ${workspace} not found in scope ${scope}` })
  }
  const request = state.workRequests.get(Number(values['work_request_id']))
  if (request === undefined) return problem(400, 'WorkRequest matching query does not exist.')
  if (request.workspace !== workspace) return problem(400, 'workspace does not match work request')
  if (permission !== 'sign_with' && !(state.dialect === '0.16' && permission === 'sign_repository_with')) {
    return problem(400, `Unknown permission '${permission}'`)
  }
  const artifact = state.artifacts.get(Number(values['artifact_id']))
  if (artifact === undefined) return problem(400, 'Artifact matching query does not exist.')
  const refusal = notAnInput(state, request, artifact)
  if (refusal !== null) return refusal
  const resource = resourceOf(state, artifact)
  if (resource === null) {
    return problem(400, 'Cannot serialize permission check result', {
      validation_errors: { resource: { package: ['This field may not be null.'] } },
    })
  }
  const { name, id } = request.createdBy
  const hasPermission = asset.signers.has(name)
  const key = `${asset.data.purpose}:${asset.data.fingerprint}`
  state.record.permissionChecks.push({ workRequestId: request.id, artifactId: artifact.id, key, hasPermission })
  return json(200, { has_permission: hasPermission, username: name, user_id: id, resource })
}

function notAnInput(state: ServerState, request: WorkRequest, artifact: Artifact): Reply | null {
  if (inputIds(request).length === 0) return problem(400, 'Error') // unassigned, or without inputs: the real server trips over it
  if (inputIds(request).includes(artifact.id)) return null
  if (state.dialect === '0.16') {
    return problem(403, `${request.createdBy.name} cannot display artifact ${artifact.id}`)
  }
  const workspace = [...(state.scopes.get(artifact.scope) ?? [])].indexOf(artifact.workspace) + 1
  const text = `Id: ${artifact.id} Category: ${artifact.category} Workspace: ${workspace} is not an input to ${request.id}`
  return problem(400, text)
}

/** What is to be signed, in words of the server; null: it cannot say, and so the artifact can never be signed. */
function resourceOf(state: ServerState, artifact: Artifact): Record<string, string> | null {
  const data = isObject(artifact.data) ? artifact.data : {}
  if (artifact.category === 'debian:repository-index') return { path: shown(data['path']) }
  if (artifact.category === 'debian:upload') {
    const fields = isObject(data['changes_fields']) ? data['changes_fields'] : {}
    const field = (name: string) => shown(fields[name])
    return {
      architecture: field('Architecture'),
      source: field('Source'),
      version: field('Version'),
      distribution: field('Distribution'),
    }
  }
  const packages = state.relations
    .filter((relation) => relation.artifact === artifact.id)
    .map((relation) => state.artifacts.get(relation.target))
    .filter((target) => target?.category === 'debian:binary-package')
  const name = data['binary_package_name']
  const only = packages.length === 1 ? packages[0] : undefined
  if (only === undefined) return typeof name === 'string' ? { package: name } : null
  const binary = only.data as {
    readonly srcpkg_name: string
    readonly deb_fields: { readonly Package: string; readonly Architecture: string; readonly Version: string }
  }
  const { Package, Architecture, Version } = binary.deb_fields
  return { package: Package, source: binary.srcpkg_name, architecture: Architecture, version: Version }
}
