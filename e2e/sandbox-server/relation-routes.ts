import { mayRead } from './artifact-routes.ts'
import { type Exchange, isObject, shown } from './exchange.ts'
import type { Artifact, Relation } from './model.ts'
import { json, problem, type Reply } from './reply.ts'
import { takeId } from './state.ts'

const types = ['extends', 'relates-to', 'built-using']

export function createRelation(exchange: Exchange, body: unknown): Reply {
  const { state } = exchange
  const values = isObject(body) ? body : {}
  const errors: Record<string, string[]> = {}
  const visible = (field: string): Artifact | null => {
    const id = values[field]
    if (id === undefined) {
      errors[field] = ['This field is required.']
      return null
    }
    const artifact = typeof id === 'number' ? state.artifacts.get(id) : undefined
    if (artifact !== undefined && artifact.scope === exchange.scope && mayRead(exchange, artifact)) return artifact
    errors[field] = [`Invalid pk "${shown(id)}" - object does not exist.`]
    return null
  }
  const artifact = visible('artifact')
  const target = visible('target')
  const type = values['type']
  if (type === undefined) errors['type'] = ['This field is required.']
  else if (!types.some((known) => known === type)) errors['type'] = [`"${shown(type)}" is not a valid choice.`]
  if (artifact === null || target === null || typeof type !== 'string' || Object.keys(errors).length > 0) {
    return problem(400, 'Cannot deserialize artifact relation', { validation_errors: errors })
  }
  if (state.dialect === '0.16') {
    if (artifact.uploads.size > 0) {
      return problem(400, `Cannot create relation: source artifact ${artifact.id} is incomplete`)
    }
    if (target.uploads.size > 0) {
      return problem(400, `Cannot create relation: target artifact ${target.id} is incomplete`)
    }
  }
  const same = state.relations.find(
    (relation) => relation.artifact === artifact.id && relation.target === target.id && relation.type === type,
  )
  if (same !== undefined) return json(200, relationJson(same))
  const relation = { id: takeId(state, 'relation'), artifact: artifact.id, target: target.id, type }
  state.relations.push(relation)
  return json(201, relationJson(relation))
}

export function listRelations(exchange: Exchange): Reply {
  const { state, query } = exchange
  const source = query.get('artifact')
  const target = query.get('target_artifact')
  if (source === null && target === null) {
    return problem(400, '"artifact" or "target_artifact" parameter are mandatory')
  }
  const id = Number(source ?? target)
  const artifact = state.artifacts.get(id)
  if (artifact === undefined || artifact.scope !== exchange.scope || !mayRead(exchange, artifact)) {
    return problem(404, 'No Artifact matches the given query.')
  }
  const found = state.relations.filter((relation) => (source === null ? relation.target : relation.artifact) === id)
  return json(200, found.map(relationJson))
}

function relationJson({ id, artifact, target, type }: Relation): Record<string, unknown> {
  return { id, artifact, target, type }
}
