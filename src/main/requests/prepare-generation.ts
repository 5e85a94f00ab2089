import { createHash } from 'node:crypto'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import { requestId, sha256Hex, workRequestId } from '../../shared/ids.ts'
import { purpose } from '../../shared/purpose.ts'
import type { GenerationWish } from '../../shared/request.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { canonicalBytes } from '../canonical/canonical-json.ts'
import type { WorkRequest } from '../debusine/server.ts'
import { generateTaskOf } from '../debusine/task-data.ts'
import type { Preparation } from './prepare.ts'
import { recordSheet } from './record-sheet.ts'
import { newestWish } from './request.repository.ts'

/** The name of debusine's task that asks for a key. */
export const generationTask = 'generatekey'

/**
 * A request for a key: what it asks for becomes its sheet. Nothing is fetched. What the settings do not take, and a purpose for
 * which this station makes no keys, can only be declined.
 */
export async function prepareGeneration(
  ports: Pick<Preparation, 'db' | 'settings' | 'now'>,
  row: RequestRow,
  request: WorkRequest,
): Promise<Result<{ readonly digest: string }, Failure>> {
  const task = generateTaskOf(request)
  if (!task.ok) return task
  if (!purpose.safeParse(task.value.purpose).success) return err(purposeUnsupported(task.value.purpose))
  if (!ports.settings().keyRequests.accept) return err(notAccepted)
  const wish: GenerationWish = {
    v: 1,
    kind: 'generate-key',
    requestId: requestId.parse(row.id),
    server: row.server,
    workRequestId: workRequestId.parse(row.work_request_id),
    scope: row.scope,
    workspace: row.workspace,
    ...task.value,
    createdBy: row.created_by,
  }
  const sheet = canonicalBytes(wish)
  const digest = sha256Hex.parse(createHash('sha256').update(sheet).digest('hex'))
  const before = await newestWish(ports.db, wish.requestId)
  // What was approved is what was asked: a server that asks for something else under the same request is not served.
  if (before !== null && before.digest !== digest && row.stage !== 'review' && row.stage !== 'preparing')
    return err(changedAtServer)
  const at = ports.now().toISOString()
  const recorded = await recordSheet(ports.db, {
    id: wish.requestId,
    sheet,
    digest,
    madeAt: at,
    approvable: true,
    title: `Make a key: ${wish.description}`,
    requestedBy: null,
    worstCheck: 'passed',
    at,
  })
  return recorded.ok ? ok({ digest }) : recorded
}

function purposeUnsupported(name: string): Failure {
  return {
    kind: 'refused',
    code: 'purpose-unsupported',
    message: `This station does not make keys for the purpose “${name}” yet. No key was made. Decline the request, so that it is not waited for.`,
  }
}
const notAccepted: Failure = {
  kind: 'refused',
  code: 'key-requests-not-accepted',
  message:
    'The settings of this station take no requests for keys. No key was made. Decline the request, or allow such requests in Settings and try again.',
}
const changedAtServer: Failure = {
  kind: 'refused',
  code: 'input-changed-at-server',
  message:
    'The server now asks for another key than when the request was fetched. No key was made. Decline the request.',
}
