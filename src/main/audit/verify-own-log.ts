import { setImmediate } from 'node:timers/promises'
import type { Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Database } from '../../../db/database.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { addCosignature } from './format/cosignature.ts'
import { isBy, parseNote, signatureLine, type VerifierKey } from './format/signed-note.ts'
import { type Finding, finding, type Report } from './format/verification.ts'
import { type Expectations, verifyLog } from './format/verify.ts'
import { checkpointOf } from './tree.repository.ts'

/** Entries read at once; between two slices the event loop is free. */
const slice = 200

/**
 * The auditor's verification on the station's own database, in slices. `onProgress` is told how far it came and returns true to
 * stop it: then the result is null.
 */
export async function verifyOwnLog(
  db: ReadonlyKysely<Database>,
  expected: Expectations,
  onProgress: (entries: number) => boolean,
): Promise<Report | null> {
  const verifier = verifyLog(expected)
  const sizes = (await db.selectFrom('audit_checkpoint').select('size').orderBy('size').execute()).map(
    ({ size }) => size,
  )
  let next = 0
  let fault: Finding | null = null
  for (;;) {
    const rows = await db
      .selectFrom('audit_entry')
      .select(['seq', 'entry', 'leaf_hash', 'prev_hash'])
      .where('seq', '>', verifier.size())
      .orderBy('seq')
      .limit(slice)
      .execute()
    for (const row of rows) {
      const stored = Buffer.concat([row.leaf_hash, row.prev_hash])
      fault = verifier.entry(row.entry, stored)
      const size = sizes[next]
      if (fault === null && size !== undefined && size <= verifier.size()) {
        next += 1
        fault = verifier.checkpoint((await checkpointOf(db, size))?.note ?? '')
      }
      if (fault !== null) return verifier.end(fault)
    }
    if (rows.length < slice) break
    if (onProgress(verifier.size())) return null
    await setImmediate()
  }
  const size = verifier.size()
  const beyond = sizes[next]
  if (beyond !== undefined)
    fault = finding(
      'log-shorter',
      [size + 1, beyond],
      `Entries ${size + 1} to ${beyond} are missing at the end: the database has a checkpoint of ${beyond} entries.`,
    )
  return verifier.end(fault)
}

/** Keeps what a witness answered for a checkpoint of ours, if it verifies; its lines are part of the checkpoint from then on. */
export async function storeCosignature(
  trx: Transaction<Database>,
  size: number,
  answer: string,
  witness: VerifierKey,
  now: Date,
): Promise<Result<string, string>> {
  const row = await trx.selectFrom('audit_checkpoint').select('note').where('size', '=', size).executeTakeFirst()
  if (row === undefined) return err(`this log has no checkpoint of ${size} entries`)
  const added = addCosignature(row.note, answer, witness)
  if (!added.ok) return added
  const note = parseNote(added.value)
  const lines = note.ok ? note.value.signatures.filter((signature) => isBy(signature, witness)).map(signatureLine) : []
  await trx
    .insertInto('audit_cosignature')
    .values({ size, witness: witness.name, line: lines.join(''), at: now.toISOString() })
    .execute()
  return ok(added.value)
}
