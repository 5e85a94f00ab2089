import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../../db/database.ts'
import type { Failure } from '../../../shared/failure.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { decodeEntry } from '../format/encode.ts'
import { parseDeviceEntry } from './device-entry.ts'
import type { DeviceLog, Drain, StoredEntry } from './device-log.ts'
import { createUseReader, type KeyUse, objectIdOf, type RegisteredKey } from './key-use.ts'

export type LogUnreadable = Failure<'log-unreadable'>

/** Serial numbers of the devices that were ever drained. */
export async function drainedDevices(db: ReadonlyKysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom('device_drain').select('device_serial').distinct().orderBy('device_serial').execute()
  return rows.map((row) => row.device_serial)
}

/**
 * All that is stored of a device, at one moment, so in one statement. The entries are read from their bytes, not from the columns
 * beside them; one whose drain is not there is read all the same.
 */
export async function readDeviceLog(db: ReadonlyKysely<Database>, serial: string): Promise<DeviceLog> {
  const rows = await db
    .selectFrom('device_drain as d')
    .fullJoin('device_entry as e', 'e.drain', 'd.id')
    .select([
      'd.id',
      'd.device_serial as drained',
      'd.asked_seq',
      'd.stored_seq',
      'd.stored_at',
      'd.unlogged_boots',
      'd.unlogged_authentications',
      'd.given',
      'd.known',
      'e.device_serial as device',
      'e.place',
      'e.drain',
      'e.raw',
    ])
    .where((eb) => eb.or([eb('d.device_serial', '=', serial), eb('e.device_serial', '=', serial)]))
    .orderBy('d.id')
    .orderBy('e.place')
    .execute()
  const drains = new Map<number, Drain>()
  const entries: StoredEntry[] = []
  for (const row of rows) {
    if (row.id !== null && row.drained === serial && !drains.has(row.id)) {
      drains.set(row.id, {
        id: row.id,
        askedSeq: row.asked_seq ?? 0,
        storedSeq: row.stored_seq ?? 0,
        storedAt: row.stored_at ?? '',
        unloggedBoots: row.unlogged_boots ?? 0,
        unloggedAuthentications: row.unlogged_authentications ?? 0,
        fresh: (row.given ?? 0) - (row.known ?? 0),
      })
    }
    // The schema lets in 32 bytes only. A row without them counts as one that is gone.
    const entry = row.raw === null || row.device !== serial ? null : parseDeviceEntry(row.raw)
    if (entry !== null && row.place !== null && row.drain !== null)
      entries.push({ place: row.place, drain: row.drain, entry })
  }
  return { serial, drains: [...drains.values()], entries: entries.toSorted((a, b) => a.place - b.place) }
}

export async function registeredKeysOf(
  db: ReadonlyKysely<Database>,
  serial: string,
): Promise<readonly RegisteredKey[]> {
  const rows = await db
    .selectFrom('signing_key')
    .select(['fingerprint', 'spki_sha256', 'cka_id'])
    .where('token_serial', '=', serial)
    .where('token_model', 'like', 'YubiHSM%')
    .execute()
  return rows.map((row) => ({
    fingerprint: row.fingerprint,
    spkiSha256: row.spki_sha256,
    objectId: objectIdOf(row.cka_id),
  }))
}

const usesAndTheirEnds = [
  'intent',
  'signed',
  'sign-failed',
  'possession-challenged',
  'key-generated',
  'key-registered',
  'incident-opened',
  'station-started',
] as const
const page = 2000

/** Every use of a key on the device that the audit log tells of, read from the entries' bytes, in pages that leave the event loop free. */
export async function readKeyUses(
  db: ReadonlyKysely<Database>,
  serial: string,
  keys: readonly RegisteredKey[],
): Promise<Result<readonly KeyUse[], LogUnreadable>> {
  const reader = createUseReader(serial, keys)
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('audit_entry')
      .select(['seq', 'entry'])
      .where('seq', '>', after)
      .where('event', 'in', usesAndTheirEnds)
      .orderBy('seq')
      .limit(page)
      .execute()
    for (const row of rows) {
      const decoded = decodeEntry(row.entry)
      if (!decoded.ok)
        return err({
          kind: 'invalid',
          code: 'log-unreadable',
          message: `Entry ${row.seq} of the audit log cannot be read, so it cannot be matched with the device’s log. Nothing was changed. Keep a copy of the database and check the log.`,
          detail: decoded.error,
        })
      reader.read(row.seq, decoded.value.body)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < page) return ok(reader.uses())
    after = last.seq
  }
}
