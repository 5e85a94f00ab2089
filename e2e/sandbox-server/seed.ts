import { createHash } from 'node:crypto'
import { bytesContent, type Content, contentSha256, fileContent, sha256Hex } from './content.ts'
import type { Artifact, FileVersion, StoredFile, WorkRequest } from './model.ts'
import { schedule } from './scheduler.ts'
import { daysLater } from './server-clock.ts'
import { defaultScope, newToken, type ServerState, takeId } from './state.ts'
import { addWorker as addWorkerRow } from './worker-routes.ts'

/** One file of a signing input. Names are taken as they are: that is how hostile names come in. */
export interface InputFile {
  readonly name: string
  /** The bytes, or a file on this machine that is streamed. */
  readonly bytes?: Uint8Array
  readonly file?: string
  /** What the server says instead of the truth. */
  readonly claimedSize?: number
  readonly claimedSha256?: string
  readonly claimedUrl?: string
  /** What later downloads deliver, one after the other. */
  readonly later?: readonly Uint8Array[]
  /** With `later`: whether the declared size and SHA-256 follow the change (a consistent lie) or stay. */
  readonly declares?: 'first' | 'current'
}

export interface BinaryPackage {
  readonly name: string
  readonly source: string
  readonly architecture: string
  readonly version: string
}

export interface SigningInput {
  readonly files: readonly InputFile[]
  /** `null`: not declared. `[]`: declared empty. */
  readonly trustedCerts?: readonly string[] | null
  readonly binaryPackageName?: string | null
  /** Makes the related `debian:binary-package`, from which the server tells source, architecture and version. */
  readonly binaryPackage?: BinaryPackage
  /** Further fields of `data`, or other values of the known ones. */
  readonly data?: Readonly<Record<string, unknown>>
}

export interface SignRequest extends SigningInput {
  readonly fingerprint: string
  readonly purpose?: string
  /** Whether the creator of the request may sign with the key; default true. */
  readonly allowed?: boolean
  readonly workspace?: string
  readonly scope?: string
  readonly priority?: number
  /** Further artifacts of the same request; `files` and its neighbours describe the first. */
  readonly more?: readonly SigningInput[]
}

export type UserName = 'operator' | 'submitter' | 'intruder'

export interface AnyWorkRequest {
  readonly taskName: string
  readonly taskData: Readonly<Record<string, unknown>>
  readonly taskType?: string
  readonly createdBy?: UserName
  readonly workspace?: string
  readonly scope?: string
  readonly priority?: number
  readonly status?: 'pending' | 'blocked' | 'running'
  /** What the server resolved; left out: from the lookups of `taskData`. */
  readonly dynamicTaskData?: Readonly<Record<string, unknown>> | null
  readonly workflowData?: Readonly<Record<string, unknown>>
  readonly workflow?: number
  readonly eventReactions?: Readonly<Record<string, unknown>>
  readonly unscheduled?: boolean
}

export function seedWorkRequest(state: ServerState, wanted: AnyWorkRequest): WorkRequest {
  const request: WorkRequest = {
    id: takeId(state, 'workRequest'),
    taskType: wanted.taskType ?? 'Signing',
    taskName: wanted.taskName,
    taskData: wanted.taskData,
    dynamicTaskData: wanted.dynamicTaskData ?? null,
    status: wanted.status ?? 'pending',
    result: '',
    worker: null,
    createdBy: state.users[wanted.createdBy ?? 'submitter'],
    createdAt: state.clock.now(),
    startedAt: wanted.status === 'running' && wanted.unscheduled !== true ? state.clock.now() : null,
    completedAt: null,
    abortedBy: null,
    completedBy: null,
    workflow: wanted.workflow ?? null,
    eventReactions: wanted.eventReactions ?? {},
    unscheduled: wanted.unscheduled ?? false,
    priorityBase: wanted.priority ?? 0,
    priorityAdjustment: 0,
    workflowData: wanted.workflowData ?? {},
    artifacts: [],
    ...place(state, wanted),
    token: null,
    outputData: null,
  }
  state.workRequests.set(request.id, request)
  schedule(state)
  return request
}

export async function seedSignRequest(state: ServerState, wanted: SignRequest): Promise<WorkRequest> {
  const ids: number[] = []
  for (const input of [wanted, ...(wanted.more ?? [])])
    ids.push((await seedInput(state, input, place(state, wanted))).id)
  return seedWorkRequest(state, {
    taskName: 'sign',
    taskData: { key: wanted.fingerprint, purpose: wanted.purpose ?? 'uefi', unsigned: ids },
    createdBy: wanted.allowed === false ? 'intruder' : 'submitter',
    ...place(state, wanted),
    ...(wanted.priority === undefined ? {} : { priority: wanted.priority }),
  })
}

