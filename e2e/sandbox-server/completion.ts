import { isObject, type JsonObject, shown } from './exchange.ts'
import type { Dialect } from './model.ts'

const results = ['success', 'failure', 'error', 'skipped', 'temporary failure'] as const
type WorkResult = (typeof results)[number]

export function isResult(value: unknown): value is WorkResult {
  return results.some((result) => result === value)
}

const common = 'duration cpu_time disk_space memory available_disk_space available_memory cpu_count'.split(' ')
const added = 'duration_setup duration_run duration_teardown network_received network_sent'.split(' ')
const statisticsKeys = { '0.11': common, '0.16': [...common, ...added] }

/** `validation_errors` of a completion; null: it is accepted. Unknown keys are refused, as the real models refuse them. */
export function completionErrors(dialect: Dialect, body: unknown): JsonObject | null {
  if (!isObject(body)) return { non_field_errors: ['Invalid data. Expected a dictionary.'] }
  const errors: Record<string, string[]> = {}
  const result = body['result']
  const known = dialect === '0.11' ? results.slice(0, 3) : results
  if (result === undefined) errors['result'] = ['This field is required.']
  else if (!known.some((value) => value === result)) errors['result'] = [`"${shown(result)}" is not a valid choice.`]
  const output = body['output_data']
  const complaints = output === undefined || output === null ? [] : outputComplaints(dialect, output)
  if (complaints.length > 0) {
    const count = `${complaints.length} validation error${complaints.length === 1 ? '' : 's'} for OutputData`
    errors['output_data'] = [`Invalid output_data: ${count}\n${complaints.join('\n')}`]
  }
  return Object.keys(errors).length === 0 ? null : errors
}

function outputComplaints(dialect: Dialect, output: unknown): readonly string[] {
  if (!isObject(output)) return ['__root__\n  Input should be a valid dictionary']
  const top = ['runtime_statistics', 'errors', ...(dialect === '0.16' ? ['skip_reason'] : [])]
  const complaints = extra(dialect, output, top, '')
  const statistics = output['runtime_statistics']
  if (isObject(statistics)) {
    complaints.push(...extra(dialect, statistics, statisticsKeys[dialect], 'runtime_statistics'))
    for (const [key, value] of Object.entries(statistics)) {
      if (value !== null && !Number.isInteger(value)) complaints.push(invalid(dialect, `runtime_statistics.${key}`))
    }
  } else if (statistics !== undefined && statistics !== null) complaints.push(invalid(dialect, 'runtime_statistics'))
  const errors = output['errors']
  if (Array.isArray(errors)) {
    for (const [index, item] of errors.entries()) {
      const fine =
        isObject(item) && typeof item['message'] === 'string' && typeof item['code'] === 'string'
          ? extra(dialect, item, ['message', 'code'], `errors.${index}`)
          : [invalid(dialect, `errors.${index}`)]
      complaints.push(...fine)
    }
  } else if (errors !== undefined && errors !== null) complaints.push(invalid(dialect, 'errors'))
  return complaints
}

function extra(dialect: Dialect, object: JsonObject, allowed: readonly string[], where: string): string[] {
  return Object.entries(object)
    .filter(([key]) => !allowed.includes(key))
    .map(([key, value]) => extraField(dialect, where === '' ? key : `${where}.${key}`, value))
}

/** How the server's model library words an unknown field: version 1 on 0.11.3, version 2 on 0.16.2. */
export function extraField(dialect: Dialect, field: string, value: unknown): string {
  if (dialect === '0.11') return `${field}\n  extra fields not permitted (type=value_error.extra)`
  return `${field}\n  Extra inputs are not permitted [type=extra_forbidden, input_value=${JSON.stringify(value)}, input_type=${typeof value === 'number' ? 'int' : 'str'}]\n    For further information visit https://errors.pydantic.dev/2.10/v/extra_forbidden`
}

function invalid(dialect: Dialect, field: string): string {
  return dialect === '0.11' ? `${field}\n  value is not valid (type=type_error)` : `${field}\n  Input is not valid`
}
