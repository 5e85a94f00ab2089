import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { fingerprint, requestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import type { HeldReference } from '../debusine/server.ts'
import type { Returning } from './return-result.ts'

/**
 * Makes the new key's asset at the server, as debusine's own worker does, and remembers it. Taken again after a crash, the server
 * answers with the asset that it has.
 */
export async function reportKey(
  ports: Returning,
  row: RequestRow,
  held: HeldReference,
): Promise<Result<null, Failure>> {
  if (row.fingerprint === null) throw new Error(`request ${row.id} ended well without a key`)
  const print = fingerprint.parse(row.fingerprint)
  const known = await ports.db
    .selectFrom('key_asset')
    .select('asset_id')
    .where('server', '=', row.server)
    .where('fingerprint', '=', print)
    .executeTakeFirst()
  if (known !== undefined) return ok(null)
  const key = await ports.db
    .selectFrom('signing_key')
    .select(['purpose', 'public_key', 'description'])
    .where('fingerprint', '=', print)
    .executeTakeFirst()
  if (key === undefined) return err(notRegistered)
  step('asset', 'before')
  const made = await ports.server.createKeyAsset(held, {
    purpose: key.purpose,
    fingerprint: print,
    publicKey: key.public_key,
    description: key.description,
  })
  if (!made.ok) return made
  step('asset', 'after')
  const at = ports.now().toISOString()
  const noted = await writeTransaction(ports.db, async (trx) => {
    await trx
      .insertInto('key_asset')
      .values({
        server: row.server,
        fingerprint: print,
        asset_id: made.value.id,
        workspace: row.workspace,
        made_at: at,
      })
      .execute()
    await ports.audit.append(trx, [
      {
        event: 'key-asset-created',
        requestId: requestId.parse(row.id),
        server: row.server,
        workspace: row.workspace,
        purpose: key.purpose,
        fingerprint: print,
        assetId: made.value.id,
        operator: ports.operatorName(),
      },
    ])
  })
  return noted.ok ? ok(null) : noted
}

const notRegistered: Failure = {
  kind: 'defect',
  code: 'key-not-found',
  message: 'The key of this request is not registered any more. Nothing was reported. Look at the log.',
}
