import type { ArtifactId, WorkRequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import { readArtifact, readMissingFiles } from './artifacts.ts'
import { type Clock, systemClock } from './clock.ts'
import { restFor, type ServerOptions } from './debusine-server.ts'
import { askWhoami, type DialectRules } from './dialect.ts'
import { download } from './download.ts'
import type { Connection } from './held-call.ts'
import { limits } from './limits.ts'
import { invalidAnswer, problemOf, refusalFailure, serverFailure } from './problem.ts'
import { type Authority, answerJson, type Rest } from './rest.ts'
import type { Artifact, ArtifactFile, Dialect, HeldReference, OutputFile, ServerFailure } from './server.ts'
import { upload } from './upload.ts'
import { createUpload, type UploadArtifact } from './user-artifact.ts'
import {
  externalDebsignData,
  toWaitTask,
  toWorkflow,
  type WaitTask,
  type WorkflowFacts,
  waitTaskJson,
} from './wait-task.ts'
import { workRequestPage } from './wire.ts'

/** In whose name: a user's API token, and the scope of the settings. */
export interface UserAuthority {
  readonly token: Secret
  readonly scope: string | null
}

/** How a Confirm task took an answer. `not-allowed`: it is for its creator and owners of the workspace. */
export type ConfirmAnswer =
  | { readonly kind: 'taken'; readonly task: WaitTask }
  | { readonly kind: 'not-allowed'; readonly message: string }
  /** It does not wait any more, or never did. */
  | { readonly kind: 'not-waiting'; readonly message: string }

/** A signed upload handed in. `not-waiting`: the task ended, perhaps by an earlier attempt of ours. */
export type SignatureAnswer = ConfirmAnswer

/** Calls to one debusine server in the name of a user, for tasks that wait for a person. */
export interface UserServer {
  dialect(): Promise<Result<Dialect, ServerFailure>>
  /** The user's name. A token that is no user's is `not-authenticated`. */
  user(): Promise<Result<string, ServerFailure>>
  /** Running Wait tasks in the scope that want input of a person: ExternalDebsign and Confirm. */
  waiting(): Promise<Result<readonly WaitTask[], ServerFailure>>
  /** Null: no such work request, or not one that the user may see. */
  task(id: WorkRequestId): Promise<Result<WaitTask | null, ServerFailure>>
  /** The workflow that a task is of. Null: not to be seen. */
  workflow(id: WorkRequestId): Promise<Result<WorkflowFacts | null, ServerFailure>>
  /**
   * Answers a Confirm task. Sent once: a lost answer (`server-unreachable`, `server-error`, `server-answer-invalid`) may have
   * arrived; `task` tells.
   */
  confirm(
    id: WorkRequestId,
    answer: { readonly confirm: boolean; readonly comment: string | null },
  ): Promise<Result<ConfirmAnswer, ServerFailure>>
  /** What an ExternalDebsign task wants signed. Null: it does not wait any more. `raw`: the server's text. */
  externalDebsign(
    id: WorkRequestId,
  ): Promise<
    Result<{ readonly task: WaitTask; readonly unsigned: ArtifactId; readonly raw: string } | null, ServerFailure>
  >
  /** Whether the user made the ExternalDebsign task, and so may end it. Changes nothing: it is asked with no signature at all. */
  isCreator(id: WorkRequestId): Promise<Result<boolean, ServerFailure>>
  artifact(held: HeldReference, id: ArtifactId): Promise<Result<Artifact, ServerFailure>>
  download(
    held: HeldReference,
    file: ArtifactFile,
    destination: string,
    options: { readonly signal: AbortSignal },
  ): Promise<Result<null, ServerFailure>>
  /** Not of any work request: the server takes no other for an ExternalDebsign. Sent once; one whose answer was lost expires unused. */
  createUpload(
    held: HeldReference,
    artifact: UploadArtifact,
  ): Promise<Result<{ readonly id: ArtifactId; readonly missing: readonly string[] }, ServerFailure>>
  missingFiles(held: HeldReference, id: ArtifactId): Promise<Result<readonly string[], ServerFailure>>
  upload(
    held: HeldReference,
    artifact: ArtifactId,
    file: OutputFile,
    options: { readonly signal: AbortSignal },
  ): Promise<Result<null, ServerFailure>>
  /** Ends an ExternalDebsign task with its signed upload. Sent once, as `confirm`. */
  provideSignature(id: WorkRequestId, signed: ArtifactId): Promise<Result<SignatureAnswer, ServerFailure>>
  close(): void
}

export interface UserServerOptions extends ServerOptions {
  readonly authority: UserAuthority
  /** Ends every call: the station is being closed. */
  readonly signal?: AbortSignal
}

export function createUserServer(options: UserServerOptions): UserServer {
  const made = restFor(options)
  const clock = options.clock ?? systemClock
  if (!made.ok) return broken(made.error)
  const { signal } = options
  const rest: Rest =
    signal === undefined ? made.value : { ...made.value, call: (call) => made.value.call({ signal, ...call }) }
  return userServer(rest, clock, options.authority)
}

function userServer(rest: Rest, clock: Clock, authority: UserAuthority): UserServer {
  let known: { readonly rules: DialectRules; readonly user: string } | null = null

  async function whoIs(): Promise<Result<{ readonly rules: DialectRules; readonly user: string }, ServerFailure>> {
    if (known !== null) return ok(known)
    const answer = await askWhoami(rest, authority.token)
    if (!answer.ok) return answer
    if (!answer.value.authenticated || answer.value.worker) return err(notAUser)
    known = { rules: answer.value.rules, user: answer.value.user }
    return ok(known)
  }

  const as = (): Authority => authority
  const connection: Connection = {
    rest,
    workerToken: authority.token,
    rules: async () => {
      const who = await whoIs()
      // A user has one token for all that they may see.
      return who.ok ? ok({ ...who.value.rules, tokenOfRequest: false, authority: as }) : who
    },
    // Whether somebody else ended it shows when the signature is handed in; a file that is not found is not found.
    stillHeld: async () => ok('held'),
  }

  async function read(id: WorkRequestId, address = '') {
    const what = `look at work request ${id}`
    const answer = await rest.call({
      method: 'GET',
      url: rest.url(`work-request/${id}/${address}`),
      authority,
      repeat: 'safe',
      what,
    })
    if (!answer.ok) return answer
    const { status } = answer.value
    if (status !== 200) {
      const gone = problemOf(answer.value) !== null && (status === 404 || (status === 400 && address !== ''))
      return gone ? ok(null) : err(refusalFailure(answer.value, what))
    }
    const json = answerJson(answer.value, waitTaskJson, what)
    if (!json.ok) return json
    if (json.value.id !== id) return err(invalidAnswer(what, `work request ${json.value.id}`))
    return ok({ json: json.value, text: answer.value.text })
  }

  async function end(
    id: WorkRequestId,
    address: 'confirm/' | 'external-debsign/',
    body: unknown,
    what: string,
  ): Promise<Result<ConfirmAnswer, ServerFailure>> {
    const answer = await rest.call({
      method: 'POST',
      url: rest.url(`work-request/${id}/${address}`),
      authority,
      json: body,
      repeat: 'never',
      what,
    })
    if (!answer.ok) return answer
    const { status } = answer.value
    if (status === 200) {
      const json = answerJson(answer.value, waitTaskJson, what)
      if (!json.ok) return json
      if (json.value.id !== id) return err(invalidAnswer(what, `work request ${json.value.id}`))
      return ok({ kind: 'taken', task: toWaitTask(json.value) })
    }
    const problem = problemOf(answer.value)
    if (problem === null) return err(refusalFailure(answer.value, what))
    const said = [problem.title, problem.detail].filter((part) => part !== '' && part !== 'Error').join(': ')
    // A dead token and one of the wrong kind are told in debusine's standing words.
    if (status === 403 && !/^(?:Authentication credentials|You do not have permission)/.test(said))
      return ok({ kind: 'not-allowed', message: said })
    // 400 and 409: it ended, or is another task. A signature that is refused for what is in it is none of the two.
    const ended = status === 409 || (status === 400 && /not running|Expected work request/i.test(said))
    return ended ? ok({ kind: 'not-waiting', message: said }) : err(refusalFailure(answer.value, what))
  }

  return {
    dialect: async () => {
      const who = await whoIs()
      return who.ok ? ok(who.value.rules.dialect) : who
    },
    user: async () => {
      const who = await whoIs()
      return who.ok ? ok(who.value.user) : who
    },
    waiting: () => listWaiting(rest, authority),
    task: async (id) => {
      const found = await read(id)
      return found.ok ? ok(found.value === null ? null : toWaitTask(found.value.json)) : found
    },
    workflow: async (id) => {
      const found = await read(id)
      return found.ok ? ok(found.value === null ? null : toWorkflow(found.value.json)) : found
    },
    confirm: (id, { confirm, comment }) =>
      end(id, 'confirm/', { confirm, ...(comment === null ? {} : { comment }) }, `answer work request ${id}`),
    externalDebsign: async (id) => {
      const found = await read(id, 'external-debsign/')
      if (!found.ok || found.value === null) return found.ok ? ok(null) : found
      const { json, text } = found.value
      const data = externalDebsignData.safeParse(json.dynamic_task_data)
      if (!data.success) return err(invalidAnswer(`look at work request ${id}`, data.error.message))
      return ok({ task: toWaitTask(json), unsigned: data.data.unsigned_id, raw: text })
    },
    isCreator: async (id) => {
      const what = `say whether work request ${id} is yours`
      const answer = await rest.call({
        method: 'POST',
        url: rest.url(`work-request/${id}/external-debsign/`),
        authority,
        // Without `signed_artifact` it is refused (400) for the creator, and forbidden (403) before that for everybody else.
        json: {},
        repeat: 'safe',
        what,
      })
      if (!answer.ok) return answer
      const { status } = answer.value
      if (problemOf(answer.value) === null || (status !== 400 && status !== 403))
        return err(refusalFailure(answer.value, what))
      return ok(status === 400)
    },
    artifact: (held, id) => readArtifact(connection, held, id),
    download: (held, file, destination, { signal }) => download(connection, clock, held, file, destination, signal),
    createUpload: (held, artifact) => createUpload(connection, held, artifact),
    missingFiles: (held, id) => readMissingFiles(connection, held, id),
    upload: (held, artifact, file, { signal }) => upload(connection, clock, held, artifact, file, signal),
    provideSignature: (id, signed) =>
      end(id, 'external-debsign/', { signed_artifact: signed }, `take the signature for work request ${id}`),
    close: () => rest.close(),
  }
}

const wanted: ReadonlySet<string> = new Set(['externaldebsign', 'confirm'])

/** 0.11 ignores the filters and lists everything, newest first: filtered here too, and the number of pages has an end. */
async function listWaiting(rest: Rest, authority: UserAuthority): Promise<Result<readonly WaitTask[], ServerFailure>> {
  const what = 'list what waits for a person'
  const filters = { task_type: 'Wait', status: 'running' }
  const found = new Map<number, WaitTask>()
  let cursor: string | null = null
  for (let page = 0; page < limits.listPages; page++) {
    const answer = await rest.call({
      method: 'GET',
      url: rest.url('work-request/', cursor === null ? filters : { ...filters, cursor }),
      authority,
      repeat: 'safe',
      what,
    })
    if (!answer.ok) return answer
    if (answer.value.status !== 200) return err(refusalFailure(answer.value, what))
    const json = answerJson(answer.value, workRequestPage, what)
    if (!json.ok) return json
    for (const row of json.value.results) {
      const parsed = waitTaskJson.safeParse(row)
      if (parsed.success) {
        const { task_type: type, task_name: name, status, workflow_data: data } = parsed.data
        if (type === 'Wait' && status === 'running' && wanted.has(name) && data?.needs_input !== false)
          found.set(parsed.data.id, toWaitTask(parsed.data))
      } else if (typeof row === 'object' && row !== null && 'task_type' in row && row.task_type === 'Wait') {
        return err(invalidAnswer(what, parsed.error.message))
      }
    }
    if (json.value.next === null) break
    // Only the cursor is taken from the server's URL: the token goes to no other address.
    const next: string | null = URL.parse(json.value.next)?.searchParams.get('cursor') ?? null
    if (next === null || next === cursor) return err(invalidAnswer(what, 'next page without a new cursor'))
    cursor = next
  }
  return ok([...found.values()])
}

const notAUser = serverFailure(
  'not-authenticated',
  'The server does not take the API token in the settings for a user’s: it ran out, was removed, or is another kind of token. Enter a new one in the settings.',
)

function broken(failure: ServerFailure): UserServer {
  const fail = () => Promise.resolve(err(failure))
  return {
    dialect: fail,
    user: fail,
    waiting: fail,
    task: fail,
    workflow: fail,
    confirm: fail,
    externalDebsign: fail,
    isCreator: fail,
    artifact: fail,
    download: fail,
    createUpload: fail,
    missingFiles: fail,
    upload: fail,
    provideSignature: fail,
    close: () => {},
  }
}
