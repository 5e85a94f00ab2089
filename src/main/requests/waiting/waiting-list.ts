import { readerOf } from '../../../../db/database.ts'
import type { Failure } from '../../../shared/failure.ts'
import { requestId } from '../../../shared/ids.ts'
import { requestOutcome } from '../../../shared/request.ts'
import { ok, type Result } from '../../../shared/result.ts'
import type { WaitingList, WaitingTask } from '../../../shared/waiting.ts'
import type { UserServer } from '../../debusine/user-server.ts'
import { uploadSummaryOf, type WaitTask, type WorkflowFacts } from '../../debusine/wait-task.ts'
import { type ConfirmPorts, openConfirmation } from './confirm-task.ts'
import { asUser } from './user-session.ts'

/** Facts of other people's tasks that do not change while they wait: asked for once. */
export interface WaitingMemory {
  readonly creators: Map<string, boolean>
  readonly workflows: Map<string, WorkflowFacts | null>
  readonly uploads: Map<string, UploadFacts | null>
}

type UploadFacts = NonNullable<Extract<WaitingTask, { kind: 'external-debsign' }>['upload']>

/** Tasks that are looked at more closely with one list: what comes beyond is shown with the next. */
const closerLooks = 40

export function createWaitingMemory(): WaitingMemory {
  return { creators: new Map(), workflows: new Map(), uploads: new Map() }
}

/** What waits at the server for the user whose API token is set, oldest first. Changes nothing there. */
export function listWaitingTasks(ports: ConfirmPorts, memory: WaitingMemory): Promise<Result<WaitingList, Failure>> {
  return asUser(ports, null, async (server, { apiUrl }) => {
    const user = await server.user()
    if (!user.ok) return user
    const listed = await server.waiting()
    if (!listed.ok) return listed
    // Whose a task is depends on whose token it is.
    const look = createLook(server, memory, `${apiUrl} ${user.value} `)
    const tasks: WaitingTask[] = []
    let ofOthers = 0
    for (const task of [...listed.value].sort((a, b) => a.request.id - b.request.id)) {
      if (task.request.taskName === 'externaldebsign') {
        const mine = await look.isMine(task)
        if (!mine.ok) return mine
        if (mine.value) tasks.push(await external(ports, look, apiUrl, task))
        else ofOthers++
      } else {
        const question = await confirmation(ports, look, apiUrl, task)
        if (question !== null) tasks.push(question)
      }
    }
    forgetEnded(memory, new Set(listed.value.flatMap(({ request, workflowRoot }) => [request.id, workflowRoot])))
    return ok({ user: user.value, tasks, ofOthers, asOf: ports.now().toISOString() })
  })
}

/** What does not wait any more, and what another user waited for. */
function forgetEnded(memory: WaitingMemory, waiting: ReadonlySet<number | null>): void {
  for (const kept of Object.values(memory) as Map<string, unknown>[])
    for (const key of kept.keys()) if (!waiting.has(Number(key.slice(key.lastIndexOf(' ') + 1)))) kept.delete(key)
}

async function external(ports: ConfirmPorts, look: Look, apiUrl: string, task: WaitTask): Promise<WaitingTask> {
  const held = await readerOf(ports.db)
    .selectFrom('request')
    .select(['id', 'stage', 'outcome'])
    .where('server', '=', apiUrl)
    .where('work_request_id', '=', task.request.id)
    .executeTakeFirst()
  return {
    kind: 'external-debsign',
    ...common(task, await look.workflow(task)),
    upload: await look.upload(task),
    inHand: held === undefined || held.stage === 'done' ? null : requestId.parse(held.id),
    endedHere: held === undefined || held.outcome === null ? null : requestOutcome.parse(held.outcome),
  }
}

async function confirmation(
  ports: ConfirmPorts,
  look: Look,
  apiUrl: string,
  task: WaitTask,
): Promise<WaitingTask | null> {
  if (task.confirm === null) return null
  const { confirmLabel, denyLabel, denyAction, autoConfirm } = task.confirm
  const open = await openConfirmation(ports.db, apiUrl, task.request.id)
  return {
    kind: 'confirm',
    ...common(task, await look.workflow(task)),
    words: { confirmLabel, denyLabel, denyAction },
    autoConfirm,
    unsettled: open === null ? null : { confirm: open.confirm === 1, operator: open.operator, at: open.intended_at },
  }
}

function common({ request, displayName }: WaitTask, workflow: WorkflowFacts | null) {
  return {
    workRequestId: request.id,
    workspace: request.workspace,
    createdAt: request.createdAt,
    createdBy: request.createdBy,
    displayName,
    workflow,
  }
}

interface Look {
  isMine(task: WaitTask): Promise<Result<boolean, Failure>>
  workflow(task: WaitTask): Promise<WorkflowFacts | null>
  upload(task: WaitTask): Promise<UploadFacts | null>
}

/** Looks once at what does not change; what cannot be read is left out of the list, and asked for again with the next. */
function createLook(server: UserServer, memory: WaitingMemory, as: string): Look {
  let left = closerLooks
  const once = async <T>(
    kept: Map<string, T>,
    key: string,
    ask: () => Promise<Result<T, Failure>>,
  ): Promise<T | null> => {
    const known = kept.get(key)
    if (known !== undefined) return known
    if (left <= 0) return null
    left--
    const found = await ask()
    if (found.ok) kept.set(key, found.value)
    return found.ok ? found.value : null
  }
  return {
    isMine: async (task) => {
      const key = as + task.request.id
      const known = memory.creators.get(key)
      if (known !== undefined) return ok(known)
      if (left <= 0) return ok(false)
      left--
      const mine = await server.isCreator(task.request.id)
      if (mine.ok) memory.creators.set(key, mine.value)
      return mine
    },
    workflow: async ({ workflowRoot }) =>
      workflowRoot === null ? null : once(memory.workflows, as + workflowRoot, () => server.workflow(workflowRoot)),
    upload: (task) =>
      once(memory.uploads, as + task.request.id, async () => {
        const found = await server.externalDebsign(task.request.id)
        if (!found.ok || found.value === null) return found.ok ? ok(null) : found
        const { unsigned } = found.value
        const { id, scope, workspace } = task.request
        const artifact = await server.artifact({ workRequestId: id, token: null, scope, workspace }, unsigned)
        if (!artifact.ok) return artifact
        const summary = uploadSummaryOf(artifact.value.data)
        return ok(summary === null ? null : { artifactId: unsigned, ...summary })
      }),
  }
}
