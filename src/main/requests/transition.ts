import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Database } from '../../../db/database.ts'
import { failure } from '../../shared/failure.ts'
import { type RequestId, sha256Hex, utcTime } from '../../shared/ids.ts'
import { requestOutcome } from '../../shared/request.ts'
import { type RequestEffect, type RequestEvent, type RequestState, step } from './machine.ts'

const approval = z.strictObject({ sheetDigest: sha256Hex, operator: z.string(), at: utcTime })

/** The state as it is stored. A row that does not parse was not written by this program: it is a defect, never a default. */
const storedState: z.ZodType<RequestState> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('preparing') }),
  z.strictObject({ kind: z.literal('unprepared'), failure }),
  z.strictObject({ kind: z.literal('review'), sheetDigest: sha256Hex, approvable: z.boolean() }),
  z.strictObject({ kind: z.literal('signing'), approval }),
  z.strictObject({ kind: z.literal('interrupted'), approval, failure }),
  z.strictObject({ kind: z.literal('incident'), approval, openOrdinals: z.array(z.int()) }),
  z.strictObject({
    kind: z.literal('returning'),
    verdict: requestOutcome.exclude(['aborted-by-server']),
    reason: z.string().nullable(),
    failure: failure.nullable(),
  }),
  z.strictObject({ kind: z.literal('done'), outcome: requestOutcome, reason: z.string().nullable() }),
])

export function parseState(text: string): RequestState {
  return storedState.parse(JSON.parse(text))
}

export interface Transition {
  readonly state: RequestState
  readonly effects: readonly RequestEffect[]
}

/**
 * The only way in which a request's state changes: reads it, asks the machine, stores the answer, in the caller's
 * transaction. Null: the event does not belong to the state that is stored now; nothing was written.
 */
export async function transition(
  trx: Transaction<Database>,
  requestId: RequestId,
  event: RequestEvent,
  at: string,
): Promise<Transition | null> {
  const row = await trx.selectFrom('request').select('state').where('id', '=', requestId).executeTakeFirst()
  if (row === undefined) return null
  const next = step(parseState(row.state), event)
  if (next === null) return null
  await trx
    .updateTable('request')
    .set({
      state: JSON.stringify(next.state),
      stage: next.state.kind,
      outcome: next.state.kind === 'done' ? next.state.outcome : null,
      updated_at: at,
    })
    .where('id', '=', requestId)
    .execute()
  return next
}
