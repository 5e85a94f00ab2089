import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { LogNotTrusted } from '../../../db/write-transaction.ts'
import type { AuditState } from '../../shared/audit.ts'
import { sha256Hex } from '../../shared/ids.ts'
import { hex, sameBytes } from './bytes.ts'
import { type KeptCheckpoint, readCheckpointFile } from './checkpoint-file.ts'
import { type CheckpointFault, openCheckpoint, type SignedCheckpoint } from './format/checkpoint.ts'
import type { VerifierKey } from './format/signed-note.ts'
import { formatVerifierKey } from './format/signed-note.ts'
import { checkpointOf, lastCheckpoint, loadTree, storedLogKey } from './tree.repository.ts'

/** What the operator does about any of these; the station shows the log and signs nothing meanwhile. */
const whatToDo =
  'The station opens for reading only. Keep a copy of the database and of the file beside it, find out who had access, and compare both with a checkpoint that was kept elsewhere (signing-station-verify). If an older copy was put back on purpose, put the newest copy of both back instead.'

/**
 * Compares head, last checkpoint and the file beside the database, each against the others. Comes after the check of the
 * entries themselves, and is not fooled by a log that is whole and too short.
 */
export async function checkCheckpoints(
  db: ReadonlyKysely<Database>,
  key: VerifierKey,
  file: string,
): Promise<AuditState> {
  const head = await db
    .selectFrom('audit_entry')
    .select(['seq', 'leaf_hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const entries = head?.seq ?? 0
  const whole: AuditState = {
    kind: 'whole',
    entries,
    head: head === undefined ? null : sha256Hex.parse(hex(head.leaf_hash)),
  }
  const vkey = await storedLogKey(db)
  if (vkey !== null && vkey !== formatVerifierKey(key))
    return broken(1, 'The database is the log of another station: its checkpoints are signed by another key.')
  const last = await lastCheckpoint(db)
  const beside = readCheckpointFile(file, key)
  // A log that was never signed for: new, or made before there were checkpoints.
  if (last === null) return beside.kind === 'absent' ? whole : withoutCheckpoints(beside, entries)
  const opened = openCheckpoint(last.note, key)
  if (!opened.ok) return broken(last.size, `The last checkpoint in the database ${faultWords(opened.error)}.`)
  if (opened.value.checkpoint.size !== last.size || last.size > entries)
    return missing(entries, Math.max(last.size, opened.value.checkpoint.size), 'the last checkpoint in the database')
  const wrongTree = await differs(db, opened.value)
  if (wrongTree !== null) return wrongTree
  return (await besideFault(db, beside, last.size, entries)) ?? whole
}

async function besideFault(
  db: ReadonlyKysely<Database>,
  beside: KeptCheckpoint,
  last: number,
  entries: number,
): Promise<AuditState | null> {
  switch (beside.kind) {
    case 'absent':
      // Only once: between the first checkpoint's commit and its file.
      return (await isOnlyCheckpoint(db))
        ? null
        : broken(
            last,
            'The checkpoint file beside the database is gone, so it cannot be told whether this is an older copy of the log.',
          )
    case 'unreadable':
      return {
        kind: 'unwritable',
        reason: `The checkpoint file beside the database cannot be read (${beside.code}). ${whatToDo}`,
      }
    case 'wrong':
      return broken(last, `The checkpoint file beside the database ${faultWords(beside.fault)}.`)
    case 'kept': {
      const { size } = beside.signed.checkpoint
      if (size > last) return missing(Math.min(entries, last), size, 'the checkpoint file beside the database')
      // Smaller: we crashed between the database and the file, or the file could not be written. It must be of this history.
      const known = await checkpointOf(db, size)
      if (known === null)
        return broken(
          size,
          `The checkpoint file beside the database is for ${size} entries, and the database has no such checkpoint.`,
        )
      return differs(db, beside.signed)
    }
  }
}

function withoutCheckpoints(beside: KeptCheckpoint, entries: number): AuditState {
  if (beside.kind === 'kept')
    return missing(0, beside.signed.checkpoint.size, 'the checkpoint file beside the database')
  return broken(
    Math.max(1, entries),
    'The file beside the database is not a checkpoint of this log, and the database has none.',
  )
}

async function isOnlyCheckpoint(db: ReadonlyKysely<Database>): Promise<boolean> {
  const two = await db.selectFrom('audit_checkpoint').select('size').limit(2).execute()
  return two.length === 1
}

/** Whether the entries are those that the checkpoint was signed for, from the stored hashes of the tree. */
async function differs(db: ReadonlyKysely<Database>, { checkpoint }: SignedCheckpoint): Promise<AuditState | null> {
  try {
    const tree = await loadTree(db, checkpoint.size)
    if (sameBytes(tree.root(), checkpoint.root)) return null
  } catch (error) {
    if (!(error instanceof LogNotTrusted)) throw error
    return broken(checkpoint.size, `${error.message[0]?.toUpperCase()}${error.message.slice(1)}.`)
  }
  return broken(
    1,
    `The checkpoint of ${checkpoint.size} entries was signed for other entries: at or before entry ${checkpoint.size} something was changed, or all was written anew.`,
  )
}

function missing(entries: number, size: number, where: string): AuditState {
  return broken(
    entries + 1,
    `Entries ${entries + 1} to ${size} are missing at the end, or the database is an older copy: ${where} is for ${size} entries.`,
  )
}

function broken(firstBadSeq: number, what: string): AuditState {
  return { kind: 'broken', firstBadSeq: Math.max(1, firstBadSeq), reason: `${what} ${whatToDo}` }
}

function faultWords(fault: CheckpointFault): string {
  switch (fault.code) {
    case 'malformed':
      return `cannot be read: ${fault.reason}`
    case 'other-log':
      return 'is of another log'
    case 'not-signed':
      return 'is not signed by the key of this log'
    case 'signature-wrong':
      return 'has a wrong signature: it was edited'
  }
}
