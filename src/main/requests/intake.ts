import { randomUUID } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { type RequestId, requestId } from '../../shared/ids.ts'
import { ok, type Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import type { DebusineServer, HeldWork } from '../debusine/server.ts'
import { keyOfTask } from '../debusine/upload-task.ts'
import { tallyOf } from './incident.ts'
import { initialStep, type RequestState } from './machine.ts'
import { generationTask } from './prepare-generation.ts'
import { findSheet, heldReference, requestInHand } from './request.repository.ts'
import { parseState } from './transition.ts'
import { filesOfSheet } from './use-of-key.ts'

/** UTF-16 units of the fetch reply that are kept. */
const maxRaw = 1_000_000

export interface Intake {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly server: DebusineServer
  readonly now: () => Date
}

export type Taken =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'holding' }
  /** The last request is finished here and not yet at the server: a fetch now would take it for lost and abort it. */
  | { readonly kind: 'settling' }
  | { readonly kind: 'taken'; readonly requestId: RequestId }
  /** It had ended here: the answer that it had is sent again. */
  | { readonly kind: 'given-again'; readonly requestId: RequestId }

/**
 * Takes the request that the server assigned, unless one is in hand: a second fetch is destructive (docs/flows/server.md). What is
 * needed to go on after a restart is committed before anybody is told.
 */
export async function takeNext(intake: Intake): Promise<Result<Taken, Failure>> {
  if ((await requestInHand(intake.db, intake.server.apiUrl)) !== null) return ok({ kind: 'holding' })
  const settled = await lastOneSettled(intake)
  if (!settled.ok) return settled
  if (!settled.value) return ok({ kind: 'settling' })
  step('fetch', 'before')
  const fetched = await intake.server.fetchNext()
  step('fetch', 'after')
  if (!fetched.ok) return fetched
  if (fetched.value === null) return ok({ kind: 'nothing' })
  step('intake', 'before')
  const kept = await keepWork(intake, fetched.value)
  step('intake', 'after')
  return kept
}

/**
 * On 0.16 the answer to a completion only means "queued": until the state has changed, a fetch is taken to mean that the worker
 * lost the request, and aborts what was just completed. The finished request's token tells: it dies when the state changes.
 */
async function lastOneSettled({ db, server }: Intake): Promise<Result<boolean, Failure>> {
  const rows = await db
    .selectFrom('request')
    .selectAll()
    .where('server', '=', server.apiUrl)
    .where('stage', '=', 'done')
    .where('token', 'is not', null)
    .execute()
  for (const row of rows) {
    const held = await server.stillHeld(heldReference(row))
    if (!held.ok) return held
    if (held.value === 'held') return ok(false)
    await db.updateTable('request').set({ token: null }).where('id', '=', row.id).execute()
  }
  return ok(true)
}

/** Writes a fetched request before anybody is told of it. */
export async function keepWork({ db, audit, server, now }: Intake, work: HeldWork): Promise<Result<Taken, Failure>> {
  const { request } = work
  const at = now().toISOString()
  const key = keyOfTask(request)
  return writeTransaction(db, async (trx): Promise<Taken> => {
    const known = await trx
      .selectFrom('request')
      .select('id')
      .where('server', '=', server.apiUrl)
      .where('work_request_id', '=', request.id)
      .executeTakeFirst()
    const received = (id: RequestId): AuditEntryBody => ({
      event: 'request-received',
      requestId: id,
      server: server.apiUrl,
      workRequestId: request.id,
      scope: request.scope,
      workspace: request.workspace,
      purpose: key?.purpose ?? loggedTaskName(request.taskName),
      fingerprint: key?.fingerprint ?? null,
      createdBy: request.createdBy,
    })
    if (known !== undefined) {
      const id = requestId.parse(known.id)
      const state = await handedOutAgain(trx, id)
      await trx
        .updateTable('request')
        .set({
          token: work.token,
          worker: request.worker,
          fetched_at: work.fetchedAt,
          retry_count: request.retryCount,
          stage: state.kind,
          outcome: null,
          completion_sent: 0,
          state: JSON.stringify(state),
          updated_at: at,
        })
        .where('id', '=', id)
        .execute()
      await audit.append(trx, [received(id)])
      return { kind: state.kind === 'returning' ? 'given-again' : 'taken', requestId: id }
    }
    const id = requestId.parse(randomUUID())
    const purpose = key?.purpose ?? null
    await trx
      .insertInto('request')
      .values({
        id,
        server: server.apiUrl,
        work_request_id: request.id,
        scope: request.scope,
        workspace: request.workspace,
        token: work.token,
        worker: request.worker,
        fetched_at: work.fetchedAt,
        task_name: request.taskName,
        // Longer than any honest request; without it the request is malformed, and can be declined.
        raw: work.raw.length <= maxRaw ? work.raw : '',
        purpose,
        fingerprint: key?.fingerprint ?? null,
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
    await audit.append(trx, [received(id)])
    return { kind: 'taken', requestId: id }
  })
}

/** A task that is none of ours, in the log's bounds: a fetched request that could not be kept would be lost. */
function loggedTaskName(name: string): string {
  return name.slice(0, 64).toWellFormed() || 'unnamed'
}

/**
 * A request that had ended here and is handed out again. One that was answered gets the same answer, because ours was lost. One
 * that the server took back, or whose token died (0.16: after 7 days), is answered with what was decided; if nothing was
 * decided, it is what it was before: a request that a person has yet to see.
 */
async function handedOutAgain(
  trx: Transaction<Database>,
  id: RequestId,
): Promise<Extract<RequestState, { kind: 'preparing' | 'returning' }>> {
  const row = await trx
    .selectFrom('request')
    .select(['state', 'task_name', 'fingerprint'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const before = parseState(row.state)
  if (before.kind !== 'done') throw new Error(`request ${id} was fetched while it is ${before.kind}`)
  if (before.outcome !== 'aborted-by-server')
    return { kind: 'returning', verdict: before.outcome, reason: before.reason, failure: null }
  const decision = await trx.selectFrom('decision').selectAll().where('request_id', '=', id).executeTakeFirst()
  if (decision === undefined) return { kind: 'preparing' }
  if (decision.kind === 'declined' || decision.sheet_digest === null)
    return { kind: 'returning', verdict: 'declined', reason: decision.reason, failure: null }
  // A key that was made for it is there, whoever took the request back.
  if (row.task_name === generationTask && row.fingerprint !== null)
    return { kind: 'returning', verdict: 'signed', reason: null, failure: null }
  const stored = await findSheet(trx, id, decision.sheet_digest)
  const toSign = stored === null ? 0 : filesOfSheet(stored.sheet).length
  const { signed } = await tallyOf(trx, id, toSign)
  const reason = 'The server had taken the request back before all of it was signed.'
  if (signed === 0) return { kind: 'returning', verdict: 'failed', reason, failure: null }
  return signed === toSign
    ? { kind: 'returning', verdict: 'signed', reason: null, failure: null }
    : { kind: 'returning', verdict: 'partly-signed', reason, failure: null }
}
