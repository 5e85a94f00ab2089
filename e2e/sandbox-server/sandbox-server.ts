import { type Bell, createBell } from './bell.ts'
import { makeServerCertificate, type ServerCertificate } from './certificates.ts'
import { readContent } from './content.ts'
import { createFaults, type Faults } from './faults.ts'
import { createListener } from './listener.ts'
import type { Artifact, Dialect, Relation, Worker, WorkRequest } from './model.ts'
import type { ServerRecord } from './record.ts'
import { currentVersion, workRequestJson } from './render.ts'
import { abortRequest, revokeToken, schedule } from './scheduler.ts'
import {
  type AnyWorkRequest,
  type SigningInput,
  type SigningKey,
  type SignRequest,
  seedActivationToken,
  seedEnabledWorker,
  seedKey,
  seedSigningInput,
  seedSignRequest,
  seedWorkRequest,
} from './seed.ts'
import { type IndexRequest, seedDebsign, seedIndex, type UploadRequest } from './seed-upload.ts'
import { seedConfirm, seedExternalDebsign, seedUpload, type WaitOptions, type WantedUpload } from './seed-wait.ts'
import { createServerClock } from './server-clock.ts'
import { createState, type NextIds, type ServerState } from './state.ts'

export interface SandboxOptions {
  readonly dialect: Dialect
  /** 0: any free one. */
  readonly port?: number
  /** The scheduler's periodic run; the real servers take 15 s (0.16) and 5 min (0.11). */
  readonly schedulerMs?: number
  /** WebSocket pings; the real servers send one every 20 s. */
  readonly pingMs?: number
  /** 0.16: from the 200 of a completion until the state changes. */
  readonly settleMs?: number
  readonly firstIds?: Partial<NextIds>
  /** To be shared by many servers of one test file; default: a private CA of this server's own. */
  readonly certificate?: ServerCertificate
}

export interface OutputFile {
  readonly path: string
  readonly bytes: Buffer
}

export interface Output {
  readonly artifactId: number
  readonly category: string
  readonly data: unknown
  readonly files: readonly OutputFile[]
  /** Announced and never sent, or not to the end. */
  readonly incomplete: readonly string[]
  readonly relations: readonly Relation[]
}

/** A debusine server in this process, for tests, demonstrations and faults. Nothing is kept on disk but a certificate while it is made. */
export interface SandboxServer {
  readonly dialect: Dialect
  /** `https://localhost:PORT/api`, as it stands in a worker's configuration. */
  readonly apiUrl: string
  readonly origin: string
  readonly caPem: string
  readonly scope: string
  readonly workspace: string
  /** Tokens of users: the owner of the workspace; one who may sign; one who may not. */
  readonly userToken: string
  readonly submitterToken: string
  readonly intruderToken: string
  /** 0.16: made by an administrator, used once. */
  activationToken(fqdn?: string): string
  readonly workers: readonly Readonly<Worker>[]
  /** Without a name: every worker there is. False: no such worker. */
  enableWorker(name?: string): boolean
  disableWorker(name?: string): boolean
  /** What an administrator sets for a worker: `tasks_denylist`, `tasks_allowlist`, `required_tags`, `provided_tags`. */
  setStaticMetadata(name: string, metadata: Readonly<Record<string, unknown>>): boolean
  addEnabledWorker(fqdn?: string): { readonly name: string; readonly token: string }
  addKey(key: SigningKey): number
  addSignRequest(request: SignRequest): Promise<number>
  addWorkRequest(request: AnyWorkRequest): number
  addDebsign(request: UploadRequest): Promise<number>
  addIndex(request: IndexRequest): Promise<number>
  /** A `debian:upload` artifact, of no work request. */
  addUpload(upload: WantedUpload): number
  /** A running ExternalDebsign task of the submitter's, of a workflow, for an upload of `addUpload`. */
  addExternalDebsign(unsigned: number, options?: WaitOptions): number
  /** A running Confirm task; 0.13 and later. */
  addConfirm(taskData: Readonly<Record<string, unknown>>, options?: WaitOptions): number
  /** An input alone, to be named in the `unsigned` of a request that is added by `addWorkRequest`. */
  addSigningInput(input: SigningInput & { readonly scope?: string; readonly workspace?: string }): Promise<number>
  workRequest(id: number): Readonly<WorkRequest> | null
  /** As `GET work-request/ID/` shows it. */
  workRequestJson(id: number): Readonly<Record<string, unknown>> | null
  outputs(id: number): Promise<readonly Output[]>
  artifact(id: number): Readonly<Artifact> | null
  /** SHA-256 of every complete file of a workspace. */
  completeDigests(workspace: string): ReadonlySet<string>
  readonly relations: readonly Relation[]
  /** As the owner: 0.16's endpoint does the same; on 0.11 it stands for an administrator's action in the database. */
  abort(id: number): boolean
  /** 0.16: the token of a running request dies, as after 7 days; the request runs on. False: it has none. */
  expireToken(id: number): boolean
  readonly record: ServerRecord
  readonly faults: Faults
  readonly bell: Pick<Bell, 'askForMetadata' | 'sendRaw' | 'breakAll' | 'closeAll'>
  /** The server is gone: connections break, the port is free, the state is kept. */
  goOffline(): Promise<void>
  /** Back on the same port. */
  comeOnline(): Promise<void>
  readonly online: boolean
  stop(): Promise<void>
}

