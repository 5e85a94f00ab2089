import type { Kysely, Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../../db/database.ts'
import { type LogUnwritable, writeTransaction } from '../../../../db/write-transaction.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { hex } from '../bytes.ts'
import { type DeviceEntry, isBoot } from './device-entry.ts'
import { parseDrainAnswer } from './drain-answer.ts'
import { type DrainFailure, drainFailure } from './failures.ts'

/** Where the audit log stood before a device was asked. */
export interface DrainMark {
  readonly deviceSerial: string
  readonly askedSeq: number
  readonly askedAt: string
}

/** To be called before GET LOG ENTRIES is sent: what the device then gives was not all written before this. */
export async function markDrain(
  db: ReadonlyKysely<Database>,
  deviceSerial: string,
  now: Date,
): Promise<Result<DrainMark, DrainFailure>> {
  if (!/^[0-9]{8,10}$/.test(deviceSerial)) return err(drainFailure('serial-malformed'))
  return ok({ deviceSerial, askedSeq: await head(db), askedAt: now.toISOString() })
}

/** What a drain brought. `lastNumber` is what SET LOG INDEX may be sent; null: there is nothing to free. */
export interface StoredDrain {
  readonly id: number
  readonly fresh: number
  readonly known: number
  readonly lastNumber: number | null
  /** Digest of the newest entry that is stored, hex: it stands for all entries of the device before. Null: there is none. */
  readonly lastDigest: string | null
  /** What the device counted while its store was full. */
  readonly unloggedBoots: number
  readonly unloggedAuthentications: number
}

/**
 * Stores the answer of a device, on disk before this returns. The same answer again stores no entry again. Only after it may the device be
 * told to free its entries.
 */
export async function storeDrain(
  db: Kysely<Database>,
  mark: DrainMark,
  answer: Uint8Array,
  now: Date,
): Promise<Result<StoredDrain, DrainFailure | LogUnwritable>> {
  const written = await writeTransaction(db, (trx) => storeDrainIn(trx, mark, answer, now))
  return written.ok ? written.value : written
}

/** The same in the caller's transaction. On failure nothing was written. */
export async function storeDrainIn(
  trx: Transaction<Database>,
  mark: DrainMark,
  answer: Uint8Array,
  now: Date,
): Promise<Result<StoredDrain, DrainFailure>> {
  const parsed = parseDrainAnswer(answer)
  if (!parsed.ok) return parsed
  const { entries, unloggedBoots, unloggedAuthentications } = parsed.value
  const last = await newestDrain(trx, mark.deviceSerial)
  if (last !== undefined && mark.askedSeq < last.stored_seq) return err(drainFailure('drain-overtaken'))
  const tail = await newestEntry(trx, mark.deviceSerial)
  const known = await knownEntries(trx, mark.deviceSerial, entries, tail?.place ?? 0)
  if (!known.ok) return known
  const id = ((await newestDrain(trx, null))?.id ?? 0) + 1
  await trx
    .insertInto('device_drain')
    .values({
      id,
      device_serial: mark.deviceSerial,
      asked_seq: mark.askedSeq,
      stored_seq: await head(trx),
      asked_at: mark.askedAt,
      stored_at: now.toISOString(),
      unlogged_boots: unloggedBoots,
      unlogged_authentications: unloggedAuthentications,
      given: entries.length,
      known: known.value,
    })
    .execute()
  const fresh = entries.slice(known.value)
  await insertEntries(trx, mark.deviceSerial, id, fresh, tail)
  const newest = fresh.at(-1)?.raw ?? tail?.raw
  return ok({
    id,
    fresh: fresh.length,
    known: known.value,
    lastNumber: entries.at(-1)?.number ?? null,
    lastDigest: newest === undefined ? null : hex(newest.subarray(16)),
    unloggedBoots,
    unloggedAuthentications,
  })
}

interface Tail {
  readonly place: number
  readonly lap: number
  readonly boot: number
  readonly number: number
  readonly raw: Uint8Array
}

/**
 * How many entries, from the first, are the newest of what is stored. Entries that are stored otherwise are refused: the device does
 * not take back what it wrote, so something else did.
 */
async function knownEntries(
  trx: Transaction<Database>,
  deviceSerial: string,
  entries: readonly DeviceEntry[],
  tail: number,
): Promise<Result<number, DrainFailure>> {
  if (entries.length === 0) return ok(0)
  const stored = await trx
    .selectFrom('device_entry')
    .select(['device_serial', 'place', 'raw'])
    .where(
      'raw',
      'in',
      entries.map(({ raw }) => raw),
    )
    .execute()
  if (stored.length === 0) return ok(0)
  const foreign = stored.find((row) => row.device_serial !== deviceSerial)
  if (foreign !== undefined)
    return err(drainFailure('entries-of-another-device', `stored for ${foreign.device_serial}`))
  const places = new Map(stored.map((row) => [hex(row.raw), row.place]))
  const found = entries.map(({ raw }) => places.get(hex(raw)) ?? null)
  const first = found[0] ?? 0
  const inOrder = found.every((place, index) => place === (index < stored.length ? first + index : null))
  if (!inOrder || first === 0) return err(drainFailure('drain-contradicts'))
  if (first + stored.length - 1 === tail) return ok(stored.length)
  return err(drainFailure(stored.length === entries.length ? 'drain-replayed' : 'drain-contradicts'))
}

async function insertEntries(
  trx: Transaction<Database>,
  deviceSerial: string,
  drain: number,
  entries: readonly DeviceEntry[],
  tail: Tail | undefined,
): Promise<void> {
  let place = tail?.place ?? 0
  let lap = tail?.lap ?? 0
  let boot = tail?.boot ?? 0
  let number = tail?.number ?? -1
  for (const entry of entries) {
    place += 1
    // So that (lap, number) grows from each entry to the next: after 65535, after a reset, and where a log goes back.
    if (entry.number <= number) lap += 1
    if (isBoot(entry)) boot += 1
    number = entry.number
    await trx
      .insertInto('device_entry')
      .values({
        device_serial: deviceSerial,
        place,
        drain,
        raw: entry.raw,
        number,
        command: entry.command,
        target_key: entry.targetKey,
        second_key: entry.secondKey,
        lap,
        boot,
      })
      .execute()
  }
}

async function head(db: ReadonlyKysely<Database> | Transaction<Database>): Promise<number> {
  const { seq } = await db
    .selectFrom('audit_entry')
    .select(({ fn }) => fn.max<number | null>('seq').as('seq'))
    .executeTakeFirstOrThrow()
  return seq ?? 0
}

function newestEntry(trx: Transaction<Database>, deviceSerial: string): Promise<Tail | undefined> {
  return trx
    .selectFrom('device_entry')
    .select(['place', 'lap', 'boot', 'number', 'raw'])
    .where('device_serial', '=', deviceSerial)
    .orderBy('place', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Of one device, or of all. */
function newestDrain(trx: Transaction<Database>, deviceSerial: string | null) {
  let query = trx.selectFrom('device_drain').select(['id', 'stored_seq']).orderBy('id', 'desc').limit(1)
  if (deviceSerial !== null) query = query.where('device_serial', '=', deviceSerial)
  return query.executeTakeFirst()
}
