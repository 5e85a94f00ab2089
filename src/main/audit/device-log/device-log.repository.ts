import { setImmediate } from 'node:timers/promises'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../../db/database.ts'
import type { Failure } from '../../../shared/failure.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { decodeEntry } from '../format/encode.ts'
import { parseDeviceEntry } from './device-entry.ts'
import type { DeviceLog, StoredEntry } from './device-log.ts'
import { createUseReader, type KeyUse, objectIdOf, type RegisteredKey } from './key-use.ts'

/** Rows at once: some milliseconds. */
const page = 250

export type LogUnreadable = Failure<'log-unreadable'>

/** Serial numbers of the devices that were ever drained. */
export async function drainedDevices(db: ReadonlyKysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom('device_drain').select('device_serial').distinct().orderBy('device_serial').execute()
  return rows.map((row) => row.device_serial)
}

/**
 * All that is stored of a device, in pages that leave the event loop free. The entries are read from their bytes, not from the columns beside
 * them; one whose drain is not there is read all the same.
 */
export async function readDeviceLog(db: ReadonlyKysely<Database>, serial: string): Promise<DeviceLog> {
  const drainsOf = () =>
    db.selectFrom('device_drain').selectAll().where('device_serial', '=', serial).orderBy('id').execute()
  const newest = (await drainsOf()).at(-1)?.id ?? 0
  const entries: StoredEntry[] = []
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('device_entry')
      .select(['place', 'drain', 'raw'])
      .where('device_serial', '=', serial)
      .where('place', '>', after)
      .orderBy('place')
      .limit(page)
      .execute()
    for (const { place, drain, raw } of rows) {
      // The schema lets in 32 bytes only. A row without them counts as one that is gone.
      const entry = parseDeviceEntry(raw)
      if (entry !== null) entries.push({ place, drain, entry })
    }
    after = rows.at(-1)?.place ?? after
    if (rows.length < page) break
    await setImmediate()
  }
  const drains = await drainsOf()
  // What was stored while this was read is left for the next time. Only a drain that is there is later.
  const later = new Set(drains.filter(({ id }) => id > newest).map(({ id }) => id))
  return {
    serial,
    drains: drains
      .filter(({ id }) => !later.has(id))
      .map((row) => ({
        id: row.id,
        askedSeq: row.asked_seq,
        storedSeq: row.stored_seq,
        storedAt: row.stored_at,
        unloggedBoots: row.unlogged_boots,
        unloggedAuthentications: row.unlogged_authentications,
        fresh: row.given - row.known,
      })),
    entries: entries.filter(({ drain }) => !later.has(drain)),
  }
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
  const primaries = await db
    .selectFrom('openpgp_primary')
    .select(['fingerprint', 'spki_sha256', 'cka_id'])
    .where('token_serial', '=', serial)
    .where('token_model', 'like', 'YubiHSM%')
    .execute()
  // By its fingerprint a certificate's signing key is meant, where both are here: the later row counts.
  return [...primaries, ...rows].map((row) => ({
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
  'certificate-intended',
  'key-registered',
  'openpgp-subkey-bound',
  'incident-opened',
  'station-started',
] as const

/** Every use of a key on the device that the audit log tells of, read from the entries' bytes, in pages that leave the event loop free. */
export async function readKeyUses(
  db: ReadonlyKysely<Database>,
  serial: string,
  keys: readonly RegisteredKey[],
): Promise<Result<readonly KeyUse[], LogUnreadable>> {
  const reader = createUseReader(serial, keys)
  const head = await db.selectFrom('audit_entry').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  // Read in order, by numbers: most entries are uses of keys, and an index would be in the way of every signature.
  for (let after = 0; after < (head?.seq ?? 0); after += page) {
    const rows = await db
      .selectFrom('audit_entry')
      .select(['seq', 'entry'])
      .where('seq', '>', after)
      .where('seq', '<=', after + page)
      .where('event', 'in', usesAndTheirEnds)
      .orderBy('seq')
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
    await setImmediate()
  }
  return ok(reader.uses())
}
