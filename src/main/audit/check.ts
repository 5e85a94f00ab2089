import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { databaseFailureOf } from '../../../db/database-failure.ts'
import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'
import type { AuditState } from '../../shared/audit.ts'
import { sha256Hex } from '../../shared/ids.ts'
import { hex, sameBytes } from './bytes.ts'
import { searchColumns } from './columns.ts'
import { compareIndex, countIndex, indexReach } from './entry-index.ts'
import { decodeEntry, leafHash, noLeafHash } from './format/encode.ts'

/** Entries read at once; between two slices the event loop is free. */
const slice = 200

/** Above this many entries the check at start looks at both ends only. */
export const fullCheckAtStart = 5_000
const ends = 1_000

export interface CheckRange {
  /** The first entry to check; the one before it is believed. */
  readonly from: number
  readonly to: number
}

/**
 * Reads the whole log and computes everything anew: numbers without a gap, hash of each entry, link to the one before, exact
 * form of the bytes, columns equal to the entry. The first entry that is wrong is named. That entries are missing at the
 * *end*, or that the whole log was written anew, cannot be seen from the log alone (docs/formats/audit-entry.md §6).
 */
export async function checkLog(db: ReadonlyKysely<Database>, nextTurn: () => Promise<void>): Promise<AuditState> {
  return checkRanges(db, [{ from: 1, to: Number.MAX_SAFE_INTEGER }], nextTurn)
}

/** The check at start: everything when the log is small, else its first and last entries and that no number is missing. */
export async function checkEnds(db: ReadonlyKysely<Database>, nextTurn: () => Promise<void>): Promise<AuditState> {
  try {
    const { entries, last } = await db
      .selectFrom('audit_entry')
      .select(({ fn }) => [fn.countAll<number>().as('entries'), fn.max('seq').as('last')])
      .executeTakeFirstOrThrow()
    if (entries <= fullCheckAtStart) return await checkLog(db, nextTurn)
    if (entries !== last) return await checkLog(db, nextTurn)
    return await checkRanges(
      db,
      [
        { from: 1, to: ends },
        { from: last - ends + 1, to: Number.MAX_SAFE_INTEGER },
      ],
      nextTurn,
    )
  } catch (error) {
    return unreadable(error, 1)
  }
}

async function checkRanges(
  db: ReadonlyKysely<Database>,
  ranges: readonly CheckRange[],
  nextTurn: () => Promise<void>,
): Promise<AuditState> {
  const whole = ranges.length === 1
  let seq = 0
  let leaf = noLeafHash
  try {
    const reach = await indexReach(db)
    if (reach === null) return broken(1, 'how far the index reaches by which entries are found was taken out')
    let lines = 0
    for (const range of ranges) {
      if (seq < range.from - 1) {
        seq = range.from - 1
        const before = await db.selectFrom('audit_entry').select('leaf_hash').where('seq', '=', seq).executeTakeFirst()
        if (before === undefined) return broken(seq, `entry ${seq} is missing`)
        leaf = before.leaf_hash
      }
      for (;;) {
        const rows = await db
          .selectFrom('audit_entry')
          .selectAll()
          .where('seq', '>', seq)
          .where('seq', '<=', range.to)
          .orderBy('seq')
          .limit(slice)
          .execute()
        for (const row of rows) {
          const fault = faultOf(row, seq + 1, leaf)
          if (fault !== null) return broken(seq + 1, fault)
          seq = row.seq
          leaf = row.leaf_hash
        }
        const indexed = await compareIndex(db, seq - rows.length, Math.min(seq, reach))
        if (indexed.lost !== null)
          return broken(
            indexed.lost,
            `entry ${indexed.lost} would not be found by a search: its lines in the index were changed; the entry itself was not`,
          )
        lines += indexed.lines
        if (rows.length < slice) break
        await nextTurn()
      }
    }
    if (reach > seq)
      return broken(
        seq + 1,
        `the index by which entries are found leads to entry ${reach}: the end of the log was cut off`,
      )
    // Each line that there should be is there; as many others lead elsewhere as there are more.
    if (whole && (await countIndex(db, reach, nextTurn)) !== lines)
      return broken(1, 'a search would find entries that are not what was searched for: lines were added to the index')
  } catch (error) {
    return unreadable(error, seq + 1)
  }
  return { kind: 'whole', entries: seq, head: seq === 0 ? null : sha256Hex.parse(hex(leaf)) }
}

/** What is wrong with the row that should be entry `seq` after `leaf`, in a sentence; null: nothing. */
function faultOf(row: AuditEntryRow, seq: number, leaf: Uint8Array): string | null {
  if (row.seq !== seq) return `entry ${seq} is missing; the next one is ${row.seq}`
  if (!sameBytes(leafHash(row.entry), row.leaf_hash))
    return `entry ${seq} does not have the hash that was stored with it: it was changed`
  if (!sameBytes(row.prev_hash, leaf))
    return `entry ${seq} does not follow entry ${seq - 1}: one of the two was changed, put in or moved`
  const decoded = decodeEntry(row.entry)
  if (!decoded.ok) return `entry ${seq} cannot be read: ${decoded.error}`
  const { place, body } = decoded.value
  if (place.seq !== seq) return `entry ${seq} says of itself that it is entry ${place.seq}`
  if (place.prev !== hex(leaf)) return `entry ${seq} names another entry as the one before it`
  const columns = { at: place.at, ...searchColumns(body) }
  const wrong = Object.entries(columns).filter(([name, value]) => row[name as keyof typeof columns] !== value)
  return wrong.length === 0
    ? null
    : `entry ${seq}: the searchable column ${wrong.map(([name]) => name).join(', ')} was changed; the entry itself was not`
}

function broken(firstBadSeq: number, reason: string): AuditState {
  return { kind: 'broken', firstBadSeq: Math.max(1, firstBadSeq), reason }
}

function unreadable(error: unknown, seq: number): AuditState {
  const failure = databaseFailureOf(error)
  if (failure === null) throw error
  if (failure.code === 'database-corrupt' || failure.code === 'database-foreign') {
    return broken(seq, `the database is damaged at or after entry ${seq} (${failure.detail ?? failure.code})`)
  }
  return { kind: 'unwritable', reason: failure.message }
}