export async function startSandboxServer(options: SandboxOptions): Promise<SandboxServer> {
  const { dialect, firstIds } = options
  const clock = createServerClock(Date.now)
  const state = createState({ dialect, clock, ...(firstIds === undefined ? {} : { firstIds }) })
  const certificate = options.certificate ?? (await makeServerCertificate())
  const bell = createBell(state, { pingMs: options.pingMs ?? 20_000 })
  const faults = createFaults()
  let online = false
  let leaving: Promise<void> = Promise.resolve()
  const goOffline = () => {
    online = false
    leaving = listener.leave()
    return leaving
  }
  const listener = createListener({
    state,
    certificate,
    bell,
    faults,
    settleMs: options.settleMs ?? 20,
    onLost: () => void goOffline(),
  })
  const port = await listener.listen(options.port ?? 0)
  online = true
  state.origin = `https://localhost:${port}`
  const periodic = setInterval(() => {
    if (online) schedule(state)
  }, options.schedulerMs ?? 500)

  const named = (name: string | undefined): readonly Worker[] =>
    [...state.workers.values()].filter((worker) => name === undefined || worker.name === name)

  return {
    dialect,
    apiUrl: `${state.origin}/api`,
    origin: state.origin,
    caPem: certificate.caPem,
    scope: 'debusine',
    workspace: 'signing',
    userToken: state.users.operator.token,
    submitterToken: state.users.submitter.token,
    intruderToken: state.users.intruder.token,
    activationToken: (fqdn = 'desk.sandbox.example') => seedActivationToken(state, fqdn),
    get workers() {
      return [...state.workers.values()]
    },
    enableWorker(name) {
      const workers = named(name)
      for (const worker of workers) worker.enabled = true
      return workers.length > 0
    },
    disableWorker(name) {
      const workers = named(name)
      for (const worker of workers) {
        worker.enabled = false
        state.onDisabled(worker)
      }
      return workers.length > 0
    },
    setStaticMetadata(name, metadata) {
      const workers = named(name)
      for (const worker of workers) worker.staticMetadata = metadata
      return workers.length > 0
    },
    addEnabledWorker: (fqdn = 'other.sandbox.example') => seedEnabledWorker(state, fqdn),
    addKey: (key) => seedKey(state, key),
    addSignRequest: async (request) => (await seedSignRequest(state, request)).id,
    addWorkRequest: (request) => seedWorkRequest(state, request).id,
    addDebsign: async (request) => (await seedDebsign(state, request)).id,
    addIndex: async (request) => (await seedIndex(state, request)).id,
    addUpload: (upload) => seedUpload(state, upload),
    addExternalDebsign: (unsigned, waits = {}) => seedExternalDebsign(state, unsigned, waits),
    addConfirm: (taskData, waits = {}) => seedConfirm(state, taskData, waits),
    addSigningInput: (input) => seedSigningInput(state, input),
    workRequest: (id) => state.workRequests.get(id) ?? null,
    workRequestJson(id) {
      const request = state.workRequests.get(id)
      return request === undefined ? null : workRequestJson(state, request)
    },
    outputs: (id) => outputsOf(state, id),
    artifact: (id) => state.artifacts.get(id) ?? null,
    completeDigests(workspace) {
      const artifacts = [...state.artifacts.values()].filter((artifact) => artifact.workspace === workspace)
      const files = artifacts.flatMap((artifact) => [...artifact.files.values()])
      return new Set(files.flatMap((file) => file.versions.map((version) => version.sha256)))
    },
    relations: state.relations,
    abort(id) {
      const request = state.workRequests.get(id)
      if (request === undefined || request.status === 'completed' || request.status === 'aborted') return false
      abortRequest(state, request, state.users.operator.id)
      schedule(state)
      return true
    },
    expireToken(id) {
      const request = state.workRequests.get(id)
      if (request?.status !== 'running' || request.token === null) return false
      revokeToken(state, request)
      return true
    },
    record: state.record,
    faults,
    bell,
    goOffline,
    async comeOnline() {
      if (online) return
      await leaving
      await listener.listen(port)
      online = true
    },
    get online() {
      return online
    },
    async stop() {
      clearInterval(periodic)
      await goOffline()
    },
  }
}

async function outputsOf(state: ServerState, id: number): Promise<readonly Output[]> {
  const outputs: Output[] = []
  for (const artifactId of state.workRequests.get(id)?.artifacts ?? []) {
    const artifact = state.artifacts.get(artifactId)
    if (artifact === undefined) continue
    const files: OutputFile[] = []
    for (const [path, file] of artifact.files) {
      const { content } = currentVersion(file)
      const chunks: Buffer[] = []
      for await (const chunk of readContent(content, 0, content.size)) chunks.push(chunk as Buffer)
      files.push({ path, bytes: Buffer.concat(chunks) })
    }
    outputs.push({
      artifactId,
      category: artifact.category,
      data: artifact.data,
      files,
      incomplete: [...artifact.uploads.keys()],
      relations: state.relations.filter((relation) => relation.artifact === artifactId),
    })
  }
  return outputs
}
