import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'
import type { RequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { ReviewSheet } from '../../shared/review-sheet.ts'
import type { Settings } from '../../shared/settings.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditEntryBody } from '../audit/format/entry.ts'
import type { DebusineServer } from '../debusine/server.ts'
import type { Inspector } from '../inspector/inspector.ts'
import type { KeyMaker } from '../keys/key-maker.ts'
import type { KeyRegistry } from '../keys/key-registry.ts'
import type { Log } from '../log/logger.ts'
import type { SbatLevel } from '../policy/policy-input.ts'
import type { Signer } from '../signing/signer.ts'
import type { TokenService } from '../token/token-service.ts'
import { isByHand } from './by-hand/hand.repository.ts'
import type { RequestEvent } from './machine.ts'
import type { RunLogs } from './run-log.ts'
import type { Spool } from './spool.ts'
import { type Transition, transition } from './transition.ts'
import { isExternalDebsign, serverOfUser } from './waiting/external-debsign.ts'
import type { UserSessionPorts } from './waiting/user-session.ts'

/** Everything that the work on requests needs; each part is built in main/index.ts. */
export interface DeskPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService
  readonly keys: KeyRegistry
  readonly keyMaker: KeyMaker
  readonly runLogs: RunLogs
  readonly inspector: Inspector
  readonly signer: Signer
  readonly spool: Spool
  readonly sbatLevel: SbatLevel
  readonly settings: () => Settings
  /** The client of the server at this URL. Null: the station is not enrolled there (any more). */
  readonly serverAt: (apiUrl: string) => DebusineServer | null
  /** In whose name what waits for a person is fetched and handed in. */
  readonly userSession: UserSessionPorts
  /** Has a checkpoint of the log signed, if it can be; never fails. */
  readonly checkpoint: () => Promise<void>
  /** Live-log lines for whoever watches the request at the server. */
  readonly say: (workRequestId: number, line: string) => void
  /** What approvals that are given ahead rest on. */
  readonly standing: {
    /** Whether the lock of the desk is told, so that it ends them. */
    readonly seesLock: () => boolean
    /** Milliseconds of a clock that nobody sets. */
    readonly steady: () => number
    readonly unseenMs: number
    readonly scopeOf: (sheet: ReviewSheet) => string | null
  }
  readonly publish: <E extends EventName>(event: E, payload: EventPayload<E>) => void
  readonly now: () => Date
  readonly log: Log
}

/** The server of a request: as our worker sees it, or as the person at the desk does. Null: not enrolled there. */
export function serverOf(ports: DeskPorts, row: Pick<RequestRow, 'server' | 'task_name'>): DebusineServer | null {
  return isExternalDebsign(row) ? serverOfUser(ports.userSession, row.server) : ports.serverAt(row.server)
}

/** What was taken in a user's name, or opened by hand, held up no work of this station as a worker. */
export function heldUpWork(row: Pick<RequestRow, 'server' | 'task_name'>): boolean {
  return !isByHand(row) && !isExternalDebsign(row)
}

/** A live-log line at the server, where a worker's request has one. */
export function sayOf(
  ports: DeskPorts,
  row: Pick<RequestRow, 'server' | 'work_request_id' | 'task_name'>,
  line: string,
): void {
  if (heldUpWork(row)) ports.say(row.work_request_id, line)
}

/** Moves a request and writes what explains it, in one transaction. */
export async function move(
  ports: DeskPorts,
  id: RequestId,
  event: RequestEvent,
  also: (trx: Transaction<Database>, moved: Transition) => Promise<readonly AuditEntryBody[]> = async () => [],
): Promise<Result<Transition, Failure>> {
  const written = await writeTransaction(ports.db, async (trx) => {
    const moved = await transition(trx, id, event, ports.now().toISOString())
    if (moved === null) return null
    await ports.audit.append(trx, await also(trx, moved))
    return moved
  })
  if (!written.ok) return written
  if (written.value === null) return err(notNow)
  ports.publish('requests.changed', { requestId: id })
  return ok(written.value)
}

export const notNow: Failure = {
  kind: 'refused',
  code: 'not-now',
  message: 'The request has moved on; this does not apply to it any more. Nothing was changed. Look at it again.',
}
export const notFound: Failure = {
  kind: 'invalid',
  code: 'no-such-request',
  message: 'There is no such request at this station.',
}
export const notEnrolled: Failure = {
  kind: 'unavailable',
  code: 'not-enrolled',
  message:
    'The station is not enrolled at the server of this request. The request and what was signed are kept. Check the settings.',
}
export const defect: Failure = {
  kind: 'defect',
  code: 'defect',
  message:
    'The station met something that it does not expect, such as a folder that it cannot write; it is in the log. What was fetched, decided and signed is kept. Try again.',
}
