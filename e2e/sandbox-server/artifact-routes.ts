import { artifactDataProblem, deserializationErrors, namesAreRefused } from './artifact-validation.ts'
import { bytesContent } from './content.ts'
import type { Exchange } from './exchange.ts'
import type { Artifact, FileVersion, StoredFile, Upload } from './model.ts'
import { artifactJson } from './render.ts'
import { json, problem, type Reply } from './reply.ts'
import { daysLater } from './server-clock.ts'
import { inputIds, type ServerState, takeId } from './state.ts'

const noSuchArtifact = problem(404, 'No Artifact matches the given query.')

/** 0.11: every good token sees everything in the scope. 0.16: a worker's own token sees nothing, a work-request token its inputs and outputs. */
export function mayRead({ state, caller }: Pick<Exchange, 'state' | 'caller'>, artifact: Artifact): boolean {
  switch (caller.kind) {
    case 'anonymous':
      return false
    case 'user':
      return true
    case 'worker':
      return state.dialect === '0.11'
    case 'work-request': {
      const { workRequest } = caller
      return inputIds(workRequest).includes(artifact.id) || workRequest.artifacts.includes(artifact.id)
    }
  }
}

export function getArtifact(exchange: Exchange): Reply {
  const { state, params, scope } = exchange
  const artifact = state.artifacts.get(Number(params['id']))
  const workspace = params['workspace']
  if (artifact === undefined || artifact.scope !== scope || !mayRead(exchange, artifact)) return noSuchArtifact
  if (workspace !== undefined && workspace !== artifact.workspace) return noSuchArtifact
  return json(200, artifactJson(state, artifact))
}

export function createArtifact(exchange: Exchange, body: unknown): Reply {
  const { state, caller, scope } = exchange
  const errors = deserializationErrors(body)
  if (errors === 'defect') return problem(400, 'Error')
  if (errors !== null) return problem(400, 'Cannot deserialize artifact', { validation_errors: errors })
  const wanted = body as ArtifactBody
  const workspace = wanted.workspace ?? 'System'
  const sees = caller.kind === 'user' || caller.kind === (state.dialect === '0.11' ? 'worker' : 'work-request')
  if (!sees || state.scopes.get(scope)?.has(workspace) !== true) {
    return problem(404, 'Workspace not found', { detail: `Workspace ${workspace} not found in scope ${scope}` })
  }
  const refusal = workRequestRefusal(exchange, wanted.work_request ?? null)
  if (refusal !== null) return refusal
  const invalid = artifactDataProblem(state.dialect, wanted.category, wanted.data)
  if (invalid !== null) return problem(400, 'Error', { detail: invalid })
  if (namesAreRefused(Object.keys(wanted.files))) {
    return problem(400, 'Error', { detail: { url: ['Enter a valid URL.'] } })
  }
  const delay = wanted.expiration_delay
  if (delay !== undefined && state.dialect === '0.11') return problem(400, 'Error')
  const days = delay === undefined ? 30 : Number.parseInt(delay, 10)
  const artifact = storeUploads(state, { ...wanted, workspace, scope, days })
  return json(201, artifactJson(state, artifact))
}

interface ArtifactBody {
  readonly category: string
  readonly workspace?: string
  readonly data: unknown
  readonly files: Readonly<
    Record<string, { size: number; checksums: { sha256: string }; content_type?: string | null }>
  >
  readonly work_request?: number | null
  readonly expiration_delay?: string
}

function workRequestRefusal({ state, caller }: Exchange, workRequest: number | null): Reply | null {
  if (caller.kind === 'user') return null
  if (workRequest === null) {
    return problem(
      403,
      'If work_request field is empty the WorkRequest must be created using a Token associated to a user',
    )
  }
  if (caller.kind === 'work-request' && caller.workRequest.id !== workRequest) {
    return problem(403, 'Work request mismatch in POST data.')
  }
  return state.workRequests.has(workRequest) ? null : problem(400, `WorkRequest ${workRequest} does not exist`)
}

function storeUploads(
  state: ServerState,
  wanted: ArtifactBody & { readonly workspace: string; readonly scope: string; readonly days: number },
): Artifact {
  const createdAt = state.clock.now()
  const artifact: Artifact = {
    id: takeId(state, 'artifact'),
    scope: wanted.scope,
    workspace: wanted.workspace,
    category: wanted.category,
    data: wanted.data,
    createdAt,
    expireAt: daysLater(createdAt, wanted.days),
    paths: Object.keys(wanted.files),
    files: new Map(),
    uploads: new Map(),
    workRequest: wanted.work_request ?? null,
  }
  for (const [path, file] of Object.entries(wanted.files)) {
    const sha256 = file.checksums.sha256.toLowerCase()
    const contentType = file.content_type ?? null
    const known = file.size === 0 ? emptyFile(sha256) : knownContent(state, wanted, sha256)
    if (known === null) {
      artifact.uploads.set(path, { path, size: file.size, sha256, contentType, received: Buffer.alloc(0) })
    } else {
      artifact.files.set(path, plainFile(path, { ...known, size: file.size, sha256 }, contentType))
    }
  }
  state.artifacts.set(artifact.id, artifact)
  if (wanted.work_request !== undefined && wanted.work_request !== null) {
    state.workRequests.get(wanted.work_request)?.artifacts.push(artifact.id)
  }
  return artifact
}

export function plainFile(path: string, version: FileVersion, contentType: string | null): StoredFile {
  return { path, versions: [version], declares: 'first', downloads: 0, contentType, claimedUrl: null }
}

/** A file whose bytes the workspace has already is complete without being sent. */
function knownContent(
  state: ServerState,
  where: { readonly scope: string; readonly workspace: string },
  sha256: string,
): FileVersion | null {
  for (const artifact of state.artifacts.values()) {
    if (artifact.scope !== where.scope || artifact.workspace !== where.workspace) continue
    for (const file of artifact.files.values()) {
      const version = file.versions.find((version) => version.sha256 === sha256)
      if (version !== undefined) return version
    }
  }
  return null
}

function emptyFile(sha256: string): FileVersion {
  return { content: bytesContent(new Uint8Array()), size: 0, sha256 }
}

export function finishUpload(artifact: Artifact, upload: Upload): void {
  const version = { content: bytesContent(upload.received), size: upload.size, sha256: upload.sha256 }
  artifact.files.set(upload.path, plainFile(upload.path, version, upload.contentType))
  artifact.uploads.delete(upload.path)
}
