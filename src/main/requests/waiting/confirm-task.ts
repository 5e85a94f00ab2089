import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../../db/database.ts'
import type { ConfirmationRow } from '../../../../db/tables/confirmation.table.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { auditSeq, type WorkRequestId, workRequestId } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ConfirmOutcome, ConfirmWords } from '../../../shared/waiting.ts'
import { step } from '../../app/steps.ts'
import type { AuditLog } from '../../audit/audit-log.ts'
import type { AuditEntryOf } from '../../audit/format/entry.ts'
import type { UserServer } from '../../debusine/user-server.ts'
import type { WaitTask } from '../../debusine/wait-task.ts'
import { asUser, type UserSessionPorts } from './user-session.ts'

export interface ConfirmPorts extends UserSessionPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly now: () => Date
}

export interface ConfirmInput {
  readonly workRequestId: WorkRequestId
  readonly confirm: boolean
  readonly comment: string | null
  /** What the person was shown. */
  readonly words: ConfirmWords
}

/**
 * Answers a task that waits for a yes or no. The answer is on record before it is sent, and it is sent once: when no answer of the server
 * comes, the task is looked at, which tells whether it arrived. While that is not known, no other answer is given.
 */
export function answerConfirm(ports: ConfirmPorts, input: ConfirmInput): Promise<Result<ConfirmOutcome, Failure>> {
  return asUser(ports, null, async (server, { apiUrl, scope }) => {
    const open = await openConfirmation(ports.db, apiUrl, input.workRequestId)
    if (open !== null) {
      const settled = await settle(ports, server, open)
      return settled.ok ? err(settledFirst(settled.value)) : settled
    }
    const user = await server.user()
    if (!user.ok) return user
    const found = await server.task(input.workRequestId)
    if (!found.ok) return found
    if (found.value === null) return err(notThere)
    const task = found.value
    if (task.confirm === null || task.request.taskType !== 'Wait') return err(notAQuestion)
    if (task.request.status !== 'running') return err(endedAlready(task))
    const { confirmLabel, denyLabel, denyAction } = task.confirm
    const { words } = input
    if (words.confirmLabel !== confirmLabel || words.denyLabel !== denyLabel || words.denyAction !== denyAction)
      return err(wordsChanged)

    step('confirmation', 'before')
    const intended = await writeTransaction(ports.db, async (trx) => {
      const operator = ports.settings().operatorName
      const [intentSeq] = await ports.audit.append(trx, [
        {
          event: 'confirmation-intended',
          server: apiUrl,
          workRequestId: input.workRequestId,
          scope,
          workspace: task.request.workspace,
          confirm: input.confirm,
          label: input.confirm ? confirmLabel : denyLabel,
          denyAction,
          comment: input.comment,
          user: user.value,
          operator,
        },
      ])
      if (intentSeq === undefined) throw new Error('one entry has one number')
      return trx
        .insertInto('confirmation')
        .values({
          intent_seq: intentSeq,
          server: apiUrl,
          scope,
          work_request_id: input.workRequestId,
          confirm: input.confirm ? 1 : 0,
          deny_action: denyAction,
          comment: input.comment,
          operator,
          intended_at: ports.now().toISOString(),
          outcome: null,
          outcome_seq: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
    })
    if (!intended.ok) return intended
    step('confirmation', 'after')
    return send(ports, server, intended.value)
  })
}

async function send(
  ports: ConfirmPorts,
  server: UserServer,
  row: ConfirmationRow,
): Promise<Result<ConfirmOutcome, Failure>> {
  const id = workRequestId.parse(row.work_request_id)
  const answered = await server.confirm(id, { confirm: row.confirm === 1, comment: row.comment })
  step('confirmation-answer', 'before')
  if (!answered.ok) {
    // Only these leave open what happened. Anything else is the server's word that it did nothing.
    if (!mayHaveArrived.has(answered.error.code))
      return record(ports, row, {
        outcome: 'not-taken',
        task: null,
        askedAgain: false,
        message: answered.error.message,
      })
    const settled = await settle(ports, server, row)
    return settled.ok ? settled : err(notKnown(settled.error))
  }
  switch (answered.value.kind) {
    case 'taken':
      return record(ports, row, {
        // Taken and not yet ended: a server may queue it, as it does with the results of workers since 0.14.7.
        outcome: endedAs(row, answered.value.task) || waits(answered.value.task) ? 'taken' : 'overtaken',
        task: answered.value.task,
        askedAgain: false,
        message: null,
      })
    case 'not-allowed':
      return record(ports, row, {
        outcome: 'not-taken',
        task: null,
        askedAgain: false,
        message: `${onlyTheirs} It says: “${answered.value.message}”.`,
      })
    case 'not-waiting': {
      const seen = await server.task(id)
      return record(ports, row, {
        outcome: 'overtaken',
        task: seen.ok ? seen.value : null,
        askedAgain: false,
        message: answered.value.message,
      })
    }
  }
}

const mayHaveArrived: ReadonlySet<string> = new Set([
  'server-unreachable',
  'server-error',
  'server-answer-invalid',
  'cancelled',
])

/** Looks at a task of which it is not known whether our answer arrived. A failure: still not known. */
async function settle(
  ports: ConfirmPorts,
  server: UserServer,
  row: ConfirmationRow,
): Promise<Result<ConfirmOutcome, Failure>> {
  const found = await server.task(workRequestId.parse(row.work_request_id))
  if (!found.ok) return found
  const task = found.value
  const outcome =
    task === null ? 'overtaken' : waits(task) ? 'not-delivered' : endedAs(row, task) ? 'taken' : 'overtaken'
  return record(ports, row, { outcome, task, askedAgain: true, message: null })
}

/** Whether the task ended as this answer ends it. Another person's same answer ends it no differently. */
function endedAs(row: ConfirmationRow, { request }: WaitTask): boolean {
  if (row.confirm === 1) return request.status === 'completed' && request.result === 'success'
  if (row.deny_action === 'fail') return request.status === 'completed' && request.result === 'failure'
  if (row.deny_action === 'unknown') return request.status !== 'running' && request.result !== 'success'
  return request.status === 'aborted'
}

function waits({ request }: WaitTask): boolean {
  return request.status === 'running'
}

interface Found {
  readonly outcome: ConfirmOutcome['outcome']
  readonly task: WaitTask | null
  readonly askedAgain: boolean
  readonly message: string | null
}

async function record(
  ports: ConfirmPorts,
  row: ConfirmationRow,
  { outcome, task, askedAgain, message }: Found,
): Promise<Result<ConfirmOutcome, Failure>> {
  const entry: AuditEntryOf<'confirmation-answered'> = {
    event: 'confirmation-answered',
    intentSeq: auditSeq.parse(row.intent_seq),
    server: row.server,
    workRequestId: workRequestId.parse(row.work_request_id),
    outcome,
    askedAgain,
    status: task?.request.status ?? null,
    result: task?.request.result ?? null,
    endedBy: task?.completedBy ?? task?.abortedBy ?? null,
    message,
  }
  const written = await writeTransaction(ports.db, async (trx) => {
    const [seq] = await ports.audit.append(trx, [entry])
    if (seq === undefined) throw new Error('one entry has one number')
    await trx
      .updateTable('confirmation')
      .set({ outcome, outcome_seq: seq })
      .where('intent_seq', '=', row.intent_seq)
      .execute()
  })
  step('confirmation-answer', 'after')
  return written.ok ? ok({ outcome, sentence: sentenceOf(row, outcome, task, message) }) : written
}

function sentenceOf(
  row: ConfirmationRow,
  outcome: ConfirmOutcome['outcome'],
  task: WaitTask | null,
  message: string | null,
): string {
  const said = message === null ? '' : ` It says: “${message}”.`
  switch (outcome) {
    case 'taken':
      return row.confirm === 1
        ? 'The server took the confirmation. What waited for it goes on.'
        : `The server took the refusal. ${denied[row.deny_action] ?? 'The task has ended.'}`
    case 'not-taken':
      return `The answer was not taken, and nothing was changed at the server. ${message ?? ''}`.trim()
    case 'overtaken':
      return `The answer came too late: ${task === null ? 'the task is not there any more' : `the task ${endOf(task)}`}.${said}`
    case 'not-delivered':
      return 'The answer did not arrive: the task still waits. You can answer it again.'
  }
}

const onlyTheirs = 'Only the person who made the task and owners of its workspace may answer it.'

const denied: Readonly<Record<string, string>> = {
  fail: 'The task has failed, and with it what depends on it.',
  abort: 'The task was aborted, and with it what depends on it.',
  'abort-workflow': 'The whole workflow was aborted.',
}

function endOf({ request, completedBy, abortedBy }: WaitTask): string {
  const by = completedBy ?? abortedBy
  const who = by === null ? '' : ` by user ${by}`
  if (request.status === 'completed')
    return request.result === 'success' ? `was confirmed${who}` : `was ended with ${request.result}${who}`
  return request.status === 'aborted' ? `was aborted${who}` : `is ${request.status}`
}

/** The answer to a task of which it is not known whether it arrived. */
export async function openConfirmation(
  db: Kysely<Database>,
  apiUrl: string,
  id: number,
): Promise<ConfirmationRow | null> {
  const row = await readerOf(db)
    .selectFrom('confirmation')
    .selectAll()
    .where('server', '=', apiUrl)
    .where('work_request_id', '=', id)
    .where('outcome', 'is', null)
    .executeTakeFirst()
  return row ?? null
}

/** Asks the server about every answer of which it is not known whether it arrived. What cannot be found out stays open. */
export async function settleConfirmations(ports: ConfirmPorts): Promise<Result<number, Failure>> {
  const { apiUrl } = ports.settings().server
  const open = await readerOf(ports.db)
    .selectFrom('confirmation')
    .selectAll()
    .where('outcome', 'is', null)
    .where('server', '=', apiUrl ?? '')
    .orderBy('intent_seq')
    .execute()
  if (open.length === 0) return ok(0)
  return asUser(ports, apiUrl, async (server) => {
    let settled = 0
    for (const row of open) {
      const found = await settle(ports, server, row)
      if (!found.ok) return found
      settled++
    }
    return ok(settled)
  })
}

const notThere: Failure = {
  kind: 'refused',
  code: 'task-not-there',
  message: 'The server has no such task, or does not show it to you any more. Nothing was answered.',
}
const notAQuestion: Failure = {
  kind: 'invalid',
  code: 'task-not-a-question',
  message: 'This task is none that can be confirmed or refused. Nothing was answered.',
}
const wordsChanged: Failure = {
  kind: 'refused',
  code: 'task-changed',
  message:
    'The server now words this question otherwise than it was shown, or a refusal would do something else. Nothing was answered. Read it again.',
}
function endedAlready(task: WaitTask): Failure {
  return {
    kind: 'refused',
    code: 'task-ended',
    message: `The task does not wait any more: it ${endOf(task)}. Nothing was answered.`,
  }
}
function settledFirst({ sentence }: ConfirmOutcome): Failure {
  return {
    kind: 'refused',
    code: 'answered-before',
    message: `An earlier answer was still open, and was looked up first. ${sentence} The new answer was not sent.`,
  }
}
function notKnown(why: Failure): Failure {
  return {
    kind: 'unavailable',
    code: 'answer-not-known',
    message:
      'No answer came from the server, and it could not be asked again: whether it took yours is not known. It is on record, is not sent twice, and is looked up as soon as the server answers.',
    ...(why.detail === undefined ? {} : { detail: why.detail }),
  }
}
