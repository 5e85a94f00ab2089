import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { databaseFailureOf } from '../../../db/database-failure.ts'
import { LogNotTrusted, type LogUnwritable, writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Media } from '../media/media.ts'
import { hex, sameBytes } from './bytes.ts'
import { createCheckpointCopies } from './checkpoint-copies.ts'
import { type CopyWarning, putCheckpoint, readCheckpointFile } from './checkpoint-file.ts'
import { standingOf } from './checkpoint-history.ts'
import { ownPlace } from './checkpoint-places.ts'
import { checkpointText, openCheckpoint, type SignedCheckpoint, signedCheckpoint } from './format/checkpoint.ts'
import { leafHash, noLeafHash } from './format/encode.ts'
import type { GrowingTree, Subtree } from './format/merkle.ts'
import type { LogKey } from './log-key.ts'
import { insertLogKey, isStoredLevel, lastCheckpoint, loadTree, storedLogKey } from './tree.repository.ts'

export interface WrittenCheckpoint {
  /** Entries that it covers. */
  readonly size: number
  readonly note: string
  readonly at: string
}

export type CheckpointFailure =
  | LogUnwritable
  | Failure<'checkpoint-not-signed' | 'log-empty' | 'checkpoint-contradicted' | 'log-not-trusted'>

export interface Checkpointer {
  /**
   * Signs what the log holds now, and returns when the checkpoint is in the database and in the file beside it. When nothing
   * came since the last one that one is given again, and put again where it is missing. Calls wait for each other.
   */
  write(): Promise<Result<WrittenCheckpoint, CheckpointFailure>>
  /** Places where the last one could not be put: the file beside the database, and folders of the operator's. */
  warnings(): readonly CopyWarning[]
  /** Resolves when nothing is being copied to a folder of the operator's. */
  copied(): Promise<void>
  /** Signs nothing and copies nothing from now on: the log was found not to be whole. */
  end(): void
}

export interface CheckpointerParts {
  readonly db: Kysely<Database>
  readonly key: LogKey
  /** The file beside the database. */
  readonly file: string
  /** Folders of the operator's choice, as the settings have them now; an unplugged medium is a warning. */
  readonly folders: () => readonly string[]
  /** A copy failed that had not failed before, or the other way round. */
  readonly onWarnings?: () => void
  /** Somewhere lies a checkpoint that our key signed and this log does not contain. */
  readonly onContradiction?: (warning: CopyWarning) => void
  /** Shared with whoever else reads the operator's folders. */
  readonly media: Media
  readonly now: () => Date
}

/** Entries read at once; between two slices the event loop is free. */
const slice = 500

interface State {
  tree: GrowingTree | null
  /** Leaf hash of the last entry in the tree. */
  leaf: Uint8Array
  /** Complete subtrees that have no row yet. */
  pending: { readonly subtree: Subtree; readonly hash: Uint8Array }[]
}

