import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { LogNotTrusted } from '../../../db/write-transaction.ts'
import { sameBytes } from './bytes.ts'
import { contradictionId } from './contradiction.ts'
import type { SignedCheckpoint } from './format/checkpoint.ts'
import { decodeEntry } from './format/encode.ts'
import { lastCheckpoint, loadTree } from './tree.repository.ts'

/** Whether a checkpoint that our key signed is of the log as it is here. */
export type InHistory = 'contained' | 'more-entries' | 'other-entries'
/** The same, of one that a person has closed: it still is of another log than ours. */
export type Standing = InHistory | 'closed'

/** As `inHistory`; what is not contained and was closed by a person is told apart from what is news. */
export async function standingOf(db: ReadonlyKysely<Database>, signed: SignedCheckpoint): Promise<Standing> {
  const how = await inHistory(db, signed)
  return how !== 'contained' && (await closedContradictions(db)).has(contradictionId(signed)) ? 'closed' : how
}

/** Ids of the contradictions that an entry of this log closes. One that is put back to before that entry closes nothing. */
export async function closedContradictions(db: ReadonlyKysely<Database>): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('audit_entry')
    .select('entry')
    .where('event', '=', 'contradiction-closed')
    .orderBy('seq')
    .execute()
  const closed = new Set<string>()
  for (const { entry } of rows) {
    const decoded = decodeEntry(entry)
    if (decoded.ok && decoded.value.body.event === 'contradiction-closed') closed.add(decoded.value.body.contradiction)
  }
  return closed
}

/**
 * Compares a checkpoint with our tree at its size. As the database has each checkpoint before anything else has it, one for
 * more entries than its last was signed for a later state of the log, or by a second copy of it.
 */
export async function inHistory(
  db: ReadonlyKysely<Database>,
  { checkpoint }: Pick<SignedCheckpoint, 'checkpoint'>,
): Promise<InHistory> {
  const last = await lastCheckpoint(db)
  if (last === null || checkpoint.size > last.size) return 'more-entries'
  try {
    const tree = await loadTree(db, checkpoint.size)
    return sameBytes(tree.root(), checkpoint.root) ? 'contained' : 'other-entries'
  } catch (error) {
    if (error instanceof LogNotTrusted) return 'other-entries'
    throw error
  }
}
