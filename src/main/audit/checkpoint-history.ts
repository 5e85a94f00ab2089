import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { LogNotTrusted } from '../../../db/write-transaction.ts'
import { sameBytes } from './bytes.ts'
import type { SignedCheckpoint } from './format/checkpoint.ts'
import { lastCheckpoint, loadTree } from './tree.repository.ts'

/** Whether a checkpoint that our key signed is of the log as it is here. */
export type InHistory = 'contained' | 'more-entries' | 'other-entries'

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
