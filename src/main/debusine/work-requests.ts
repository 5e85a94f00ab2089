import { type ArtifactId, artifactId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Clock } from './clock.ts'
import type { DialectRules } from './dialect.ts'
import { type Connection, forHeld, goneFailure } from './held-call.ts'
import { invalidAnswer, problemOf, refusalFailure, serverFailure } from './problem.ts'
import { type Answer, answerJson, type Rest } from './rest.ts'
import type { Completion, HeldReference, HeldWork, ServerFailure, WorkRequest } from './server.ts'
import { quoted, toWorkRequest, workRequestJson } from './wire.ts'

/**
 * Takes the assigned request. Sent once only: the server takes a second fetch to mean that the first was lost, aborts the
 * request (0.11) or kills its token (0.16), and after the third gives it up.
 */
export async function fetchNext(
  rest: Rest,
  rules: DialectRules,
  workerToken: Secret,
  clock: Clock,
): Promise<Result<HeldWork | null | 'other-dialect', ServerFailure>> {
  const what = 'fetch work'
  const answer = await rest.call({
    method: rules.fetchVerb,
    url: rest.url('work-request/get-next-for-worker/'),
    authority: { token: workerToken, scope: null },
    ...(rules.fetchVerb === 'POST' ? { json: {} } : {}),
    repeat: 'never',
    what,
  })
  if (!answer.ok) {
    return answer.error.code === 'server-unreachable'
      ? err({
          ...answer.error,
          message:
            'The connection broke while work was fetched: the server may have handed out a request that did not arrive. It is fetched again with the next ring.',
        })
      : answer
  }
  const { status, text } = answer.value
  if (status === 204) return ok(null)
  if (status === 405) return ok('other-dialect')
  if (status !== 200) return err(refusalFailure(answer.value, what))
  const json = readWorkRequest(answer.value, what)
  if (!json.ok) return json
  const { request, token } = json.value
  if (rules.dialect === '0.16' && token === null)
    return err(invalidAnswer(what, 'no token in the fetched work request'))
  return ok({
    request,
    token: rules.dialect === '0.16' ? token : null,
    fetchedAt: clock.now().toISOString(),
    raw: kept(text),
  })
}

/** The text that is kept: without the token, and without the server's cache of its own lookups, which may be very long. */
function kept(text: string): string {
  return JSON.stringify(JSON.parse(text), (name, value: unknown) =>
    name === 'token' || name === 'task_input_fields' ? undefined : value,
  )
}

interface ReadWorkRequest {
  readonly request: WorkRequest
  readonly token: string | null
  readonly artifacts: readonly ArtifactId[]
}

function readWorkRequest(answer: Answer, what: string): Result<ReadWorkRequest, ServerFailure> {
  const json = answerJson(answer, workRequestJson, what)
  if (!json.ok) return json
  return ok({ request: toWorkRequest(json.value), token: json.value.token ?? null, artifacts: json.value.artifacts })
}

type Seen = { readonly kind: 'seen'; readonly read: ReadWorkRequest } | { readonly kind: 'gone' }

async function look(
  rest: Rest,
  rules: DialectRules,
  workerToken: Secret,
  held: HeldReference,
): Promise<Result<Seen, ServerFailure>> {
  const what = `look at work request ${held.workRequestId}`
  const answer = await rest.call({
    method: 'GET',
    url: rest.url(`work-request/${held.workRequestId}/`),
    authority: rules.authority(held, workerToken),
    repeat: 'safe',
    what,
  })
  if (!answer.ok) return answer
  const { status } = answer.value
  if (status === 200) {
    const read = readWorkRequest(answer.value, what)
    if (!read.ok) return read
    if (read.value.request.id !== held.workRequestId)
      return err(invalidAnswer(what, `work request ${read.value.request.id}`))
    return ok({ kind: 'seen', read: read.value })
  }
  // Only debusine's own word counts: a proxy's error page says nothing about the request.
  if (rules.goneStatuses.has(status) && problemOf(answer.value) !== null) return ok({ kind: 'gone' })
  return err(refusalFailure(answer.value, what))
}

/** Whether the request is still running and ours. Anything unclear is a failure, never `held`. */
export async function stillHeld(
  rest: Rest,
  rules: DialectRules,
  workerToken: Secret,
  held: HeldReference,
): Promise<Result<'held' | 'gone', ServerFailure>> {
  if (rules.tokenOfRequest && held.token === null) return ok('gone')
  const seen = await look(rest, rules, workerToken, held)
  if (!seen.ok) return seen
  return ok(seen.value.kind === 'seen' && rules.isHeld(seen.value.read.request, held.worker ?? null) ? 'held' : 'gone')
}

/** Ids of the artifacts that the request has produced so far. */
export function producedArtifacts(
  connection: Connection,
  held: HeldReference,
): Promise<Result<readonly ArtifactId[], ServerFailure>> {
  return forHeld(connection, held, async (rules) => {
    const seen = await look(connection.rest, rules, connection.workerToken, held)
    if (!seen.ok) return seen
    if (seen.value.kind === 'gone') return err(goneFailure(held))
    return ok(seen.value.read.artifacts.map((id) => artifactId.parse(id)))
  })
}

/** Detail of a `no-longer-ours` that came to a repeated report: an earlier one probably arrived. */
export const afterLostAnswer = 'after a lost answer'

/**
 * Reports the end of a request. Repeated after a broken connection: 0.11 ignores a second report; 0.16 has thrown the token
 * away after the first, so that `no-longer-ours` after a repetition may mean that the first one arrived.
 */
export async function complete(
  connection: Connection,
  held: HeldReference,
  completion: Completion,
): Promise<Result<null, ServerFailure>> {
  const { rest, workerToken } = connection
  const rules = await connection.rules()
  if (!rules.ok) return rules
  const what = `report the result of work request ${held.workRequestId}`
  const answer = await rest.call({
    method: 'PUT',
    url: rest.url(`work-request/${held.workRequestId}/completed/`),
    authority: rules.value.authority(held, workerToken),
    json: {
      result: completion.result,
      output_data: {
        runtime_statistics: { duration: Math.max(0, Math.round(completion.durationSeconds)) },
        ...(completion.errors.length === 0
          ? {}
          : { errors: completion.errors.map(({ code, message }) => ({ message: quoted(message, 1000), code })) }),
      },
    },
    repeat: 'safe',
    what,
  })
  if (!answer.ok) return answer
  const { status, attempts } = answer.value
  if (status === 200) return ok(null)
  const ended = rules.value.dialect === '0.11' ? status === 401 : status === 403
  if (ended && problemOf(answer.value) !== null) {
    return err(
      attempts > 1
        ? serverFailure(
            'no-longer-ours',
            `Work request ${held.workRequestId} has ended at the server: either an earlier report arrived, or it was aborted.`,
            afterLostAnswer,
          )
        : goneFailure(held),
    )
  }
  return err(refusalFailure(answer.value, what))
}
