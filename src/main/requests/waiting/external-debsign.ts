import { randomUUID } from 'node:crypto'
import type { RequestRow } from '../../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, type RequestId, requestId, type WorkRequestId } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { step } from '../../app/steps.ts'
import type { DebusineServer, HeldReference, ServerFailure } from '../../debusine/server.ts'
import type { UserServer } from '../../debusine/user-server.ts'
import type { WaitTask } from '../../debusine/wait-task.ts'
import type { DeskPorts } from '../desk-ports.ts'
import { initialStep } from '../machine.ts'
import { asUser, type UserSessionPorts } from './user-session.ts'

/** The name of the task, as the server writes it: an upload that waits for the signature of whoever made the task. */
export const externalDebsignTask = 'externaldebsign'

export function isExternalDebsign(row: Pick<RequestRow, 'task_name'>): boolean {
  return row.task_name === externalDebsignTask
}

/** UTF-16 units of what is kept of the task. */
const maxRaw = 1_000_000

/** `fresh`: it was not in hand before. */
export interface TakenUpload {
  readonly id: RequestId
  readonly fresh: boolean
}

/**
 * Takes an ExternalDebsign as a request in hand, to be signed with the key that the person chose: the task names none. Nothing changes at the
 * server, which goes on waiting until the signature is handed in.
 */
export function takeExternalDebsign(
  ports: DeskPorts,
  of: { readonly workRequestId: WorkRequestId; readonly fingerprint: Fingerprint },
): Promise<Result<TakenUpload, Failure>> {
  return asUser(ports.userSession, null, async (server, { apiUrl }) => {
    const key = await ports.keys.find('openpgp', of.fingerprint)
    if (key === null || key.state !== 'active') return err(noSuchKey)
    const mine = await server.isCreator(of.workRequestId)
    if (!mine.ok) return mine
    if (!mine.value) return err(ofSomebodyElse)
    const found = await server.externalDebsign(of.workRequestId)
    if (!found.ok) return found
    if (found.value === null) return err(notWaiting)
    const raw = withKey(found.value.raw, of.fingerprint)
    if (raw.length > maxRaw) return err(tooLong)
    const { request } = found.value.task
    const at = ports.now().toISOString()
    step('intake', 'before')
    const written = await writeTransaction(ports.db, async (trx): Promise<TakenUpload | Failure> => {
      const known = await trx
        .selectFrom('request')
        .select(['id', 'stage', 'fingerprint'])
        .where('server', '=', apiUrl)
        .where('work_request_id', '=', request.id)
        .executeTakeFirst()
      // Another key is another sheet: the one in hand is declined first, by a person.
      if (known !== undefined)
        return known.stage !== 'done' && known.fingerprint === of.fingerprint
          ? { id: requestId.parse(known.id), fresh: false }
          : known.stage === 'done'
            ? endedHere
            : inHandAlready
      const id = requestId.parse(randomUUID())
      await trx
        .insertInto('request')
        .values({
          id,
          server: apiUrl,
          work_request_id: request.id,
          scope: request.scope,
          workspace: request.workspace,
          token: null,
          worker: null,
          fetched_at: at,
          task_name: externalDebsignTask,
          raw,
          purpose: 'openpgp',
          fingerprint: of.fingerprint,
          created_by: request.createdBy,
          requested_at: request.createdAt,
          retry_count: request.retryCount,
          title: `Work request ${request.id}`,
          requested_by: null,
          stage: initialStep.state.kind,
          outcome: null,
          state: JSON.stringify(initialStep.state),
          file_count: 0,
          signed_count: 0,
          worst_check: null,
          received_at: at,
          updated_at: at,
        })
        .execute()
      await ports.audit.append(trx, [
        {
          event: 'request-received',
          requestId: id,
          server: apiUrl,
          workRequestId: request.id,
          scope: request.scope,
          workspace: request.workspace,
          purpose: 'openpgp',
          fingerprint: of.fingerprint,
          createdBy: request.createdBy,
        },
      ])
      return { id, fresh: true }
    })
    step('intake', 'after')
    if (!written.ok) return written
    return 'id' in written.value ? ok(written.value) : err(written.value)
  })
}

