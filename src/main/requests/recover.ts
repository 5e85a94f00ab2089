import type { RequestRow } from '../../../db/tables/request.table.ts'
import { auditSeq, type RequestId, requestId } from '../../shared/ids.ts'
import { type DeskPorts, move } from './desk-ports.ts'
import { openIntents, tallyOf } from './incident.ts'
import { rememberSigned, signedText } from './last-signed.ts'
import type { RequestEffect } from './machine.ts'
import { generationTask } from './prepare-generation.ts'
import { findSheet, unfinishedRequests } from './request.repository.ts'
import { recoverGeneration } from './serve-generation.ts'
import { parseState } from './transition.ts'
import { filesOfSheet } from './use-of-key.ts'

/** After a start: finds where each request was, from what is committed. Never signs by itself. */
export async function recoverRequests(
  ports: DeskPorts,
  carryOut: (id: RequestId, effects: readonly RequestEffect[]) => void,
): Promise<void> {
  for (const row of await unfinishedRequests(ports.db)) {
    carryOut(requestId.parse(row.id), await recoverRequest(ports, row))
  }
}

/** One request that nobody works on, though it may say so; the answer is what has to follow. */
export async function recoverRequest(ports: DeskPorts, row: RequestRow): Promise<readonly RequestEffect[]> {
  if (row.task_name === generationTask) return recoverGeneration(ports, row)
  const id = requestId.parse(row.id)
  const before = parseState(row.state)
  const sheet = before.kind === 'signing' ? await findSheet(ports.db, id, before.approval.sheetDigest) : null
  const toSign = sheet === null ? 0 : filesOfSheet(sheet.sheet).length
  const open = await openIntents(ports.db, id)
  const tally = await tallyOf(ports.db, id, toSign)
  const text = sheet === null ? null : await signedText(ports.spool, sheet.sheet)
  const moved = await move(
    ports,
    id,
    { kind: 'recovered', openOrdinals: open.map(({ ordinal }) => ordinal), tally },
    async (trx, { state }) => {
      // It was whole before it could be said: the next of its suite or source is compared with it all the same.
      if (sheet !== null && state.kind === 'returning' && state.verdict === 'signed')
        await rememberSigned(trx, row, sheet.sheet, text, ports.now().toISOString())
      return state.kind === 'incident' && before.kind !== 'incident'
        ? [
            {
              event: 'incident-opened',
              requestId: id,
              openIntents: open.map(({ intentSeq }) => auditSeq.parse(intentSeq)),
              reason: 'The station stopped while the token was at work.',
            },
          ]
        : []
    },
  )
  if (moved.ok) return moved.value.effects
  ports.log('request.not-recovered', { request: id, code: moved.error.code })
  return []
}
