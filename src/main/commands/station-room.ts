import { join } from 'node:path'
import { readerOf } from '../../../db/database.ts'
import { openStationDatabase } from '../../../db/open.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import { startupCheck } from '../audit/startup-check.ts'
import { type Profile, prepareProfile } from '../config/profile.ts'
import { claimInstance } from '../desktop/single-instance.ts'
import { entryUrl } from '../digest/entry-url.ts'
import type { ServiceKeyPorts } from '../keys/service-key-desk.ts'
import type { Log } from '../log/logger.ts'
import { readSettings } from '../settings/settings-store.ts'
import { createStationCheckpoints } from '../station/checkpoints.ts'
import { createTokenService } from '../token/service.ts'

export interface CommandFiles {
  readonly tokenHost: string
  /** Where the program's own files are; in the build every entry lies beside main's. */
  readonly root: string
  readonly node: string
  readonly log: Log
}

/** A station without window, server and tokens: its log, its software keys, and nobody else at them. */
export interface Room {
  readonly ports: ServiceKeyPorts & { readonly tokens: ReturnType<typeof createTokenService> }
  readonly operator: string
  readonly profile: Profile
  /** Signs for what came into the log meanwhile. A failure is not one of the work: the next start signs. */
  leave(): Promise<Result<null, Failure>>
}

/** Opened for a command. The log is checked as at each start; with a log that is not whole nothing is changed. */
export async function enterRoom(
  profile: Profile,
  { root, tokenHost, node, log }: CommandFiles,
): Promise<Result<Room, Failure>> {
  prepareProfile(profile)
  const instance = await claimInstance(join(profile.runtime, 'station.sock'))
  if (!instance.ok) return instance
  const database = await openStationDatabase(profile.database)
  if (!database.ok) {
    await instance.value.release()
    return database
  }
  const { db } = database.value
  const tokens = createTokenService({
    node,
    hostEntry: tokenHost,
    modules: [],
    serviceKeysFolder: profile.serviceKeys,
    environment: {},
    log,
  })
  const now = () => new Date()
  const settings = await readSettings(readerOf(db))
  const checkpoints = createStationCheckpoints({
    database: database.value,
    profile,
    tokens,
    media: { node, entry: entryUrl('media', root), log },
    settings: () => settings,
    now,
    log,
    onChange: () => {},
    onContradiction: () => checkpoints.end(),
  })
  const close = async () => {
    await checkpoints.stop()
    await tokens.reset()
    await database.value.close()
    await instance.value.release()
  }
  const logState = await checkpoints.check(await startupCheck(readerOf(db)))
  if (logState.kind !== 'whole') {
    await close()
    return err(notTrusted(logState.reason))
  }
  await checkpoints.begin()
  let entered = 0
  const written = createAuditLog(db, now)
  const audit: typeof written = {
    ...written,
    append: (trx, entries) => {
      entered += entries.length
      return written.append(trx, entries)
    },
  }
  return ok({
    ports: { db, audit, tokens, folder: profile.serviceKeys, logKeyPath: profile.logKey, now },
    operator: settings.operatorName,
    profile,
    leave: async () => {
      const signed = entered > 0 && checkpoints.key() !== null ? await checkpoints.write() : null
      await close()
      return signed === null || signed.ok ? ok(null) : signed
    },
  })
}

function notTrusted(reason: string): Failure {
  return {
    kind: 'refused',
    code: 'log-not-trusted',
    message: `The audit log did not pass its check, so nothing was changed. ${reason}`,
  }
}
