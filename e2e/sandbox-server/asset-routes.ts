import { extraField } from './completion.ts'
import { type Exchange, isObject, type JsonObject, shown } from './exchange.ts'
import type { Asset, Dialect } from './model.ts'
import { assetJson } from './render.ts'
import { json, problem, type Reply } from './reply.ts'
import { takeId } from './state.ts'

export const signingKeyCategory = 'debusine:signing-key'

export function createAsset(exchange: Exchange, body: unknown): Reply {
  const { state, caller, scope } = exchange
  const wanted = isObject(body) ? body : {}
  const errors: Record<string, string[]> = {}
  for (const field of ['category', 'data']) {
    if (wanted[field] === undefined) errors[field] = ['This field is required.']
  }
  const complaints = wanted['data'] === undefined ? [] : dataComplaints(state.dialect, wanted['data'])
  if (complaints.length > 0) {
    const count = `${complaints.length} validation error${complaints.length === 1 ? '' : 's'} for SigningKeyData`
    errors['data'] = [`invalid asset data: ${count}\n${complaints.join('\n')}`]
  }
  if (Object.keys(errors).length > 0) return problem(400, 'Cannot deserialize asset', { validation_errors: errors })
  const workspace = typeof wanted['workspace'] === 'string' ? wanted['workspace'] : 'System'
  if (state.scopes.get(scope)?.has(workspace) !== true) {
    return problem(404, 'Workspace not found', { detail: `Workspace ${workspace} not found in scope ${scope}` })
  }
  const workRequest = typeof wanted['work_request'] === 'number' ? wanted['work_request'] : null
  if (caller.kind === 'user' && !caller.user.owner) return problem(403, 'Error')
  if (caller.kind === 'work-request' && caller.workRequest.id !== workRequest) return problem(403, 'Error')
  const data = wanted['data'] as Asset['data']
  const same = [...state.assets.values()].find((asset) => asset.data.fingerprint === data.fingerprint)
  if (same !== undefined) {
    // One asset a fingerprint over the whole server, whatever the purpose.
    if (same.data.purpose !== data.purpose) return problem(400, 'Error')
    const { created_at: _, ...again } = assetJson(state, same)
    return json(200, again)
  }
  const asset: Asset = {
    id: takeId(state, 'asset'),
    createdAt: state.clock.now(),
    category: shown(wanted['category']),
    scope,
    workspace,
    data,
    workRequest,
    signers: new Set(),
  }
  state.assets.set(asset.id, asset)
  return json(201, assetJson(state, asset))
}

function dataComplaints(dialect: Dialect, data: unknown): readonly string[] {
  if (!isObject(data)) return ['__root__\n  Input should be a valid dictionary']
  const complaints: string[] = []
  const purposes = dialect === '0.11' ? ['uefi', 'openpgp'] : ['uefi', 'openpgp', 'openpgp-repository']
  const required = ['purpose', 'fingerprint', 'public_key', ...(dialect === '0.16' ? ['description'] : [])]
  for (const field of required) if (data[field] === undefined) complaints.push(missing(dialect, field, data))
  const purpose = data['purpose']
  if (purpose !== undefined && !purposes.some((known) => known === purpose)) {
    const list = purposes.map((known) => `'${known}'`)
    complaints.push(
      dialect === '0.11'
        ? `purpose\n  value is not a valid enumeration member; permitted: ${list.join(', ')}`
        : `purpose\n  Input should be ${list.slice(0, -1).join(', ')} or ${list.at(-1) ?? ''} [type=enum, input_value='${shown(purpose)}', input_type=str]`,
    )
  }
  const known = ['purpose', 'fingerprint', 'public_key', 'description']
  for (const [field, value] of Object.entries(data)) {
    if (!known.includes(field)) complaints.push(extraField(dialect, field, value))
  }
  return complaints
}

function missing(dialect: Dialect, field: string, data: JsonObject): string {
  return dialect === '0.11'
    ? `${field}\n  field required (type=value_error.missing)`
    : `${field}\n  Field required [type=missing, input_value=${JSON.stringify(data)}, input_type=dict]`
}

export function listAssets({ state, query, scope }: Exchange): Reply {
  const id = query.get('asset')
  const workRequest = query.get('work_request')
  const workspace = query.get('workspace')
  if (id === null && workRequest === null && workspace === null) {
    return problem(400, '"asset", "work_request", or "workspace" parameters are mandatory')
  }
  const found = [...state.assets.values()]
    .filter((asset) => asset.scope === scope)
    .filter((asset) => id === null || asset.id === Number(id))
    .filter((asset) => workRequest === null || asset.workRequest === Number(workRequest))
    .filter((asset) => workspace === null || asset.workspace === workspace)
  return json(
    200,
    found.map((asset) => assetJson(state, asset)),
  )
}
