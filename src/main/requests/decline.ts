import type { Failure } from '../../shared/failure.ts'
import type { RequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type DeskPorts, move, notFound } from './desk-ports.ts'
import { findRequest } from './request.repository.ts'
import { parseState } from './transition.ts'

/** A refusal is final and recorded; the server hears it as a failed work request with the operator's reason. */
export async function decline(ports: DeskPorts, id: RequestId, reason: string): Promise<Result<null, Failure>> {
  const row = await findRequest(ports.db, id)
  if (row === null) return err(notFound)
  const state = parseState(row.state)
  const sheetDigest = state.kind === 'review' ? state.sheetDigest : null
  const operator = ports.settings().operatorName
  const moved = await move(ports, id, { kind: 'declined', reason }, async (trx) => {
    await trx
      .insertInto('decision')
      .values({
        request_id: id,
        kind: 'declined',
        sheet_digest: sheetDigest,
        operator,
        reason,
        at: ports.now().toISOString(),
      })
      .execute()
    return [{ event: 'declined', requestId: id, sheetDigest, reason, operator }]
  })
  return moved.ok ? ok(null) : moved
}
