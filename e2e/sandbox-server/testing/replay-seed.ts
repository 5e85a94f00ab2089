import { WebSocket } from 'ws'
import type { SandboxServer } from '../sandbox-server.ts'
import type { SigningInput } from '../seed.ts'
import { httpsCall } from './https-call.ts'
import { answersOf, artifactsOf, type RecordedWorkRequest, type Recording, workRequestsOf } from './recording.ts'
import type { Translation } from './translation.ts'

/** Makes in the sandbox what was there before the recorded calls: requests, their inputs, packages and keys. */
export interface Seeder {
  /** All requests up to this one, in the order of their ids, so that the scheduler sees them as they were. */
  upTo(id: number): Promise<void>
}

const creators = { 2: 'operator', 3: 'submitter', 4: 'intruder' } as const

export function createSeeder(recording: Recording, sandbox: SandboxServer, translation: Translation): Seeder {
  const requests = workRequestsOf(recording)
  const artifacts = artifactsOf(recording)
  const places = scopesOf(recording)
  for (const [workspace, scope] of places) {
    // A scope and its workspace come into being with the first thing in them.
    sandbox.addWorkRequest({ taskName: 'noop', taskData: {}, status: 'blocked', scope, workspace })
  }
  seedKeys(recording, [...requests.values()], sandbox, places)

  async function seedInput(id: number, index: number, request: RecordedWorkRequest): Promise<void> {
    if (translation.knows('artifact', id)) return
    const recorded = artifacts.get(id)
    const input: SigningInput = {
      files: Object.entries(recorded?.files ?? {}).map(([name, file]) => ({
        name,
        bytes: new Uint8Array(file.size),
        claimedSha256: file.checksums.sha256,
      })),
      ...inputData(recording, id, index, request),
    }
    const actual = await sandbox.addSigningInput({ ...input, workspace: request.workspace })
    translation.learn('artifact', id, actual)
    const related = sandbox.relations.find((relation) => relation.artifact === actual)?.target
    // The package that an input relates to was made right before it, there and here.
    if (related !== undefined && !translation.knows('artifact', id - 1)) translation.learn('artifact', id - 1, related)
  }

  function seedUpload(id: number, workspace: string): void {
    if (translation.knows('artifact', id)) return
    const recorded = artifacts.get(id)
    const files = Object.entries(recorded?.files ?? {}).map(([name, file]) => ({
      name,
      bytes: new Uint8Array(file.size),
      claimedSha256: file.checksums.sha256,
    }))
    translation.learn('artifact', id, sandbox.addUpload({ data: recorded?.data ?? {}, files, workspace }))
  }

  /** What no worker gets: as it was when it was first seen. */
  function aside(request: RecordedWorkRequest): Partial<Parameters<SandboxServer['addWorkRequest']>[0]> {
    const root = request.workflow_root ?? null
    return {
      status: 'running',
      workflowData: translation.json(request.workflow_data, null) as Record<string, unknown>,
      eventReactions: translation.json(request.event_reactions, null) as Record<string, unknown>,
      unscheduled: request.scheduler_tags_required?.length === 0,
      dynamicTaskData: translation.json(request.dynamic_task_data, null) as Record<string, unknown> | null,
      ...(root === null || root === request.id ? {} : { workflow: translation.id('work-request', root) }),
    }
  }

  async function seed(request: RecordedWorkRequest): Promise<void> {
    const unsigned = request.task_data['unsigned']
    const uploaded = request.task_name === 'externaldebsign' ? unsigned : request.task_data['source_artifact']
    if (typeof uploaded === 'number') seedUpload(uploaded, request.workspace)
    for (const [index, id] of (Array.isArray(unsigned) ? (unsigned as number[]) : []).entries()) {
      await seedInput(id, index, request)
    }
    const actual = sandbox.addWorkRequest({
      taskName: request.task_name,
      taskType: request.task_type,
      taskData: translation.json(request.task_data, null) as Record<string, unknown>,
      createdBy: creators[request.created_by as keyof typeof creators],
      workspace: request.workspace,
      scope: places.get(request.workspace) ?? 'debusine',
      ...(request.task_type === 'Signing' ? {} : aside(request)),
    })
    translation.learn('work-request', request.id, actual)
    // What waits for a person is ended by the recorded calls alone.
    if (request.status === 'completed' && request.task_type === 'Signing')
      await finish(sandbox, actual, request, translation)
  }

  return {
    async upTo(id) {
      for (const request of [...requests.values()].sort((a, b) => a.id - b.id)) {
        if (request.id > id || translation.knows('work-request', request.id)) continue
        // A retry is made by the server itself, in answer to a call.
        if (request.workflow_data['retry_count'] === undefined) await seed(request)
      }
    },
  }
}

