import { z } from 'zod'
import type { Failure } from '../../shared/failure.ts'
import { type ArtifactId, artifactId, type Fingerprint, fingerprint } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { limits } from './limits.ts'
import type { WorkRequest } from './server.ts'
import { deceptive, parseJson, quoted, toWorkRequest, workRequestJson } from './wire.ts'

/** What a Sign task asks for. `purpose` is the server's word and may be one that this station does not serve. */
export interface SignTask {
  readonly purpose: string
  readonly fingerprint: Fingerprint
  /** Input artifacts in the order in which outputs are made. */
  readonly unsignedIds: readonly ArtifactId[]
  /** One for each input; null: the artifact names none. */
  readonly binaryPackageNames: readonly (string | null)[]
}

export type TaskFailure = Failure<'task-malformed'>

const name = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => !deceptive.test(text), 'control or format characters')

const taskData = z.looseObject({
  purpose: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  key: fingerprint,
})
const dynamicTaskData = z.looseObject({
  unsigned_ids: z.array(artifactId).min(1).max(limits.inputsPerRequest),
  unsigned_binary_package_names: z.array(name.nullable()).max(limits.inputsPerRequest),
})

/** Reads a Sign task. Lookups in `task_data` are the server's business: only the ids that it resolved are used. */
export function signTaskOf(request: Pick<WorkRequest, 'taskData' | 'dynamicTaskData'>): Result<SignTask, TaskFailure> {
  const wanted = taskData.safeParse(request.taskData)
  if (!wanted.success) return err(malformed('its purpose or key cannot be read', wanted.error.message))
  const resolved = dynamicTaskData.safeParse(request.dynamicTaskData)
  if (!resolved.success) return err(malformed('its input artifacts cannot be read', resolved.error.message))
  const { unsigned_ids: unsignedIds, unsigned_binary_package_names: binaryPackageNames } = resolved.data
  if (unsignedIds.length !== binaryPackageNames.length) {
    return err(
      malformed(
        'it names more packages than artifacts, or fewer',
        `${unsignedIds.length} and ${binaryPackageNames.length}`,
      ),
    )
  }
  // One decision, at most one signature a file: an artifact that is named twice would be signed twice.
  if (new Set(unsignedIds).size !== unsignedIds.length)
    return err(malformed('it names an artifact twice', unsignedIds.join(' ')))
  return ok({ purpose: wanted.data.purpose, fingerprint: wanted.data.key, unsignedIds, binaryPackageNames })
}

/** What a GenerateKey task asks for. `storage`: 0.16.2 names `nacl`; null where nothing is said. */
export interface GenerateTask {
  readonly purpose: string
  readonly description: string
  readonly storage: string | null
}

const generateData = z.looseObject({
  purpose: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  // It becomes a name in a certificate and a line of the log.
  description: name.max(200),
  storage: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .nullish(),
})

export function generateTaskOf(request: Pick<WorkRequest, 'taskData'>): Result<GenerateTask, TaskFailure> {
  const wanted = generateData.safeParse(request.taskData)
  if (!wanted.success)
    return err({
      ...malformed('its purpose or description cannot be read', wanted.error.message),
      message:
        'The work request is malformed: its purpose or description cannot be read. No key can be made for it; decline it.',
    })
  const { purpose, description, storage } = wanted.data
  return ok({ purpose, description: description.trim(), storage: storage ?? null })
}

/** What a `debusine:signing-input` artifact says about itself. Its files are listed apart from that. */
export interface SigningInput {
  /** Null: nothing is declared; empty: "none" is declared. Compared as plain strings, as the server's own worker does. */
  readonly trustedCerts: readonly string[] | null
  readonly binaryPackageName: string | null
}

const signingInput = z.looseObject({
  trusted_certs: z.array(name.max(200)).max(1000).nullish(),
  binary_package_name: name.nullish(),
})

/** Reads the `data` of a `debusine:signing-input` artifact. */
export function signingInputOf(data: unknown): Result<SigningInput, Failure<'artifact-malformed'>> {
  const parsed = signingInput.safeParse(data)
  if (parsed.success)
    return ok({
      trustedCerts: parsed.data.trusted_certs ?? null,
      binaryPackageName: parsed.data.binary_package_name ?? null,
    })
  return err({
    kind: 'invalid',
    code: 'artifact-malformed',
    message:
      'The input artifact does not say properly which certificates it trusts or which package it is from. Nothing of it can be signed; decline the request.',
    detail: quoted(parsed.error.message),
  })
}

/** What became of one input file: exactly one of the two is set. */
export type SigningFileResult =
  | { readonly file: string; readonly outputFile: string; readonly errorMessage: null }
  | { readonly file: string; readonly outputFile: null; readonly errorMessage: string }

/** The `data` of a `debusine:signing-output` artifact, as the server's own worker makes it: results in the input's order. */
export function signingOutputData(output: {
  readonly purpose: string
  readonly fingerprint: string
  readonly binaryPackageName: string | null
  readonly results: readonly SigningFileResult[]
}): Readonly<Record<string, unknown>> {
  return {
    purpose: output.purpose,
    fingerprint: output.fingerprint,
    results: output.results.map(({ file, outputFile, errorMessage }) => ({
      file,
      output_file: outputFile,
      error_message: errorMessage === null ? null : quoted(errorMessage, 1000),
    })),
    binary_package_name: output.binaryPackageName,
  }
}

/** Reads a work request again from the text that was kept of it (`HeldWork.raw`). */
export function workRequestOf(raw: string): Result<WorkRequest, TaskFailure> {
  const json = parseJson(raw)
  if (!json.ok) return err(malformed('what was kept of it cannot be read', json.error))
  const parsed = workRequestJson.safeParse(json.value)
  return parsed.success
    ? ok(toWorkRequest(parsed.data))
    : err(malformed('what was kept of it cannot be read', parsed.error.message))
}

function malformed(why: string, detail: string): TaskFailure {
  return {
    kind: 'invalid',
    code: 'task-malformed',
    message: `The work request is malformed: ${why}. Nothing can be signed for it; decline it.`,
    detail: quoted(detail),
  }
}

/** What a Sign task that waits at the server wants, before its inputs are resolved. Null: another task, or malformed. */
export function signTaskWish(
  request: Pick<WorkRequest, 'taskName' | 'taskData'>,
): { readonly purpose: string; readonly fingerprint: Fingerprint } | null {
  const wanted = request.taskName === 'sign' ? taskData.safeParse(request.taskData) : null
  return wanted?.success === true ? { purpose: wanted.data.purpose, fingerprint: wanted.data.key } : null
}
