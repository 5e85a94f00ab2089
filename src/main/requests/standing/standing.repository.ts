import type { Transaction } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import type { RequestId, Sha256Hex } from '../../../shared/ids.ts'
import { fingerprint, requestId } from '../../../shared/ids.ts'
import type { StandingEnd } from '../../../shared/standing.ts'
import type { DeskPorts } from '../desk-ports.ts'

/** What names a grant in the log. */
export interface StandingName {
  readonly id: RequestId
  readonly purpose: string
  readonly fingerprint: ReturnType<typeof fingerprint.parse>
}

export async function recordGrant(
  trx: Transaction<Database>,
  { audit, now }: DeskPorts,
  granted: StandingName & {
    readonly scope: string
    readonly uses: number
    readonly endsAt: string
    readonly tokenSerial: string
    readonly lockSeen: boolean
    readonly operator: string
  },
): Promise<void> {
  const { id, purpose, fingerprint: print, scope, uses, endsAt, tokenSerial, lockSeen, operator } = granted
  const [seq] = await audit.append(trx, [
    {
      event: 'standing-approval-granted',
      standing: id,
      purpose,
      fingerprint: print,
      scope,
      uses,
      endsAt,
      tokenSerial,
      lockSeen,
      operator,
    },
  ])
  if (seq === undefined) throw new Error('the audit log gave no number')
  await trx
    .insertInto('standing_approval')
    .values({
      id,
      purpose,
      fingerprint: print,
      scope,
      uses,
      used: 0,
      granted_seq: seq,
      granted_at: now().toISOString(),
      ends_at: endsAt,
      operator,
      ended_seq: null,
      why: null,
    })
    .execute()
}

/** The decision on a sheet that a grant covers, and its count, in the transaction that moves the request. */
export async function recordUse(
  trx: Transaction<Database>,
  granted: StandingName & { readonly operator: string },
  of: { readonly requestId: RequestId; readonly sheetDigest: Sha256Hex; readonly use: number; readonly at: string },
): Promise<void> {
  await trx
    .insertInto('decision')
    .values({
      request_id: of.requestId,
      kind: 'approved',
      sheet_digest: of.sheetDigest,
      operator: granted.operator,
      reason: null,
      at: of.at,
    })
    .execute()
  await trx
    .insertInto('standing_use')
    .values({ request_id: of.requestId, standing_id: granted.id, use: of.use })
    .execute()
  await trx.updateTable('standing_approval').set({ used: of.use }).where('id', '=', granted.id).execute()
}

export async function recordEnd(
  trx: Transaction<Database>,
  { audit }: DeskPorts,
  granted: StandingName,
  why: StandingEnd,
  used: number,
  operator: string,
): Promise<void> {
  const [seq] = await audit.append(trx, [
    {
      event: 'standing-approval-withdrawn',
      standing: granted.id,
      purpose: granted.purpose,
      fingerprint: granted.fingerprint,
      why,
      used,
      operator,
    },
  ])
  await trx
    .updateTable('standing_approval')
    .set({ ended_seq: seq ?? null, why })
    .where('id', '=', granted.id)
    // Somebody else's end of it is left as it is: the log says when this station ended it.
    .where('ended_seq', 'is', null)
    .execute()
}

/** Grants whose end is not on record: of a station that died. Their sessions died with it. */
export async function openGrants({ db }: DeskPorts) {
  const rows = await db.selectFrom('standing_approval').selectAll().where('ended_seq', 'is', null).execute()
  return rows.map((row) => ({
    id: requestId.parse(row.id),
    purpose: row.purpose,
    fingerprint: fingerprint.parse(row.fingerprint),
    used: row.used,
    operator: row.operator,
  }))
}
