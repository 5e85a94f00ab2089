import type { WorkRequest } from './model.ts'
import { type InputFile, seedArtifact, seedWorkRequest, storedFile } from './seed.ts'
import { defaultScope, type ServerState } from './state.ts'

export interface UploadRequest {
  readonly fingerprint: string
  readonly files: readonly InputFile[]
  /** Whether the creator of the request may sign with the key; default true. */
  readonly allowed?: boolean
}

const here = { scope: defaultScope, workspace: 'signing' }

/** A Debsign task and the `debian:upload` that it is about. */
export async function seedDebsign(state: ServerState, wanted: UploadRequest): Promise<WorkRequest> {
  const changes = wanted.files.find(({ name }) => name.endsWith('.changes'))
  const text = Buffer.from(changes?.bytes ?? '').toString('utf8')
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? ''
  const names = ['Source', 'Version', 'Architecture', 'Distribution']
  const upload = seedArtifact(state, {
    ...here,
    category: 'debian:upload',
    data: { type: 'dpkg', changes_fields: Object.fromEntries(names.map((name) => [name, field(name)])) },
    files: await Promise.all(wanted.files.map(storedFile)),
  })
  return seedWorkRequest(state, {
    taskName: 'debsign',
    taskData: { key: wanted.fingerprint, unsigned: upload.id },
    createdBy: wanted.allowed === false ? 'intruder' : 'submitter',
    ...here,
  })
}

export interface IndexRequest {
  /** The suite's keys. */
  readonly fingerprints: readonly string[]
  readonly release: Uint8Array
  readonly mode: 'clear' | 'detached'
  readonly signedName: string
  readonly suite?: string
}

/** A SignRepositoryIndex task and the `Release` that it is about. */
export async function seedIndex(state: ServerState, wanted: IndexRequest): Promise<WorkRequest> {
  const index = seedArtifact(state, {
    ...here,
    category: 'debian:repository-index',
    data: { path: 'Release' },
    files: [await storedFile({ name: 'Release', bytes: wanted.release })],
  })
  return seedWorkRequest(state, {
    taskName: 'signrepositoryindex',
    taskData: {
      mode: wanted.mode,
      unsigned: index.id,
      signed_name: wanted.signedName,
      suite_collection: wanted.suite ?? 'forky@debian:suite',
    },
    dynamicTaskData: {
      unsigned_id: index.id,
      signing_keys: wanted.fingerprints,
      task_input_fields: { task_configuration: null },
    },
    ...here,
  })
}
