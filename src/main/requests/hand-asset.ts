import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { Fingerprint } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { Secret } from '../../shared/secret.ts'
import type { Settings } from '../../shared/settings.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { createUserClient } from '../debusine/debusine-server.ts'
import { readPrivate } from '../debusine/token-file.ts'

export interface HandAssetPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly settings: Settings
  /** File with a user's API token, mode 0600. */
  readonly userTokenFile: string
  readonly now: () => Date
}

/** Makes the asset of a key that no request asked for, in the name of the user whose API token is set. */
export async function makeAssetByHand(
  ports: HandAssetPorts,
  of: { readonly purpose: string; readonly fingerprint: Fingerprint },
  workspace: string,
): Promise<Result<{ readonly assetId: number }, Failure>> {
  const { apiUrl, caPem, scope } = ports.settings.server
  if (apiUrl === null) return err(noServer)
  const token = await readPrivate(ports.userTokenFile)
  if (!token.ok) return token
  if (token.value === null) return err(noUserToken)
  const key = await readerOf(ports.db)
    .selectFrom('signing_key')
    .select(['public_key', 'description'])
    .where('purpose', '=', of.purpose)
    .where('fingerprint', '=', of.fingerprint)
    .executeTakeFirst()
  if (key === undefined) return err(notRegistered)
  const client = createUserClient({ apiUrl, caPem })
  const secret = Secret.fromText(token.value)
  try {
    const wanted = { ...of, publicKey: key.public_key, description: key.description }
    const made = await client.createKeyAsset({ token: secret, scope }, wanted, workspace)
    if (!made.ok) return made
    const noted = await note(ports, of, { server: apiUrl, workspace, assetId: made.value.id })
    return noted.ok ? ok({ assetId: made.value.id }) : noted
  } finally {
    secret.wipe()
    client.close()
  }
}

async function note(
  { db, audit, settings, now }: HandAssetPorts,
  { purpose, fingerprint }: { readonly purpose: string; readonly fingerprint: Fingerprint },
  { server, workspace, assetId }: { readonly server: string; readonly workspace: string; readonly assetId: number },
): Promise<Result<null, Failure>> {
  const operator = settings.operatorName
  const written = await writeTransaction(db, async (trx) => {
    const added = await trx
      .insertInto('key_asset')
      .values({ server, fingerprint, asset_id: assetId, workspace, made_at: now().toISOString() })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    // Asked twice, the server gives the asset that it has; the log says it once.
    if (added.numInsertedOrUpdatedRows === 0n) return
    await audit.append(trx, [
      { event: 'key-asset-created', requestId: null, server, workspace, purpose, fingerprint, assetId, operator },
    ])
  })
  return written.ok ? ok(null) : written
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
    'An asset is made in the name of a user who owns the workspace. Enter the API token of one in the settings, or have the server’s administrator make the asset.',
}
const notRegistered: Failure = {
  kind: 'refused',
  code: 'key-not-registered',
  message: 'No such key is registered at this station. Nothing was asked of the server.',
}
