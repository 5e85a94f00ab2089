import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { Answer } from '../../shared/contract.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { Settings } from '../../shared/settings.ts'
import { createPendingWorkList } from '../debusine/debusine-server.ts'
import { readPrivate } from '../debusine/token-file.ts'
import { taskWish } from '../debusine/upload-task.ts'
import type { KeyRegistry } from '../keys/key-registry.ts'
import { generationTask } from './prepare-generation.ts'

export interface PendingWorkPorts {
  readonly db: Kysely<Database>
  readonly settings: Settings
  readonly keys: KeyRegistry
  /** File with a user's API token, mode 0600. */
  readonly userTokenFile: string
  readonly now: () => Date
}

/** What waits at the server and is not held here, as a user's API token sees it: read-only, and holding nothing up. */
export async function listPendingWork(ports: PendingWorkPorts): Promise<Result<Answer<'requests.next'>, Failure>> {
  const { server } = ports.settings
  if (server.apiUrl === null) return err(noServer)
  const token = await readPrivate(ports.userTokenFile)
  if (!token.ok) return token
  if (token.value === null) return err(noUserToken)
  const list = createPendingWorkList({ apiUrl: server.apiUrl, caPem: server.caPem })
  const secret = Secret.fromText(token.value)
  try {
    const pending = await list.pending(secret, server.scope)
    if (!pending.ok) return pending
    const keys = await ports.keys.list()
    const held = await readerOf(ports.db)
      .selectFrom('request')
      .select('work_request_id')
      .where('stage', '<>', 'done')
      .execute()
    const work = pending.value
      .filter((request) => !held.some((row) => row.work_request_id === request.id))
      .map((request) => {
        const wish = taskWish(request)
        const key =
          wish === null
            ? undefined
            : keys.find((each) => each.purpose === wish.purpose && each.fingerprint === wish.fingerprint)
        return {
          workRequestId: request.id,
          task: request.taskName,
          purpose: wish?.purpose ?? null,
          fingerprint: wish?.fingerprint ?? null,
          workspace: request.workspace,
          createdAt: request.createdAt,
          createdBy: request.createdBy,
          priority: request.priority,
          assignedTo: request.worker,
          servable: key?.usableNow === true || (wantsKey(request) && ports.settings.keyRequests.accept),
          note: wantsKey(request)
            ? ports.settings.keyRequests.accept
              ? null
              : 'The settings take no requests for keys.'
            : wish === null
              ? request.taskName === 'signrepositoryindex'
                ? 'Its keys are not known before it is assigned.'
                : 'This station does not do this task.'
              : key === undefined
                ? 'No such key is registered here.'
                : key.unusableBecause,
        }
      })
    return ok({ work, asOf: ports.now().toISOString() })
  } finally {
    secret.wipe()
    list.close()
  }
}

function wantsKey(request: { readonly taskName: string }): boolean {
  return request.taskName === generationTask
}

const noServer: Failure = {
  kind: 'refused',
  code: 'server-not-set',
  message: 'No server is set. Enter its address in the settings.',
}
const noUserToken: Failure = {
  kind: 'refused',
  code: 'user-token-absent',
  message:
    'The list of waiting work needs an API token of a user of the server. Enter one in the settings; it reads the list, shows what waits for you, and does in your name what you ask for: an answer, a signed upload, the asset of a key.',
}
