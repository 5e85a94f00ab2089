import type { Kysely, Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { type Settings, settings } from '../../shared/settings.ts'

const name = 'settings'

/** Requests for keys are not asked for until somebody says so. */
const noKeyRequests: Settings['keyRequests'] = { accept: false, software: true, tokens: 'any' }
const addedLater: Partial<Settings> = {
  checkpointFolders: [],
  witnesses: [],
  keyRequests: noKeyRequests,
  yubihsm: { connectors: [], caPem: null },
}

export function defaultSettings(stationName: string, operatorName: string): Settings {
  return {
    stationName,
    operatorName,
    theme: 'system',
    server: { apiUrl: null, caPem: null, scope: null },
    modules: [],
    trustedCerts: [],
    checkpointFolders: [],
    witnesses: [],
    keyRequests: noKeyRequests,
    yubihsm: { connectors: [], caPem: null },
  }
}

/** Reads the settings. A row that this version cannot read is a defect of an earlier one: it is not papered over with defaults. */
export async function readSettings(db: ReadonlyKysely<Database>): Promise<Settings> {
  const row = await db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirstOrThrow()
  const stored: unknown = JSON.parse(row.value)
  // Settings that came after the first version are added; all others must be there.
  return settings.parse(typeof stored === 'object' && stored !== null ? { ...addedLater, ...stored } : stored)
}

export async function writeSettings(trx: Transaction<Database>, value: Settings, at: string): Promise<void> {
  await writeSetting(trx, name, value, at)
}

export async function writeSetting(
  trx: Transaction<Database> | Kysely<Database>,
  key: string,
  value: unknown,
  at: string,
): Promise<void> {
  const row = { name: key, value: JSON.stringify(value), updated_at: at }
  await trx
    .insertInto('setting')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: row.value, updated_at: row.updated_at }))
    .execute()
}

export async function readSetting(db: ReadonlyKysely<Database>, key: string): Promise<unknown> {
  const row = await db.selectFrom('setting').select('value').where('name', '=', key).executeTakeFirst()
  return row === undefined ? null : JSON.parse(row.value)
}

/** Names of the settings that differ, for the audit log: names only, values may be private. */
export function changedFields(before: Settings, after: Settings): readonly string[] {
  const flat = (value: Settings): Record<string, string> => ({
    stationName: value.stationName,
    operatorName: value.operatorName,
    theme: value.theme,
    'server.apiUrl': JSON.stringify(value.server.apiUrl),
    'server.caPem': JSON.stringify(value.server.caPem),
    'server.scope': JSON.stringify(value.server.scope),
    modules: JSON.stringify(value.modules),
    trustedCerts: JSON.stringify(value.trustedCerts),
    checkpointFolders: JSON.stringify(value.checkpointFolders),
    witnesses: JSON.stringify(value.witnesses),
    keyRequests: JSON.stringify(value.keyRequests),
    'yubihsm.connectors': JSON.stringify(value.yubihsm.connectors),
    'yubihsm.caPem': JSON.stringify(value.yubihsm.caPem),
  })
  const [old, now] = [flat(before), flat(after)]
  return Object.keys(now).filter((field) => old[field] !== now[field])
}
