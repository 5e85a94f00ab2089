import { bytesContent, sha256Hex } from './content.ts'
import { type InputFile, seedArtifact, seedWorkRequest, type UserName } from './seed.ts'
import { defaultScope, type ServerState } from './state.ts'

// What waits for a person and no worker gets: uploads to be signed by their maker, and questions.

export interface WantedUpload {
  readonly data: Readonly<Record<string, unknown>>
  readonly files: readonly Pick<InputFile, 'name' | 'bytes' | 'claimedSha256' | 'claimedSize'>[]
  readonly workspace?: string
}

export function seedUpload(state: ServerState, wanted: WantedUpload): number {
  return seedArtifact(state, {
    scope: defaultScope,
    workspace: wanted.workspace ?? 'signing',
    category: 'debian:upload',
    data: wanted.data,
    files: wanted.files.map(({ name, bytes = new Uint8Array(), claimedSha256, claimedSize }) => ({
      path: name,
      versions: [
        { content: bytesContent(bytes), size: claimedSize ?? bytes.length, sha256: claimedSha256 ?? sha256Hex(bytes) },
      ],
      declares: 'first',
      downloads: 0,
      contentType: null,
      claimedUrl: null,
    })),
  }).id
}

export interface WaitOptions {
  readonly createdBy?: UserName
  readonly workspace?: string
  /** Without one the task is of no workflow. */
  readonly workflow?: { readonly template: string; readonly subject: string; readonly summary: string }
  readonly displayName?: string
}

function seedWait(
  state: ServerState,
  taskName: string,
  taskData: Readonly<Record<string, unknown>>,
  { createdBy = 'submitter', workspace = 'signing', workflow, displayName }: WaitOptions,
): number {
  const by = { createdBy, workspace }
  const root =
    workflow === undefined
      ? null
      : seedWorkRequest(state, {
          ...by,
          taskType: 'Workflow',
          taskName: 'package_upload',
          taskData: {},
          status: 'running',
          dynamicTaskData: { subject: workflow.subject, parameter_summary: workflow.summary },
          workflowData: { workflow_template_name: workflow.template },
        }).id
  return seedWorkRequest(state, {
    ...by,
    taskType: 'Wait',
    taskName,
    taskData,
    status: 'running',
    workflowData: { needs_input: true, ...(displayName === undefined ? {} : { display_name: displayName }) },
    ...(root === null ? {} : { workflow: root }),
  }).id
}

export function seedExternalDebsign(state: ServerState, unsigned: number, options: WaitOptions): number {
  return seedWait(state, 'externaldebsign', { unsigned }, options)
}

export function seedConfirm(
  state: ServerState,
  taskData: Readonly<Record<string, unknown>>,
  options: WaitOptions,
): number {
  if (state.dialect === '0.11') throw new Error('debusine 0.11 has no Confirm task')
  return seedWait(state, 'confirm', taskData, options)
}
