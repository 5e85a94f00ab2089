import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { LogNotTrusted } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { openCheckpoint } from './format/checkpoint.ts'
import { leafHash } from './format/encode.ts'
import { consistencyRanges, inclusionRanges, verifyConsistency, verifyInclusion } from './format/merkle.ts'
import { formatConsistency, formatProof } from './format/proof-file.ts'
import { parseVerifierKey, type VerifierKey } from './format/signed-note.ts'
import { checkpointOf, lastCheckpoint, proofHash, storedLogKey } from './tree.repository.ts'

export type ProofFailure = Failure<'entry-not-covered' | 'checkpoint-absent' | 'proof-wrong'>

/** The `.tlog-proof` file of an entry under the last checkpoint. Checked before it is handed out. */
export async function proveEntry(
  db: ReadonlyKysely<Database>,
  key: VerifierKey,
  seq: AuditSeq,
): Promise<Result<string, ProofFailure>> {
  const last = await lastCheckpoint(db)
  const row = await db.selectFrom('audit_entry').select('entry').where('seq', '=', seq).executeTakeFirst()
  if (last === null || row === undefined || last.size < seq) return err(notCovered(seq))
  const opened = openCheckpoint(last.note, key)
  const index = seq - 1
  const hashes: Uint8Array[] = []
  for (const range of inclusionRanges(index, last.size)) hashes.push(await proofHash(db, range))
  if (!opened.ok || !verifyInclusion(leafHash(row.entry), index, last.size, hashes, opened.value.checkpoint.root))
    return err(wrong)
  return ok(formatProof({ entry: row.entry, index, hashes, checkpoint: last.note }))
}

/** The same for whoever only shows it. Null: no key, no checkpoint over it, or a tree that lacks hashes or does not lead there. */
export async function proofIn(db: ReadonlyKysely<Database>, seq: AuditSeq): Promise<string | null> {
  const vkey = await storedLogKey(db)
  const key = vkey === null ? null : parseVerifierKey(vkey)
  if (key?.ok !== true) return null
  try {
    const proof = await proveEntry(db, key.value, seq)
    return proof.ok ? proof.value : null
  } catch (error) {
    if (error instanceof LogNotTrusted) return null
    throw error
  }
}

/** That the log of the last checkpoint begins with the log of an older one, by its size. */
export async function proveConsistency(
  db: ReadonlyKysely<Database>,
  key: VerifierKey,
  oldSize: number,
): Promise<Result<string, ProofFailure>> {
  const last = await lastCheckpoint(db)
  const old = await checkpointOf(db, oldSize)
  if (last === null || old === null) return err(noSuchCheckpoint(oldSize))
  const opened = openCheckpoint(last.note, key)
  const openedOld = openCheckpoint(old.note, key)
  const hashes: Uint8Array[] = []
  for (const range of consistencyRanges(oldSize, last.size)) hashes.push(await proofHash(db, range))
  if (
    !opened.ok ||
    !openedOld.ok ||
    !verifyConsistency(oldSize, openedOld.value.checkpoint.root, last.size, opened.value.checkpoint.root, hashes)
  )
    return err(wrong)
  return ok(formatConsistency({ oldSize, hashes, checkpoint: last.note }))
}

function notCovered(seq: number): ProofFailure {
  return {
    kind: 'unavailable',
    code: 'entry-not-covered',
    message: `Entry ${seq} is not covered by a checkpoint yet. Sign one, then save the proof.`,
  }
}

function noSuchCheckpoint(size: number): ProofFailure {
  return {
    kind: 'refused',
    code: 'checkpoint-absent',
    message: `This log has no checkpoint of ${size} entries. Nothing was written.`,
  }
}

const wrong: ProofFailure = {
  kind: 'invalid',
  code: 'proof-wrong',
  message: 'The proof does not verify, so it was not written: the database is not as it was signed for. Check the log.',
}
