import { z } from 'zod'
import { type ArtifactId, artifactId, type WorkRequestId, workRequestId } from '../../shared/ids.ts'
import type { WorkRequest } from './server.ts'
import { quoted, toWorkRequest, workRequestJson } from './wire.ts'

/** What a denial does: the task fails, the task is aborted, or the whole workflow is. `unknown`: a word of a newer server. */
export type DenyAction = 'fail' | 'abort' | 'abort-workflow' | 'unknown'

/** A Confirm task (0.13 and later), with what a newer or shorter task leaves out filled in as the server does. */
export interface ConfirmTask {
  readonly confirmLabel: string
  readonly denyLabel: string
  readonly denyAction: DenyAction
  /** The server confirms by itself where nothing of the workflow failed. */
  readonly autoConfirm: boolean
}

/** A work request as its user sees it: with what tells its place in a workflow, and who ended it. */
export interface WaitTask {
  readonly request: WorkRequest
  readonly displayName: string | null
  /** Ids; null on 0.11, which does not tell, and outside a workflow. */
  readonly workflowRoot: WorkRequestId | null
  /** Ids of users at the server; null: nobody yet, or 0.11. */
  readonly completedBy: number | null
  readonly abortedBy: number | null
  readonly artifacts: readonly ArtifactId[]
  /** Null: not a Confirm task, or one that cannot be read. */
  readonly confirm: ConfirmTask | null
}

const optionalText = z
  .string()
  .nullish()
  .transform((text) => (text === null || text === undefined || text.trim() === '' ? null : quoted(text, 200)))

/** Texts of workflows are other people's: bounded and made plain here, never refused. */
export const waitTaskJson = workRequestJson.extend({
  workflow_data: z
    .looseObject({
      retry_count: z.int().nonnegative().optional(),
      display_name: optionalText,
      needs_input: z.boolean().nullish(),
      workflow_template_name: optionalText,
    })
    .nullish(),
  workflow_root: workRequestId.nullish(),
  completed_by: z.int().positive().nullish(),
  aborted_by: z.int().positive().nullish(),
})

const confirmData = z.looseObject({
  auto_confirm_if_no_failure: z.boolean().default(false),
  deny_action: z.string().default('abort-workflow'),
  confirm_label: optionalText,
  deny_label: optionalText,
})

const denyActions: readonly string[] = ['fail', 'abort', 'abort-workflow'] satisfies readonly DenyAction[]

function confirmTaskOf(taskData: unknown): ConfirmTask | null {
  const parsed = confirmData.safeParse(taskData)
  if (!parsed.success) return null
  const { deny_action: action, confirm_label, deny_label, auto_confirm_if_no_failure: autoConfirm } = parsed.data
  return {
    // The server's own words where a workflow names none (debusine 0.16.2).
    confirmLabel: confirm_label ?? 'Continue the workflow',
    denyLabel: deny_label ?? 'Abort the workflow',
    denyAction: denyActions.includes(action) ? (action as DenyAction) : 'unknown',
    autoConfirm,
  }
}

export function toWaitTask(json: z.infer<typeof waitTaskJson>): WaitTask {
  return {
    request: toWorkRequest(json),
    displayName: json.workflow_data?.display_name ?? null,
    // The root of a workflow names itself.
    workflowRoot: json.workflow_root === json.id ? null : (json.workflow_root ?? null),
    completedBy: json.completed_by ?? null,
    abortedBy: json.aborted_by ?? null,
    artifacts: json.artifacts.map((id) => artifactId.parse(id)),
    confirm: json.task_name === 'confirm' ? confirmTaskOf(json.task_data) : null,
  }
}

/** What is known of a workflow: its template's name, or its task's, and what it is about. */
export interface WorkflowFacts {
  readonly id: WorkRequestId
  readonly name: string
  /** `subject` and `parameter_summary` of 0.16: a source package, a version, a target. */
  readonly about: string | null
}

const workflowAbout = z.looseObject({ subject: optionalText, parameter_summary: optionalText })

export function toWorkflow(json: z.infer<typeof waitTaskJson>): WorkflowFacts {
  const about = workflowAbout.safeParse(json.dynamic_task_data ?? {})
  return {
    id: json.id,
    name: json.workflow_data?.workflow_template_name ?? json.task_name,
    about: about.success ? (about.data.parameter_summary ?? about.data.subject) : null,
  }
}

/** What an ExternalDebsign task wants signed; its ids are resolved only where the task is asked for by its own address. */
export const externalDebsignData = z.looseObject({ unsigned_id: artifactId })

/** What an upload says of itself, for a list: never believed about what is signed. */
export interface UploadSummary {
  readonly source: string
  readonly version: string
  readonly distribution: string | null
}

const changesFields = z.looseObject({
  changes_fields: z.looseObject({ Source: optionalText, Version: optionalText, Distribution: optionalText }),
})

export function uploadSummaryOf(data: unknown): UploadSummary | null {
  const parsed = changesFields.safeParse(data)
  if (!parsed.success) return null
  const { Source: source, Version: version, Distribution: distribution } = parsed.data.changes_fields
  return source === null || version === null ? null : { source, version, distribution }
}