/** One for each open database. It keeps the right edge of the tree in memory, and reads only entries that are new. */
export function createCheckpointer(parts: CheckpointerParts): Checkpointer {
  const state: State = { tree: null, leaf: noLeafHash, pending: [] }
  const ask = (signed: SignedCheckpoint) => standingOf(readerOf(parts.db), signed)
  const copies = createCheckpointCopies({
    key: parts.key.key,
    ask,
    media: parts.media,
    onChange: () => parts.onWarnings?.(),
    onContradiction: (warning) => parts.onContradiction?.(warning),
  })
  let besideWarning: CopyWarning | null = null
  let ended = false
  let running: Promise<unknown> = Promise.resolve()

  async function write(): Promise<Result<WrittenCheckpoint, CheckpointFailure>> {
    try {
      return await writeNow()
    } catch (error) {
      const failure = databaseFailureOf(error)
      if (failure === null) throw error
      return err({ ...notRead, detail: `${failure.code}: ${failure.detail ?? ''}` })
    }
  }

  /** Set while a write is under way. */
  function isEnded(): boolean {
    return ended
  }

  async function place({ note, size, at }: WrittenCheckpoint): Promise<WrittenCheckpoint> {
    const folders = parts.folders()
    await putBeside(note, size)
    if (besideWarning?.code !== 'contradicts') copies.put(folders, note, size)
    return { size, note, at }
  }

  async function putBeside(note: string, size: number): Promise<void> {
    besideWarning = await putCheckpoint(ownPlace(parts.file), note, size, parts.key.key, ask)
    if (besideWarning?.code === 'contradicts') parts.onContradiction?.(besideWarning)
  }

  async function writeNow(): Promise<Result<WrittenCheckpoint, CheckpointFailure>> {
    if (isEnded()) return err(notTrusted)
    const reader = readerOf(parts.db)
    const last = await lastCheckpoint(reader)
    const grown = await growToHead(parts, state)
    if (!grown.ok) return grown
    const tree = grown.value
    const size = tree.size()
    if (size === 0) return err(logEmpty)
    if (last !== null && last.size === size) return ok(await place(last))
    // No second one before the file beside the database has been there once: that it is gone means something then.
    if (last !== null) {
      await putBeside(last.note, last.size)
      if (besideWarning !== null) return err(notBeside(besideWarning))
    }
    const checkpoint = { origin: parts.key.key.name, size, root: tree.root(), extensions: [] }
    if (isEnded()) return err(notTrusted)
    const signature = await parts.key.sign(checkpointText(checkpoint))
    if (!signature.ok) return err(notSigned(`${signature.error.code}: ${signature.error.detail ?? ''}`))
    const note = signedCheckpoint(checkpoint, parts.key.key, signature.value)
    // A signature that was made wrongly (a fault of memory, another key) must not be kept as ours.
    if (!openCheckpoint(note, parts.key.key).ok) return err(notSigned('the signature does not verify'))
    if (isEnded()) return err(notTrusted)
    const nodes = state.pending
    const at = parts.now().toISOString()
    // If we crash before this commit, the entries are there and the next start signs for them. If we crash after it, the file
    // beside the database is older than the database, which the start-up check knows as this case, and is written then.
    const written = await writeTransaction(parts.db, async (trx) => {
      for (const { subtree, hash } of nodes) {
        await trx.insertInto('audit_node').values({ level: subtree.level, position: subtree.index, hash }).execute()
      }
      await trx.insertInto('audit_checkpoint').values({ size, note, at }).execute()
    })
    if (!written.ok) {
      // After a sync that failed the commit may be there all the same: what is on disk is read anew.
      state.tree = null
      state.pending = []
      return written
    }
    state.pending = []
    return ok(await place({ note, size, at }))
  }

  return {
    write: () => {
      const next = running.then(write)
      running = next.catch(() => null)
      return next
    },
    warnings: () => (besideWarning === null ? copies.warnings() : [besideWarning, ...copies.warnings()]),
    copied: () => copies.settled(),
    end: () => {
      ended = true
      copies.end()
    },
  }
}

/** Brings the tree up to the last entry on disk. Refuses to go on when what was in the tree is no longer what is on disk. */
async function growToHead(parts: CheckpointerParts, state: State): Promise<Result<GrowingTree, CheckpointFailure>> {
  try {
    const stored = await storeKey(parts)
    if (!stored.ok) return stored
    state.tree ??= await firstTree(parts, state)
    await addNewEntries(parts, state, state.tree)
    return ok(state.tree)
  } catch (error) {
    // The tree in memory is of no use any more; the next call reads it anew and finds the same.
    state.tree = null
    state.pending = []
    if (!(error instanceof LogNotTrusted)) throw error
    return err({
      kind: 'invalid',
      code: 'checkpoint-contradicted',
      message: `No checkpoint was signed: ${error.message}. Keep a copy of the database and check the log.`,
    })
  }
}

/** The database names the key of its log from its first checkpoint on. */
async function storeKey({ db, key, now }: CheckpointerParts): Promise<Result<null, LogUnwritable>> {
  const vkey = await storedLogKey(readerOf(db))
  if (vkey === key.vkey) return ok(null)
  if (vkey !== null) throw new LogNotTrusted('the database is the log of another key: it belongs to another station')
  const at = now().toISOString()
  const stored = await writeTransaction(db, (trx) => insertLogKey(trx, key.vkey, at))
  return stored.ok ? ok(null) : stored
}