/** A request that was done before the recording began: another worker does it now. */
async function finish(
  sandbox: SandboxServer,
  id: number,
  recorded: RecordedWorkRequest,
  translation: Translation,
): Promise<void> {
  const worker = sandbox.addEnabledWorker('reference.example.org')
  const call = async (method: string, path: string, token: string, body: unknown) => {
    const headers = { token, 'x-debusine-scope': 'debusine', 'content-type': 'application/json' }
    const bytes = body === null ? null : Buffer.from(JSON.stringify(body))
    const answer = await httpsCall(sandbox, { method, path: `/api/1.0/${path}`, headers, body: bytes })
    return (answer.body.length > 0 ? JSON.parse(answer.body.toString('utf8')) : {}) as Record<string, unknown>
  }
  await call('PUT', 'worker/dynamic-metadata/', worker.token, {
    'system:worker_type': 'signing',
    provided_tags: [`worker:task:signing:${recorded.task_name}:version:1`],
  })
  const url = `${sandbox.origin.replace('https', 'wss')}/api/ws/1.0/worker/connect/`
  const socket = new WebSocket(url, { ca: sandbox.caPem, headers: { token: worker.token } })
  await new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      if ((data as Buffer).toString('utf8').includes('work_request_available')) resolve()
    })
  })
  const old = sandbox.dialect === '0.11'
  const fetched = await call(old ? 'GET' : 'POST', 'work-request/get-next-for-worker/', worker.token, old ? null : {})
  const token = old ? worker.token : String(fetched['token'])
  for (const artifact of recorded.artifacts) {
    const made = { category: 'debusine:work-request-debug-logs', workspace: recorded.workspace, data: {}, files: {} }
    const created = await call('POST', 'artifact/', token, { ...made, work_request: id })
    translation.learn('artifact', artifact, Number(created['id']))
  }
  await call('PUT', `work-request/${id}/completed/`, token, { result: recorded.result })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.close()
  await closed
}

function inputData(
  recording: Recording,
  id: number,
  index: number,
  request: RecordedWorkRequest,
): Omit<SigningInput, 'files'> {
  const withInputs = answersOf(recording).find((answer) => answer['id'] === request.id && answer['dynamic_task_data'])
  const names = (withInputs?.['dynamic_task_data'] as { unsigned_binary_package_names?: (string | null)[] } | undefined)
    ?.unsigned_binary_package_names
  const resource = resourceFor(recording, id)
  const trustedCerts = artifactsOf(recording).get(id)?.data['trusted_certs'] ?? fromInputFields(withInputs, id)
  return {
    binaryPackageName: names?.[index] ?? null,
    trustedCerts: (trustedCerts ?? null) as readonly string[] | null,
    ...(resource?.['source'] === undefined
      ? {}
      : {
          binaryPackage: {
            name: resource['package'] ?? '',
            source: resource['source'],
            architecture: resource['architecture'] ?? '',
            version: resource['version'] ?? '',
          },
        }),
  }
}

function fromInputFields(answer: Record<string, unknown> | undefined, id: number): unknown {
  const dynamic = answer?.['dynamic_task_data'] as
    | { task_input_fields?: { unsigned?: { artifacts: { artifact_id: number; data: { trusted_certs: unknown } }[] } } }
    | undefined
  const artifacts = dynamic?.task_input_fields?.unsigned?.artifacts ?? []
  return artifacts.find((artifact) => artifact.artifact_id === id)?.data.trusted_certs
}

/** What the recorded permission check said about this artifact. */
function resourceFor(recording: Recording, id: number): Record<string, string> | null {
  for (const event of recording.traffic) {
    if (event.kind !== 'http' || !event.request.path.endsWith('/sign_with/')) continue
    const asked = event.request.body
    const told = event.response.body
    if (asked === null || !('json' in asked) || told === null || !('json' in told)) continue
    if ((asked.json as { artifact_id?: number }).artifact_id !== id) continue
    const { resource } = told.json as { resource?: Record<string, string> }
    if (resource !== undefined) return resource
  }
  return null
}

function seedKeys(
  recording: Recording,
  requests: readonly RecordedWorkRequest[],
  sandbox: SandboxServer,
  places: ReadonlyMap<string, string>,
): void {
  const unknown = recording.traffic.flatMap((event) => {
    if (event.kind !== 'http' || event.response.status !== 404) return []
    const slug = /\/uefi(?:%3A|:)([0-9A-F]{64})\//.exec(event.request.path)
    const body = event.response.body
    const missing = body !== null && 'json' in body && JSON.stringify(body.json).includes('Asset matching query')
    return slug?.[1] !== undefined && missing ? [slug[1]] : []
  })
  for (const event of recording.traffic) {
    const asked =
      event.kind === 'http' ? /\/uefi(?:%3A|:)([0-9A-F]{64})\/sign_with/.exec(event.request.path)?.[1] : null
    const named = requests.some((request) => request.task_data['key'] === asked)
    if (asked === null || asked === undefined || named || unknown.includes(asked)) continue
    sandbox.addKey({ purpose: 'uefi', fingerprint: asked })
    unknown.push(asked)
  }
  const keys = new Map(requests.map((request) => [request.task_data['key'], request]))
  for (const [fingerprint, { task_data: data, workspace }] of keys) {
    if (typeof fingerprint !== 'string' || unknown.includes(fingerprint)) continue
    const purpose = data['purpose'] === 'openpgp' ? 'openpgp' : 'uefi'
    sandbox.addKey({ purpose, fingerprint, workspace, scope: places.get(workspace) ?? 'debusine' })
  }
}

/** In which scope a workspace lies: a recorded creation of an artifact tells. */
function scopesOf(recording: Recording): ReadonlyMap<string, string> {
  const places = new Map<string, string>()
  for (const event of recording.traffic) {
    if (event.kind !== 'http' || event.response.status !== 201 || event.request.path !== '/api/1.0/artifact/') continue
    const { body } = event.request
    const workspace = body !== null && 'json' in body ? (body.json as { workspace?: string }).workspace : undefined
    const scope = event.request.headers['x-debusine-scope']
    if (workspace !== undefined && scope !== undefined) places.set(workspace, scope)
  }
  return places
}
