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
  const rows = await db.selectFrom('signature').select(['ordinal', 'state']).where('request_id', '=', id).execute()
  // A file that several keys sign has failed with the first of them that has.
  const further = await db
    .selectFrom('further_signature')
    .select('ordinal')
    .where('request_id', '=', id)
    .where('state', 'in', ['failed', 'unknown'])
    .execute()
  const failed = new Set([
    ...rows.filter(({ state }) => state === 'failed' || state === 'unknown').map(({ ordinal }) => ordinal),
    ...further.map(({ ordinal }) => ordinal),
  ])
  return { toSign, signed: rows.filter(({ state }) => state === 'signed').length, failed: failed.size }
}

/** Intents that have no outcome, of every key. */
export async function openIntents(
  db: DeskPorts['db'] | Transaction<Database>,
  id: RequestId,
): Promise<readonly { readonly ordinal: number; readonly intentSeq: number }[]> {
  const rows = await Promise.all(
    (['signature', 'further_signature'] as const).map((table) =>
      db
        .selectFrom(table)
        .select(['ordinal', 'intent_seq'])
        .where('request_id', '=', id)
        .where('state', '=', 'begun')
        .execute(),
    ),
  )
  return rows
    .flat()
    .sort((a, b) => a.ordinal - b.ordinal || a.intent_seq - b.intent_seq)
    .map((row) => ({ ordinal: row.ordinal, intentSeq: row.intent_seq }))
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
  const inDoubt = new Set(open.map(({ ordinal }) => ordinal))
  const tally: Tally = { ...before, failed: before.failed + inDoubt.size }
  const moved = await move(ports, id, { kind: 'incident-closed', tally, note }, async (trx) => {
    const [seq] = await ports.audit.append(trx, [{ event: 'incident-closed', requestId: id, note, operator }])
    const unknown = { state: 'unknown', outcome_seq: seq ?? null, at: ports.now().toISOString() }
    for (const table of ['signature', 'further_signature'] as const)
      await trx.updateTable(table).set(unknown).where('request_id', '=', id).where('state', '=', 'begun').execute()
    return []
  })
  return moved.ok ? ok(null) : moved
}
