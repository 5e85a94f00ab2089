import { existsSync, renameSync } from 'node:fs'
import { createStationDatabase } from '../../../db/create.ts'
import { readerOf } from '../../../db/database.ts'
import type { StationDatabase } from '../../../db/open.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { checkpointFileOf } from '../audit/checkpoint-file.ts'
import { contradictionFileOf } from '../audit/contradiction.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import { createLogKey, type LogKey, newLogOrigin, setLogKeyAside } from '../audit/log-key.ts'
import { insertLogKey, storedLogKey } from '../audit/tree.repository.ts'
import type { Profile } from '../config/profile.ts'
import { defaultSettings, writeSettings } from '../settings/settings-store.ts'
import type { LogKeyService, SoftwareKeyMaker } from '../token/token-service.ts'

export interface BirthParts {
  readonly profile: Profile
  readonly tokens: SoftwareKeyMaker & LogKeyService
  readonly version: string
  readonly now: () => Date
}

/**
 * Makes a station: the key of its log, then its database with the first entries, the settings and the key's public half in one
 * commit. If we crash between the two, there is a key that no log names, and no station; the next try puts it away.
 */
export async function createStation(
  { profile, tokens, version, now }: BirthParts,
  { stationName, operatorName }: { readonly stationName: string; readonly operatorName: string },
): Promise<Result<StationDatabase, Failure>> {
  // A checkpoint without its database: whatever began here now would contradict what was signed before.
  if (!existsSync(profile.database) && remainsOf(profile.database).some((file) => existsSync(file))) return err(remains)
  if (existsSync(profile.database)) return createStationDatabase(profile.database, async () => {})
  const key = await newLogKey(profile, tokens, stationName)
  if (!key.ok) return key
  const at = now().toISOString()
  return createStationDatabase(profile.database, async (trx) => {
    await writeSettings(trx, defaultSettings(stationName, operatorName), at)
    await insertLogKey(trx, key.value.vkey, at)
    await createAuditLog(trx, now).append(trx, [
      { event: 'station-created', stationName, operator: operatorName, softwareVersion: version },
      { event: 'log-key-created', vkey: key.value.vkey, operator: operatorName },
    ])
  })
}

/** For a station that is older than log keys: an explicit act, recorded in the log that the key signs from then on. */
export async function addLogKey(
  { profile, tokens, now }: BirthParts,
  { db }: Pick<StationDatabase, 'db'>,
  audit: AuditLog,
  { stationName, operatorName }: { readonly stationName: string; readonly operatorName: string },
): Promise<Result<LogKey, Failure>> {
  const reader = readerOf(db)
  if ((await storedLogKey(reader)) !== null) return err(hasKey)
  if (existsSync(checkpointFileOf(profile.database))) return err(remains)
  const serviceKey = await tokens.ensureServiceKey()
  if (!serviceKey.ok) return serviceKey
  // Nothing comes between the question and the renaming: the file of a key that the log names meanwhile stays where it is.
  if ((await storedLogKey(reader)) !== null) return err(hasKey)
  const aside = setLogKeyAside(profile.logKey)
  const key = await createLogKey(profile.logKey, newLogOrigin(stationName), tokens)
  if (!key.ok) {
    if (aside !== null && !existsSync(profile.logKey)) renameSync(aside, profile.logKey)
    return key
  }
  const { vkey } = key.value
  const written = await writeTransaction(db, async (trx) => {
    if ((await storedLogKey(readerOf(trx))) !== null) return false
    await insertLogKey(trx, vkey, now().toISOString())
    await audit.append(trx, [{ event: 'log-key-created', vkey, operator: operatorName }])
    return true
  })
  if (written.ok && written.value) return ok(key.value)
  // The log has another key, whose file was the one set aside. After a commit that failed none is named, or this one after
  // all (a commit whose sync failed may be found later): then the new key stays in its place.
  if (written.ok && aside !== null) {
    setLogKeyAside(profile.logKey)
    renameSync(aside, profile.logKey)
  }
  return written.ok ? err(hasKey) : written
}

async function newLogKey(
  profile: Profile,
  tokens: SoftwareKeyMaker & LogKeyService,
  stationName: string,
): Promise<Result<LogKey, Failure>> {
  setLogKeyAside(profile.logKey)
  const serviceKey = await tokens.ensureServiceKey()
  if (!serviceKey.ok) return serviceKey
  return createLogKey(profile.logKey, newLogOrigin(stationName), tokens)
}

function remainsOf(database: string): readonly string[] {
  return [checkpointFileOf(database), contradictionFileOf(database)]
}

const hasKey: Failure = {
  kind: 'refused',
  code: 'log-key-exists',
  message: 'The log of this station has its key already. It was kept: a log has one key.',
}
const remains: Failure = {
  kind: 'refused',
  code: 'station-remains',
  message:
    'In this profile lies the checkpoint of a log that is not here any more. Nothing was created. Put that station’s database back, or choose another profile folder.',
}
