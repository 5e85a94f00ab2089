import { z } from 'zod'
import { artifactId, sha256Hex, workRequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { limits } from './limits.ts'
import type { WorkRequest } from './server.ts'

// The server's JSON. Objects are loose, because it grows with each release (docs/flows/server.md); what is used is picked by
// name. Every string that can reach a screen or a header is bounded and free of control and bidirectional characters.

/** Characters that make a text look like another one: controls, format and bidi characters, lone surrogates, unassigned. */
export const deceptive = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/u

const plain = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => !deceptive.test(text), 'control or format characters')

/** A name that goes into a header or a URL segment: a scope, a workspace (debusine: letters, digits, `+._-`). */
const label = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/)

/** A token as it goes into a header; debusine's are 64 hex digits. */
export const tokenText = z.string().regex(/^[0-9A-Za-z_-]{16,128}$/)

/** `worker_token` on 0.11; `worker` and `work_request` on 0.16. */
export const whoami = z.looseObject({
  user: plain(400),
  auth: z.boolean(),
  worker_token: z.boolean().optional(),
  worker: z.boolean().optional(),
})

export const workRequestJson = z.looseObject({
  id: workRequestId,
  task_type: plain(100),
  task_name: plain(100),
  task_data: z.looseObject({}),
  dynamic_task_data: z.looseObject({}).nullable(),
  status: plain(50),
  result: plain(50),
  worker: z.int().positive().nullable(),
  created_by: z.int().nonnegative(),
  created_at: plain(64),
  priority_base: z.int(),
  priority_adjustment: z.int(),
  workflow_data: z.looseObject({ retry_count: z.int().nonnegative().optional() }).nullish(),
  artifacts: z.array(artifactId).max(limits.inputsPerRequest),
  workspace: label,
  scope: label.optional(),
  token: tokenText.optional(),
})

export const workRequestPage = z.looseObject({
  next: z.string().max(2000).nullable(),
  results: z.array(z.unknown()).max(200),
})

/** `files` is read entry by entry (safe-name.ts): a schema for records would silently drop a file called `__proto__`. */
export const artifactJson = z.looseObject({
  id: artifactId,
  workspace: label,
  category: plain(100),
  data: z.looseObject({}),
  files: z.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  files_to_upload: z.array(z.string().max(limits.pathLength)).max(limits.filesPerArtifact),
})

export const artifactFileJson = z.looseObject({
  size: z.int().nonnegative(),
  checksums: z.looseObject({ sha256: sha256Hex }),
  type: z.literal('file'),
  url: z.string().max(4000),
})

export const relationJson = z.looseObject({ artifact: artifactId, target: artifactId, type: plain(50) })

export const permissionJson = z.looseObject({
  has_permission: z.boolean(),
  username: plain(400),
  user_id: z.int().nonnegative(),
  resource: z.record(plain(100), plain(2000)).refine((value) => Object.keys(value).length <= 50, 'too many'),
})

export const problemJson = z.looseObject({
  title: z.string().optional(),
  detail: z.unknown().optional(),
  validation_errors: z.unknown().optional(),
})

export const bellMessage = z.looseObject({
  type: z.string().max(100),
  text: z.string().max(200).optional(),
  reason: z.string().max(2000).optional(),
  reason_code: z.string().max(100).optional(),
})

/**
 * Parses JSON from outside. The depth is checked before: `JSON.parse` itself copes with any, but code that walks the value
 * (canonical JSON, a schema) would run out of stack.
 */
export function parseJson(text: string): Result<unknown, 'not-json' | 'too-deep'> {
  if (depthOf(text) > limits.jsonDepth) return err('too-deep')
  try {
    const value: unknown = JSON.parse(text)
    return ok(value)
  } catch {
    return err('not-json')
  }
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (inString) {
      if (unit === 0x5c) at++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x7b || unit === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (unit === 0x7d || unit === 0x5d) depth--
  }
  return deepest
}

/** Text of the server for a sentence of ours: one line, bounded, with deceptive characters made visible. */
export function quoted(text: string, max = 300): string {
  const line = text
    .slice(0, max * 2)
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(new RegExp(deceptive, 'gu'), (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .trim()
  return line.length > max ? `${line.slice(0, max)}…` : line
}

/** Picks what the station uses; unknown fields are dropped. */
export function toWorkRequest(json: z.infer<typeof workRequestJson>): WorkRequest {
  return {
    id: json.id,
    taskType: json.task_type,
    taskName: json.task_name,
    taskData: json.task_data,
    dynamicTaskData: json.dynamic_task_data,
    status: json.status,
    result: json.result,
    worker: json.worker,
    createdBy: json.created_by,
    createdAt: json.created_at,
    priority: json.priority_base + json.priority_adjustment,
    retryCount: json.workflow_data?.retry_count ?? 0,
    workspace: json.workspace,
    scope: json.scope ?? null,
  }
}
