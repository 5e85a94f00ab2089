import type { Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { auditSeq, type RequestId } from '../../shared/ids.ts'
import { ok, type Result } from '../../shared/result.ts'
import { type DeskPorts, move } from './desk-ports.ts'
import type { Tally } from './machine.ts'

/** How far the files of an approved request got, counted from what is committed. */
export async function tallyOf(
  db: DeskPorts['db'] | Transaction<Database>,
  id: RequestId,
  toSign: number,
): Promise<Tally> {
  const rows = await db
    .selectFrom('signature')
    .select('state')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('request_id', '=', id)
    .groupBy('state')
    .execute()
  const count = (state: string) => rows.find((row) => row.state === state)?.count ?? 0
  return { toSign, signed: count('signed'), failed: count('failed') + count('unknown') }
}

export async function openIntents(
  db: DeskPorts['db'] | Transaction<Database>,
  id: RequestId,
): Promise<readonly { readonly ordinal: number; readonly intentSeq: number }[]> {
  const rows = await db
    .selectFrom('signature')
    .select(['ordinal', 'intent_seq'])
    .where('request_id', '=', id)
    .where('state', '=', 'begun')
    .orderBy('ordinal')
    .execute()
  return rows.map((row) => ({ ordinal: row.ordinal, intentSeq: row.intent_seq }))
}

/** An intent without an outcome: shown until a person has looked into it. */
export async function openIncident(ports: DeskPorts, id: RequestId, reason: string): Promise<Result<null, Failure>> {
  const open = await openIntents(ports.db, id)
  const moved = await move(
    ports,
    id,
    { kind: 'signing-lost', openOrdinals: open.map(({ ordinal }) => ordinal) },
    async () => [
      {
        event: 'incident-opened',
        requestId: id,
        openIntents: open.map(({ intentSeq }) => auditSeq.parse(intentSeq)),
        reason,
      },
    ],
  )
  return moved.ok ? ok(null) : moved
}

/**
 * A person has looked into it. The files in doubt are settled as unknown, for ever: their signatures are never released and
 * never made again under this approval. What was signed is returned.
 */
export async function closeIncident(
  ports: DeskPorts,
  id: RequestId,
  note: string,
  toSign: number,
): Promise<Result<null, Failure>> {
  const operator = ports.settings().operatorName
  const before = await tallyOf(ports.db, id, toSign)
  const open = await openIntents(ports.db, id)
  const tally: Tally = { ...before, failed: before.failed + open.length }
  const moved = await move(ports, id, { kind: 'incident-closed', tally, note }, async (trx) => {
    const [seq] = await ports.audit.append(trx, [{ event: 'incident-closed', requestId: id, note, operator }])
    await trx
      .updateTable('signature')
      .set({ state: 'unknown', outcome_seq: seq ?? null, at: ports.now().toISOString() })
      .where('request_id', '=', id)
      .where('state', '=', 'begun')
      .execute()
    return []
  })
  return moved.ok ? ok(null) : moved
}
