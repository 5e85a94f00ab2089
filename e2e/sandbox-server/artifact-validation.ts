import { isObject, type JsonObject } from './exchange.ts'
import type { Dialect } from './model.ts'

/** `validation_errors` of a new artifact; 'defect': the real server trips over it and answers a bare `Error`. */
export function deserializationErrors(body: unknown): JsonObject | 'defect' | null {
  if (!isObject(body)) return { non_field_errors: ['Invalid data. Expected a dictionary.'] }
  const errors: Record<string, unknown> = {}
  for (const field of ['category', 'files', 'data']) {
    if (body[field] === undefined) errors[field] = ['This field is required.']
  }
  const files = body['files']
  if (isObject(files)) {
    const perFile: Record<string, unknown> = {}
    for (const [path, file] of Object.entries(files)) {
      if (!isObject(file) || typeof file['size'] !== 'number') perFile[path] = { size: ['This field is required.'] }
      else if (file['size'] < 0) perFile[path] = { size: ['Ensure this value is greater than or equal to 0.'] }
      else if (!isObject(file['checksums']) || typeof file['checksums']['sha256'] !== 'string') return 'defect'
    }
    if (Object.keys(perFile).length > 0) errors['files'] = perFile
  } else if (files !== undefined) errors['files'] = ['Expected a dictionary of items.']
  return Object.keys(errors).length === 0 ? null : errors
}

/** Both versions build a URL from each name and refuse what is not one: a space, a letter beyond ASCII. */
export function namesAreRefused(paths: readonly string[]): boolean {
  return paths.some((path) => /[^\x21-\x7e]/.test(path))
}

const fields: Readonly<Record<string, { readonly model: string; readonly required: readonly string[] }>> = {
  'debusine:signing-input': { model: 'DebusineSigningInput', required: [] },
  'debusine:signing-output': { model: 'DebusineSigningOutput', required: ['purpose', 'fingerprint', 'results'] },
  'debusine:work-request-debug-logs': { model: 'DebusineWorkRequestDebugLogs', required: [] },
  'debian:upload': { model: 'DebianUpload', required: ['type', 'changes_fields'] },
  'debian:repository-index': { model: 'DebianRepositoryIndex', required: ['path'] },
  'debian:binary-package': {
    model: 'DebianBinaryPackage',
    required: ['srcpkg_name', 'srcpkg_version', 'deb_fields', 'deb_control_files'],
  },
}

/** What 0.16 says about a category and its data; 0.11.3 takes anything. */
export function artifactDataProblem(dialect: Dialect, category: string, data: unknown): unknown {
  if (dialect === '0.11') return null
  const model = Object.hasOwn(fields, category) ? fields[category] : undefined
  if (model === undefined) return `${category}: invalid artifact category`
  const missing = model.required.filter((field) => !isObject(data) || data[field] === undefined)
  if (missing.length === 0) return null
  const count = `${missing.length} validation error${missing.length === 1 ? '' : 's'} for ${model.model}`
  const lines = missing.map(
    (field) =>
      `${field}\n  Field required [type=missing, input_value=${JSON.stringify(data)}, input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.10/v/missing`,
  )
  return { data: [`invalid artifact data: ${count}\n${lines.join('\n')}`] }
}