/** What is kept reads as a Debsign with this key. The server's caches and a token, which it has none of, are left out. */
function withKey(raw: string, key: Fingerprint): string {
  const task = JSON.parse(raw) as { task_data: object } // read by its schema before
  return JSON.stringify({ ...task, task_data: { ...task.task_data, key } }, (name, value: unknown) =>
    name === 'token' || name === 'task_input_fields' ? undefined : value,
  )
}

/**
 * The server as the person at the desk sees it, for what is fetched and checked of an ExternalDebsign. Whatever a worker alone does is a
 * defect here: the signature goes back by `returnSignature`.
 */
export function serverOfUser(session: UserSessionPorts, apiUrl: string): DebusineServer {
  const call = <T>(
    work: (server: UserServer) => Promise<Result<T, ServerFailure>>,
  ): Promise<Result<T, ServerFailure>> =>
    // Failures of the settings have codes of their own; a caller that asks for the server's codes finds none of them.
    asUser(session, apiUrl, work) as Promise<Result<T, ServerFailure>>
  const workersOnly = () => Promise.reject(new Error('only a worker does this'))
  return {
    apiUrl,
    dialect: () => call((server) => server.dialect()),
    offer: workersOnly,
    fetchNext: workersOnly,
    stillHeld: ({ workRequestId }) =>
      call(async (server) => {
        const found = await server.task(workRequestId)
        return found.ok ? ok(waits(found.value) ? 'held' : 'gone') : found
      }),
    artifact: (held, id) => call((server) => server.artifact(held, id)),
    categoryOf: workersOnly,
    missingFiles: (held, id) => call((server) => server.missingFiles(held, id)),
    download: (held, file, destination, options) => call((server) => server.download(held, file, destination, options)),
    signPermission: ({ workRequestId }: HeldReference) =>
      call(async (server) => {
        const user = await server.user()
        if (!user.ok) return user
        const found = await server.task(workRequestId)
        if (!found.ok) return found
        const mine = found.value === null ? ok(false) : await server.isCreator(workRequestId)
        if (!mine.ok) return mine
        return ok({
          kind: 'own-signature' as const,
          username: user.value,
          userId: found.value?.request.createdBy ?? 0,
          mine: mine.value,
        })
      }),
    createArtifact: workersOnly,
    upload: workersOnly,
    relate: workersOnly,
    createKeyAsset: workersOnly,
    complete: workersOnly,
    producedArtifacts: workersOnly,
  }
}

function waits(task: WaitTask | null): boolean {
  return task?.request.taskName === externalDebsignTask && task.request.status === 'running'
}

const noSuchKey: Failure = {
  kind: 'refused',
  code: 'key-not-active',
  message: 'No active OpenPGP key with this fingerprint is registered here. Nothing was taken.',
}
const ofSomebodyElse: Failure = {
  kind: 'refused',
  code: 'not-yours',
  message:
    'The server takes this signature only from the person who made the task, and the API token in the settings is not theirs. Nothing was taken.',
}
const notWaiting: Failure = {
  kind: 'refused',
  code: 'task-ended',
  message: 'This upload does not wait for a signature any more. Nothing was taken.',
}
const tooLong: Failure = {
  kind: 'invalid',
  code: 'task-malformed',
  message: 'The task is longer than any honest one. Nothing was taken.',
}
const endedHere: Failure = {
  kind: 'refused',
  code: 'ended-here',
  message:
    'This upload was decided on at this station before, and a decision is final. Find it under Done. The server still waits: sign it elsewhere, or abort it there.',
}
const inHandAlready: Failure = {
  kind: 'refused',
  code: 'in-hand-already',
  message: 'This upload is in hand with another key. Nothing was changed. Find it under In hand.',
}