async function firstTree(parts: CheckpointerParts, state: State): Promise<GrowingTree> {
  const reader = readerOf(parts.db)
  const last = await lastCheckpoint(reader)
  const opened = last === null ? null : openCheckpoint(last.note, parts.key.key)
  if (opened?.ok === false) throw new LogNotTrusted('the last checkpoint in the database was changed')
  const size = last?.size ?? 0
  // The file is written after the database, so it is never ahead; where it is, this database is an older copy, and whatever is
  // signed now would contradict what was signed before.
  const beside = readCheckpointFile(parts.file, parts.key.key)
  if (beside.kind === 'wrong' || beside.kind === 'unreadable')
    throw new LogNotTrusted('the checkpoint beside the database cannot be read, or is of another log')
  if (beside.kind === 'kept' && beside.signed.checkpoint.size > size)
    throw new LogNotTrusted(
      `the checkpoint beside the database is for ${beside.signed.checkpoint.size} entries, the last one in it for ${size}`,
    )
  const tree = await loadTree(reader, size, ({ level, index }, hash) => {
    if (isStoredLevel(level)) state.pending.push({ subtree: { level, index }, hash })
  })
  if (opened?.ok === true && !sameBytes(tree.root(), opened.value.checkpoint.root))
    throw new LogNotTrusted(`the entries are not those that the checkpoint of ${size} entries was signed for`)
  const leaf = await reader.selectFrom('audit_entry').select('leaf_hash').where('seq', '=', size).executeTakeFirst()
  state.leaf = leaf?.leaf_hash ?? noLeafHash
  return tree
}

async function addNewEntries(parts: CheckpointerParts, state: State, tree: GrowingTree): Promise<void> {
  const reader = readerOf(parts.db)
  for (;;) {
    // With the entry before, which must still be the one that is in the tree.
    const rows = await reader
      .selectFrom('audit_entry')
      .select(['seq', 'entry', 'leaf_hash', 'prev_hash'])
      .where('seq', '>=', tree.size())
      .orderBy('seq')
      .limit(slice)
      .execute()
    const before = tree.size() === 0 ? undefined : rows.shift()
    if (tree.size() > 0 && (before?.seq !== tree.size() || !sameBytes(before.leaf_hash, state.leaf)))
      throw new LogNotTrusted(`the audit log no longer has entry ${tree.size()} as it was`)
    if (rows.length === 0) return
    for (const row of rows) {
      const leaf = leafHash(row.entry)
      if (row.seq !== tree.size() + 1 || !sameBytes(leaf, row.leaf_hash) || !sameBytes(row.prev_hash, state.leaf))
        throw new LogNotTrusted(`entry ${row.seq} of the audit log does not follow ${hex(state.leaf).slice(0, 8)}…`)
      tree.add(0, leaf)
      state.leaf = leaf
    }
    await setImmediate()
  }
}

const logEmpty: CheckpointFailure = {
  kind: 'refused',
  code: 'log-empty',
  message: 'The log has no entry yet, so there is nothing to sign a checkpoint for.',
}

const notTrusted: CheckpointFailure = {
  kind: 'refused',
  code: 'log-not-trusted',
  message: 'The log was found not to be whole, so no checkpoint is signed for it. Keep a copy of the database.',
}

function notBeside({ code, reason }: CopyWarning): CheckpointFailure {
  if (code === 'contradicts')
    return { kind: 'invalid', code: 'checkpoint-contradicted', message: `No checkpoint was signed: ${reason}` }
  return {
    kind: 'unavailable',
    code: 'checkpoint-not-signed',
    message: `No checkpoint was signed, as the last one is not in its place beside the database. The entries are kept. ${reason}`,
  }
}

function notSigned(detail: string): CheckpointFailure {
  return {
    kind: 'unavailable',
    code: 'checkpoint-not-signed',
    message:
      'The key of the audit log did not sign a checkpoint. The entries are kept; check that its service key is there, then try again.',
    detail,
  }
}

const notRead: CheckpointFailure = {
  kind: 'unavailable',
  code: 'checkpoint-not-signed',
  message:
    'The audit log could not be read to sign a checkpoint for it. Nothing was changed; check the disk, then try again.',
}
