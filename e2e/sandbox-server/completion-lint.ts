import { isObject } from './exchange.ts'
import type { Artifact, WorkRequest } from './model.ts'
import { inputIds, type ServerState, violation } from './state.ts'

/**
 * Looks at what a worker did when it says that it is done. The real server accepts all of this; a careful worker never does it.
 * Only what can be wrong for sure is reported.
 */
export function lintCompletion(state: ServerState, request: WorkRequest, result: string): void {
  if (result === 'skipped')
    violation(state, 'skipped-lets-the-workflow-go-on', `${request.id} was completed as skipped`)
  const produced = request.artifacts.map((id) => state.artifacts.get(id)).filter((a) => a !== undefined)
  for (const artifact of produced) {
    if (artifact.uploads.size > 0) {
      const missing = [...artifact.uploads.keys()].join(', ')
      violation(state, 'output-incomplete', `${artifact.id} (${artifact.category}) still lacks ${missing}`)
    }
  }
  if (request.taskName !== 'sign' || result !== 'success') return
  for (const id of inputIds(request)) lintInput(state, request, id, produced)
}

function lintInput(state: ServerState, request: WorkRequest, input: number, produced: readonly Artifact[]): void {
  const checks = state.record.permissionChecks.filter(
    (check) => check.workRequestId === request.id && check.artifactId === input,
  )
  const key = `${String(request.taskData['purpose'])}:${String(request.taskData['key'])}`
  const last = checks.findLast((check) => check.key === key)
  if (last === undefined) violation(state, 'success-without-permission-check', `artifact ${input} was not asked for`)
  else if (!last.hasPermission) violation(state, 'success-in-spite-of-refused-permission', `artifact ${input}`)
  const outputs = produced.filter((artifact) => artifact.category === 'debusine:signing-output')
  const related = outputs.find((output) =>
    state.relations.some(
      (relation) => relation.artifact === output.id && relation.target === input && relation.type === 'relates-to',
    ),
  )
  if (related === undefined) {
    const code = outputs.length < inputIds(request).length ? 'output-missing' : 'output-not-related'
    violation(state, code, `no signing-output of ${request.id} relates to ${input}`)
    return
  }
  lintOutput(state, request, state.artifacts.get(input), related)
}

function lintOutput(state: ServerState, request: WorkRequest, input: Artifact | undefined, output: Artifact): void {
  const wrong = (text: string) => violation(state, 'output-does-not-fit-input', `artifact ${output.id}: ${text}`)
  if (!isObject(output.data)) return wrong('data is not an object')
  const { purpose, fingerprint, results } = output.data
  if (purpose !== request.taskData['purpose'] || fingerprint !== request.taskData['key']) wrong('another key')
  if (!Array.isArray(results)) return wrong('no results')
  const listed = results.map((result) => (isObject(result) ? result['file'] : null))
  const expected = [...(input?.paths ?? [])]
  if (listed.length !== expected.length || expected.some((path) => !listed.includes(path))) {
    wrong('results do not name each input file once')
  }
  for (const result of results) {
    if (!isObject(result)) return wrong('a result is not an object')
    const file = result['output_file']
    if ((file === null) === (result['error_message'] === null)) wrong('output_file and error_message: exactly one')
    if (typeof file === 'string' && !output.paths.includes(file)) wrong(`${file} is not among its files`)
  }
}
