import { sql, type Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { LogNotTrusted } from '../../../db/write-transaction.ts'
import {
  completeSubtrees,
  foldRight,
  type GrowingTree,
  growTree,
  type LeafRange,
  type Subtree,
  storedLevelStep,
} from './format/merkle.ts'

export function isStoredLevel(level: number): boolean {
  return level > 0 && level <= 32 && level % storedLevelStep === 0
}

/** Hash of a complete subtree that a checkpoint covers, from the rows of the next stored level below it. */
export async function subtreeHash(db: ReadonlyKysely<Database>, { level, index }: Subtree): Promise<Uint8Array> {
  const stored = Math.min(32, level - (level % storedLevelStep))
  const count = 2 ** (level - stored)
  const first = index * count
  const hashes = stored === 0 ? await leafHashes(db, first + 1, count) : await nodeHashes(db, stored, first, count)
  const tree = growTree()
  for (const hash of hashes) tree.add(0, hash)
  if (hashes.length !== count || tree.edge().length !== 1)
    throw new LogNotTrusted(`the tree of the audit log lacks hashes from entry ${index * 2 ** level + 1} on`)
  return tree.root()
}

async function leafHashes(db: ReadonlyKysely<Database>, from: number, count: number): Promise<readonly Uint8Array[]> {
  const rows = await db
    .selectFrom('audit_entry')
    .select('leaf_hash')
    .where('seq', '>=', from)
    .where('seq', '<', from + count)
    .orderBy('seq')
    .execute()
  return rows.map((row) => row.leaf_hash)
}

async function nodeHashes(
  db: ReadonlyKysely<Database>,
  level: number,
  from: number,
  count: number,
): Promise<readonly Uint8Array[]> {
  const rows = await db
    .selectFrom('audit_node')
    .select('hash')
    .where('level', '=', level)
    .where('position', '>=', from)
    .where('position', '<', from + count)
    .orderBy('position')
    .execute()
  return rows.map((row) => row.hash)
}

/** The hashes of the complete subtrees that are these leaves, from left to right. */
export async function rangeHashes(
  db: ReadonlyKysely<Database>,
  { start, end }: LeafRange,
): Promise<readonly Uint8Array[]> {
  const hashes: Uint8Array[] = []
  for (const subtree of completeSubtrees(start, end)) hashes.push(await subtreeHash(db, subtree))
  return hashes
}

/** MTH of a range as it occurs in a proof: its subtrees get smaller to the right. */
export async function proofHash(db: ReadonlyKysely<Database>, range: LeafRange): Promise<Uint8Array> {
  return foldRight(await rangeHashes(db, range))
}

/** The right edge of the tree of the first `size` entries; `size` is at most what the last checkpoint covers. */
export async function loadTree(
  db: ReadonlyKysely<Database>,
  size: number,
  onNode?: (subtree: Subtree, hash: Uint8Array) => void,
): Promise<GrowingTree> {
  const tree = growTree(onNode)
  for (const subtree of completeSubtrees(0, size)) tree.add(subtree.level, await subtreeHash(db, subtree))
  return tree
}

export interface StoredCheckpoint {
  readonly size: number
  /** Signed note, with the lines of witnesses. */
  readonly note: string
  readonly at: string
}

export async function lastCheckpoint(db: ReadonlyKysely<Database>): Promise<StoredCheckpoint | null> {
  const row = await db
    .selectFrom('audit_checkpoint')
    .select(['size', 'note', 'at'])
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { ...row, note: await cosigned(db, row.size, row.note) }
}

export async function checkpointOf(db: ReadonlyKysely<Database>, size: number): Promise<StoredCheckpoint | null> {
  const row = await db
    .selectFrom('audit_checkpoint')
    .select(['size', 'note', 'at'])
    .where('size', '=', size)
    .executeTakeFirst()
  return row === undefined ? null : { ...row, note: await cosigned(db, row.size, row.note) }
}

/** Sizes of at most one checkpoint in each `step` entries, the last of each, ascending. */
export async function checkpointSizes(db: ReadonlyKysely<Database>, step: number): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('audit_checkpoint')
    .select(({ fn }) => fn.max('size').as('size'))
    // A bound number is a REAL to SQLite, and would divide as one.
    .groupBy(sql`(size - 1) / CAST(${step} AS INTEGER)`)
    .orderBy('size')
    .execute()
  return rows.map((row) => row.size)
}

async function cosigned(db: ReadonlyKysely<Database>, size: number, note: string): Promise<string> {
  const lines = await db
    .selectFrom('audit_cosignature')
    .select('line')
    .where('size', '=', size)
    .orderBy('witness')
    .execute()
  return `${note}${lines.map(({ line }) => line).join('')}`
}

/** The key of this log, as a vkey; null before there is one. */
export async function storedLogKey(db: ReadonlyKysely<Database>): Promise<string | null> {
  const row = await db.selectFrom('audit_log_key').select('vkey').executeTakeFirst()
  return row?.vkey ?? null
}

/** Once for each log: the schema refuses a second. */
export async function insertLogKey(trx: Transaction<Database>, vkey: string, at: string): Promise<void> {
  await trx.insertInto('audit_log_key').values({ id: 1, vkey, at }).execute()
}

/** The first checkpoint that covers an entry, without lines of witnesses: the same whenever it is asked for. */
export async function firstCheckpointOver(db: ReadonlyKysely<Database>, seq: number): Promise<string | null> {
  const row = await db
    .selectFrom('audit_checkpoint')
    .select('note')
    .where('size', '>=', seq)
    .orderBy('size')
    .limit(1)
    .executeTakeFirst()
  return row?.note ?? null
}