export async function seedInput(
  state: ServerState,
  input: SigningInput,
  where: { readonly scope: string; readonly workspace: string },
): Promise<Artifact> {
  const { binaryPackage } = input
  const name = input.binaryPackageName === undefined ? (binaryPackage?.name ?? null) : input.binaryPackageName
  const related = binaryPackage === undefined ? null : seedBinaryPackage(state, binaryPackage, where)
  const files = await Promise.all(input.files.map(storedFile))
  const artifact = seedArtifact(state, {
    ...where,
    category: 'debusine:signing-input',
    data: { trusted_certs: input.trustedCerts ?? null, binary_package_name: name, ...input.data },
    files,
  })
  if (related !== null) {
    const id = takeId(state, 'relation')
    state.relations.push({ id, artifact: artifact.id, target: related.id, type: 'relates-to' })
  }
  return artifact
}

export function seedArtifact(
  state: ServerState,
  wanted: {
    readonly scope: string
    readonly workspace: string
    readonly category: string
    readonly data: unknown
    readonly files: readonly StoredFile[]
  },
): Artifact {
  const createdAt = state.clock.now()
  const artifact: Artifact = {
    id: takeId(state, 'artifact'),
    scope: wanted.scope,
    workspace: wanted.workspace,
    category: wanted.category,
    data: wanted.data,
    createdAt,
    expireAt: daysLater(createdAt, 30),
    paths: wanted.files.map((file) => file.path),
    files: new Map(wanted.files.map((file) => [file.path, file])),
    uploads: new Map(),
    workRequest: null,
  }
  state.artifacts.set(artifact.id, artifact)
  return artifact
}

function seedBinaryPackage(
  state: ServerState,
  binary: BinaryPackage,
  where: { readonly scope: string; readonly workspace: string },
): Artifact {
  return seedArtifact(state, {
    ...where,
    category: 'debian:binary-package',
    data: {
      srcpkg_name: binary.source,
      srcpkg_version: binary.version,
      deb_fields: { Package: binary.name, Version: binary.version, Architecture: binary.architecture },
      deb_control_files: ['control'],
    },
    files: [],
  })
}

export async function storedFile(input: InputFile): Promise<StoredFile> {
  const content =
    input.file === undefined ? bytesContent(input.bytes ?? new Uint8Array()) : await fileContent(input.file)
  const first: FileVersion = {
    content,
    size: input.claimedSize ?? content.size,
    sha256: input.claimedSha256 ?? (await sha256Of(content)),
  }
  const later = (input.later ?? []).map((bytes) => ({
    content: bytesContent(bytes),
    size: bytes.length,
    sha256: sha256Hex(bytes),
  }))
  return {
    path: input.name,
    versions: [first, ...later],
    declares: input.declares ?? 'first',
    downloads: 0,
    contentType: null,
    claimedUrl: input.claimedUrl ?? null,
  }
}

async function sha256Of(content: Content): Promise<string> {
  return content.kind === 'bytes'
    ? createHash('sha256').update(content.bytes).digest('hex')
    : await contentSha256(content)
}

/** A signing input on its own; its request names it by id. */
export async function seedSigningInput(
  state: ServerState,
  input: SigningInput & { readonly scope?: string; readonly workspace?: string },
): Promise<number> {
  return (await seedInput(state, input, place(state, input))).id
}

/** Scope and workspace of what is made; both come into being when they are first named. */
function place(
  state: ServerState,
  wanted: { readonly scope?: string; readonly workspace?: string },
): { readonly scope: string; readonly workspace: string } {
  const scope = wanted.scope ?? defaultScope
  const workspace = wanted.workspace ?? 'signing'
  const workspaces = state.scopes.get(scope) ?? new Set<string>()
  state.scopes.set(scope, workspaces.add(workspace))
  return { scope, workspace }
}

export interface SigningKey {
  readonly purpose: string
  readonly fingerprint: string
  readonly publicKey?: Uint8Array | string
  readonly description?: string
  readonly workspace?: string
  readonly scope?: string
  /** User names with the role `signer`; default: the submitter. */
  readonly signers?: readonly string[]
}

/** The asset of a key; the one that is there, if the server knows the key already. */
export function seedKey(state: ServerState, key: SigningKey): number {
  const known = [...state.assets.values()].find(
    ({ data }) => data.purpose === key.purpose && data.fingerprint === key.fingerprint,
  )
  if (known !== undefined) return known.id
  const id = takeId(state, 'asset')
  state.assets.set(id, {
    id,
    createdAt: state.clock.now(),
    category: 'debusine:signing-key',
    ...place(state, key),
    data: {
      purpose: key.purpose,
      fingerprint: key.fingerprint,
      public_key: Buffer.from(key.publicKey ?? '').toString('base64'),
      description: key.description ?? null,
    },
    workRequest: null,
    signers: new Set(key.signers ?? [state.users.submitter.name]),
  })
  return id
}

/** `debusine-admin worker create`: a worker and the token with which a station takes its place, once. */
export function seedActivationToken(state: ServerState, fqdn: string): string {
  const worker = addWorkerRow(state, fqdn, '')
  const token = newToken()
  state.tokens.set(token, { kind: 'activation', worker, used: false })
  return token
}

/** A worker that is registered and enabled already. */
export function seedEnabledWorker(state: ServerState, fqdn: string): { readonly name: string; readonly token: string } {
  const token = newToken()
  const worker = addWorkerRow(state, fqdn, token)
  worker.enabled = true
  state.everRegistered.add(token)
  state.tokens.set(token, { kind: 'worker', worker })
  return { name: worker.name, token }
}
