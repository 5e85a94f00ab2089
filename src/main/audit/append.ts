import { CompiledQuery, type Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { AuditEntryRow } from '../../../db/tables/audit-entry.table.ts'
import { LogNotTrusted } from '../../../db/write-transaction.ts'
import { type AuditSeq, auditSeq, sha256Hex } from '../../shared/ids.ts'
import { hex, sameBytes } from './bytes.ts'
import { searchColumnNames, searchColumns } from './columns.ts'
import { encodeEntry, leafHash, noLeafHash } from './format/encode.ts'
import type { AuditEntryBody } from './format/entry.ts'

/** Written once for all: building the statement anew costs more than running it, and a batch of signatures writes two rows a file. */
const insertEntry = `INSERT INTO audit_entry (seq, entry, leaf_hash, prev_hash, at, ${searchColumnNames.join(', ')}) VALUES (?, ?, ?, ?, ?${', ?'.repeat(searchColumnNames.length)})`

type HeadRow = Pick<AuditEntryRow, 'seq' | 'leaf_hash' | 'at' | 'entry'> & { readonly version: number }
// `version` is another one when another connection has written (sqlite.org/pragma.html#pragma_data_version).
const lastEntry = CompiledQuery.raw(
  'SELECT seq, leaf_hash, at, entry, (SELECT data_version FROM pragma_data_version) AS version FROM audit_entry ORDER BY seq DESC LIMIT 1',
)
const hashOfEntry = 'SELECT leaf_hash FROM audit_entry WHERE seq = ?'

/** The last entry of the log. */
export interface Head {
  readonly seq: number
  readonly leafHash: Uint8Array
  readonly at: string
}

/** The head that an earlier transaction of this process saw; null before the first. */
export interface SeenHead {
  value: Head | null
  /** What the last transaction wrote last. Whether it was committed nobody says here; `version` of the database meanwhile. */
  written: { readonly seq: number; readonly leafHash: Uint8Array; readonly version: number | null } | null
  /** Transactions that wrote already: what they read as head is theirs, and may be rolled back. */
  readonly writers: WeakSet<Transaction<Database>>
}

export function nothingSeen(): SeenHead {
  return { value: null, written: null, writers: new WeakSet() }
}

/**
 * Appends in order and gives the numbers. The only writer of the table. Throws when the head is not what it was
 * (`LogNotTrusted`), when the disk refuses, or when a body breaks the format; the caller's transaction is rolled back then.
 */
export async function append(
  trx: Transaction<Database>,
  bodies: readonly AuditEntryBody[],
  now: Date,
  seen: SeenHead,
): Promise<readonly AuditSeq[]> {
  if (bodies.length === 0) return []
  const { head, version } = await trustedHead(trx, seen)
  const at = now.toISOString()
  const back = head !== null && at < head.at
  const all: readonly AuditEntryBody[] = back
    ? [{ event: 'clock-moved-back', from: head.at, to: at }, ...bodies]
    : bodies
  let seq = head?.seq ?? 0
  let prev = head?.leafHash ?? noLeafHash
  const seqs: AuditSeq[] = []
  for (const body of all) {
    seq += 1
    const entry = encodeEntry({ seq: auditSeq.parse(seq), at, prev: sha256Hex.parse(hex(prev)) }, body)
    const hash = leafHash(entry)
    const columns = searchColumns(body)
    const written = await trx.executeQuery(
      CompiledQuery.raw(insertEntry, [seq, entry, hash, prev, at, ...searchColumnNames.map((name) => columns[name])]),
    )
    // A trigger can make an INSERT do nothing and fail nobody (sqlite.org/lang_createtrigger.html §6, RAISE(IGNORE)).
    if (written.numAffectedRows !== 1n)
      throw new LogNotTrusted(`the database did not take entry ${seq} of the audit log`)
    prev = hash
    seqs.push(auditSeq.parse(seq))
  }
  seen.written = { seq, leafHash: prev, version }
  return back ? seqs.slice(1) : seqs
}

/**
 * Reads the head and refuses to build on one that is not what this process left: the file was cut, replaced or edited while
 * the station was running. What happened while it was not running is the start-up check's business.
 */
async function trustedHead(
  trx: Transaction<Database>,
  seen: SeenHead,
): Promise<{ readonly head: Head | null; readonly version: number | null }> {
  const [row] = (await trx.executeQuery<HeadRow>(lastEntry)).rows
  if (row !== undefined && !sameBytes(leafHash(row.entry), row.leaf_hash)) {
    throw new LogNotTrusted(`entry ${row.seq} of the audit log was changed`)
  }
  const { value, written } = seen
  if (value !== null && !(await isThere(trx, value, row)))
    throw new LogNotTrusted(`the audit log no longer has entry ${value.seq} as it was written`)
  // What was rolled back is gone too, but then nobody else has written meanwhile.
  if (
    written !== null &&
    !seen.writers.has(trx) &&
    written.version !== (row?.version ?? null) &&
    !(await isThere(trx, written, row))
  )
    throw new LogNotTrusted(`the audit log no longer has entry ${written.seq}, which was written last`)
  const head = row === undefined ? null : { seq: row.seq, leafHash: row.leaf_hash, at: row.at }
  if (!seen.writers.has(trx)) {
    // Committed by an earlier transaction, so no rollback can take it away.
    seen.value = head
    seen.writers.add(trx)
  }
  return { head, version: row?.version ?? null }
}

async function isThere(
  trx: Transaction<Database>,
  { seq, leafHash: hash }: Pick<Head, 'seq' | 'leafHash'>,
  last: HeadRow | undefined,
): Promise<boolean> {
  const found =
    last?.seq === seq
      ? last
      : (await trx.executeQuery<Pick<HeadRow, 'leaf_hash'>>(CompiledQuery.raw(hashOfEntry, [seq]))).rows[0]
  return found !== undefined && sameBytes(found.leaf_hash, hash)
}
