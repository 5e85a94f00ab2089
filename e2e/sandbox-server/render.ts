import type { Artifact, Asset, FileVersion, StoredFile, WorkRequest } from './model.ts'
import { requiredTags } from './scheduler-tags.ts'
import { secondsBetween } from './server-clock.ts'
import { defaultScope, type ServerState } from './state.ts'

/** The version that the next download delivers. */
export function currentVersion(file: StoredFile): FileVersion {
  const version = file.versions[Math.min(file.downloads, file.versions.length - 1)]
  if (version === undefined) throw new Error(`${file.path} has no content`)
  return version
}

function declaredVersion(file: StoredFile): FileVersion {
  return file.declares === 'first' ? (file.versions[0] ?? currentVersion(file)) : currentVersion(file)
}

export function workRequestJson(state: ServerState, request: WorkRequest): Record<string, unknown> {
  const self = `/${request.scope}/${request.workspace}/work-request/${request.id}/`
  const modern = state.dialect === '0.16'
  const root = request.taskType === 'Workflow' ? (request.workflow ?? request.id) : request.workflow
  const links = (name: string, id: number | null) =>
    id === null
      ? {}
      : {
          [name]: `/api/1.0/work-request/${id}/`,
          [`webui_${name}`]: `/${request.scope}/${request.workspace}/work-request/${id}/`,
        }
  return {
    id: request.id,
    ...(modern ? { url: self, parent: request.workflow, workflow_root: root } : {}),
    task_name: request.taskName,
    created_at: request.createdAt,
    created_by: request.createdBy.id,
    ...(modern ? { completed_by: request.completedBy, aborted_by: request.abortedBy } : {}),
    started_at: request.startedAt,
    completed_at: request.completedAt,
    duration:
      request.startedAt === null || request.completedAt === null
        ? null
        : secondsBetween(request.startedAt, request.completedAt),
    worker: request.worker,
    task_type: request.taskType,
    task_data: request.taskData,
    dynamic_task_data: request.dynamicTaskData,
    priority_base: request.priorityBase,
    priority_adjustment: request.priorityAdjustment,
    workflow_data: request.workflowData,
    event_reactions: request.eventReactions,
    status: request.status,
    result: request.result,
    artifacts: request.artifacts,
    ...(modern ? { scope: request.scope } : {}),
    workspace: request.workspace,
    ...(modern
      ? {
          scheduler_tags_provided: request.unscheduled ? [] : providedByRequest(state, request),
          scheduler_tags_required: requiredTags(request),
          links: {
            self: `/api/1.0/work-request/${request.id}/`,
            webui_self: self,
            webui_created_by: `/-/user/${request.createdBy.id}/`,
            ...links('parent', request.workflow),
            ...links('workflow_root', root),
            ...(request.abortedBy === null ? {} : { webui_aborted_by: `/-/user/${request.abortedBy}/` }),
          },
        }
      : {}),
  }
}

/** What a worker may require of a request (`required_tags`): where it comes from and the groups of who made it. */
export function providedByRequest(state: ServerState, request: WorkRequest): readonly string[] {
  const { operator, submitter } = state.users
  const own = request.createdBy === operator ? ['Members', 'Owners'] : ['Contributors', 'Members']
  const groups = request.createdBy === submitter ? [...own, 'Signers'] : own
  // Another scope belongs to whoever made something in it.
  const there = request.scope === defaultScope ? [] : ['Members', 'Owners']
  return [
    ...groups.map((group) => `task:group:${defaultScope}::${group}`),
    ...there.map((group) => `task:group:${request.scope}::${group}`),
    `task:scope:${request.scope}`,
    `task:workspace:${request.scope}:${request.workspace}`,
  ]
}

export function artifactJson(state: ServerState, artifact: Artifact): Record<string, unknown> {
  const modern = state.dialect === '0.16'
  const self = `/${artifact.scope}/${artifact.workspace}/artifact/${artifact.id}/`
  const archive = `${self}download/?archive=tar.gz`
  return {
    id: artifact.id,
    ...(modern ? { url: self, scope: artifact.scope } : {}),
    workspace: artifact.workspace,
    category: artifact.category,
    data: artifact.data,
    created_at: artifact.createdAt,
    expire_at: artifact.expireAt,
    download_tar_gz_url: `${state.origin}${archive}`,
    files_to_upload: artifact.paths.filter((path) => artifact.uploads.has(path)).sort(),
    // fromEntries defines own properties, so that a file called __proto__ is a file like any other.
    files: Object.fromEntries(artifact.paths.map((path) => [path, fileJson(state, artifact, path)])),
    ...(modern
      ? {
          links: {
            self: `/api/1.0/artifact/${artifact.id}/`,
            webui_self: self,
            download_tar_gz: { href: archive, type: 'application/tar+gzip' },
          },
        }
      : {}),
  }
}

function fileJson(state: ServerState, artifact: Artifact, path: string): Record<string, unknown> {
  const file = artifact.files.get(path)
  const upload = artifact.uploads.get(path)
  const declared = file === undefined ? upload : declaredVersion(file)
  const contentType = file?.contentType ?? upload?.contentType ?? null
  const url = `${state.origin}/${artifact.scope}/${artifact.workspace}/artifact/${artifact.id}/download/${quotePath(path)}`
  return {
    size: declared?.size,
    checksums: { sha256: declared?.sha256 },
    type: 'file',
    ...(state.dialect === '0.16' ? { content_type: contentType } : {}),
    url: file?.claimedUrl ?? url,
  }
}

/** RFC 3986: sub-delims and `:@~/` stay as they are in a path, as the real server writes them. */
function quotePath(path: string): string {
  return encodeURIComponent(path).replaceAll(/%(?:2F|24|26|2B|2C|3B|3D|3A|40)/g, (escape) => decodeURIComponent(escape))
}

export function assetJson(state: ServerState, asset: Asset): Record<string, unknown> {
  return {
    id: asset.id,
    created_at: asset.createdAt,
    category: asset.category,
    ...(state.dialect === '0.16' ? { scope: asset.scope } : {}),
    workspace: asset.workspace,
    data: asset.data,
    work_request: asset.workRequest,
  }
}
