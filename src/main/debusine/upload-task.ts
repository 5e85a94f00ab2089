import { z } from 'zod'
import { type ArtifactId, artifactId, type Fingerprint, fingerprint } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { WorkRequest } from './server.ts'
import { signTaskOf, signTaskWish, type TaskFailure } from './task-data.ts'
import { deceptive, parseJson, quoted } from './wire.ts'

/** What a Debsign task asks for: one upload, signed by a key of the purpose `openpgp`. */
export interface DebsignTask {
  readonly fingerprint: Fingerprint
  readonly unsignedId: ArtifactId
}

const debsignData = z.looseObject({ key: fingerprint })
const oneInput = z.looseObject({ unsigned_id: artifactId })

export function debsignTaskOf(
  request: Pick<WorkRequest, 'taskData' | 'dynamicTaskData'>,
): Result<DebsignTask, TaskFailure> {
  const wanted = debsignData.safeParse(request.taskData)
  if (!wanted.success) return err(malformed('its key cannot be read', wanted.error.message))
  const input = oneInput.safeParse(request.dynamicTaskData)
  if (!input.success) return err(malformed('its upload cannot be read', input.error.message))
  return ok({ fingerprint: wanted.data.key, unsignedId: input.data.unsigned_id })
}

/** What a SignRepositoryIndex task asks for: one signature file by every key of the suite. */
export interface IndexTask {
  readonly fingerprints: readonly [Fingerprint, ...Fingerprint[]]
  readonly unsignedId: ArtifactId
  readonly mode: 'clear' | 'detached'
  /** Name of the output; without a slash. */
  readonly signedName: string
  /** The suite as `task_data` names it. */
  readonly suite: string
}

const maxKeys = 8
const indexData = z.looseObject({
  mode: z.enum(['clear', 'detached']),
  // It becomes the path of a file in an artifact.
  signed_name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+~-]{0,200}$/),
  suite_collection: z.union([
    z
      .string()
      .min(1)
      .max(500)
      .refine((text) => !deceptive.test(text), 'control or format characters'),
    z.int().positive(),
  ]),
})
const indexInput = z.looseObject({
  unsigned_id: artifactId,
  signing_keys: z.array(fingerprint).max(maxKeys),
})

export function indexTaskOf(
  request: Pick<WorkRequest, 'taskData' | 'dynamicTaskData'>,
): Result<IndexTask, TaskFailure> {
  const wanted = indexData.safeParse(request.taskData)
  if (!wanted.success) return err(malformed('its mode, name or suite cannot be read', wanted.error.message))
  const input = indexInput.safeParse(request.dynamicTaskData)
  if (!input.success) return err(malformed('its index or its keys cannot be read', input.error.message))
  const [first, ...more] = input.data.signing_keys
  if (first === undefined) return err(malformed('neither the suite nor its archive has a signing key', ''))
  if (new Set(input.data.signing_keys).size !== input.data.signing_keys.length)
    return err(malformed('it names a key twice', input.data.signing_keys.join(' ')))
  return ok({
    fingerprints: [first, ...more],
    unsignedId: input.data.unsigned_id,
    mode: wanted.data.mode,
    signedName: wanted.data.signed_name,
    suite: String(wanted.data.suite_collection),
  })
}

/** The key that a task wants, where it is one that this station signs. Null: another task, or malformed. */
export function keyOfTask(
  request: WorkRequest,
): { readonly purpose: string; readonly fingerprint: Fingerprint } | null {
  switch (request.taskName) {
    case 'sign': {
      const task = signTaskOf(request)
      return task.ok ? { purpose: task.value.purpose, fingerprint: task.value.fingerprint } : null
    }
    case 'debsign': {
      const task = debsignData.safeParse(request.taskData)
      return task.success ? { purpose: 'openpgp', fingerprint: task.data.key } : null
    }
    case 'signrepositoryindex': {
      const task = indexTaskOf(request)
      return task.ok ? { purpose: 'openpgp-repository', fingerprint: task.value.fingerprints[0] } : null
    }
    default:
      return null
  }
}

/** What a task that waits at the server wants, before its inputs are resolved; the keys of an index are not known then. */
export function taskWish(
  request: Pick<WorkRequest, 'taskName' | 'taskData'>,
): { readonly purpose: string; readonly fingerprint: Fingerprint } | null {
  if (request.taskName !== 'debsign') return signTaskWish(request)
  const task = debsignData.safeParse(request.taskData)
  return task.success ? { purpose: 'openpgp', fingerprint: task.data.key } : null
}

const webPath = z
  .string()
  .max(1000)
  .regex(/^\/(?!\/)[A-Za-z0-9/._~%+-]*$/)
const links = z.looseObject({
  links: z.looseObject({
    webui_self: webPath,
    webui_created_by: webPath,
    webui_workflow_root: webPath.nullish(),
  }),
})

/**
 * The `Debusine-*` fields of a `.changes` (0.14.8 and later), from the text that was kept of the request. Null: the server gives no such
 * links, so it is older and its own worker writes no fields.
 */
export function debusineFieldsOf(
  raw: string,
  apiUrl: string,
): { readonly user: string; readonly workflow: string | null; readonly workRequest: string } | null {
  const json = parseJson(raw)
  const parsed = json.ok ? links.safeParse(json.value) : null
  if (parsed?.success !== true) return null
  const absolute = (path: string) => new URL(path, apiUrl).href
  const { webui_self: self, webui_created_by: user, webui_workflow_root: root } = parsed.data.links
  return { user: absolute(user), workflow: root == null ? null : absolute(root), workRequest: absolute(self) }
}

function malformed(why: string, detail: string): TaskFailure {
  return {
    kind: 'invalid',
    code: 'task-malformed',
    message: `The work request is malformed: ${why}. Nothing can be signed for it; decline it.`,
    detail: quoted(detail),
  }
}
