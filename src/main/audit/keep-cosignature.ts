import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { parseCheckpoint } from './format/checkpoint.ts'
import { addCosignature } from './format/cosignature.ts'
import { noteKeyType, parseVerifierKey } from './format/signed-note.ts'
import { lastCheckpoint } from './tree.repository.ts'
import { storeCosignature } from './verify-own-log.ts'

/**
 * Keeps what a witness answered: signature lines for the last checkpoint, or a whole checkpoint with its lines. Only of a witness
 * that the settings name, and only if it verifies.
 */
export async function keepCosignature(
  db: Kysely<Database>,
  text: string,
  witness: string,
  witnesses: readonly string[],
  now: Date,
): Promise<Result<null, Failure>> {
  const key = parseVerifierKey(witness.trim())
  if (!key.ok || key.value.type !== noteKeyType.cosignature || !witnesses.includes(witness.trim()))
    return err(unknownWitness)
  const answer = text.replaceAll('\r\n', '\n').replace(/\n*$/, '\n')
  const whole = parseCheckpoint(answer)
  const last = whole.ok ? null : await lastCheckpoint(readerOf(db))
  const size = whole.ok ? whole.value.checkpoint.size : last?.size
  if (size === undefined) return err(refused('this log has no checkpoint yet'))
  const lines = whole.ok ? answer.slice(answer.indexOf('\n\n') + 2) : answer
  const stored = await writeTransaction(db, async (trx) => {
    const there = await trx
      .selectFrom('audit_cosignature')
      .select('line')
      .where('size', '=', size)
      .where('witness', '=', key.value.name)
      .executeTakeFirst()
    if (there === undefined) return storeCosignature(trx, size, lines, key.value, now)
    // There is one of this name: nothing is kept twice, and "kept" is said of nothing else.
    const { note } = await trx
      .selectFrom('audit_checkpoint')
      .select('note')
      .where('size', '=', size)
      .executeTakeFirstOrThrow()
    const answered = addCosignature(note, lines, key.value)
    if (!answered.ok) return answered
    return addCosignature(note, there.line, key.value).ok
      ? ok('')
      : err(`another key of the name ${key.value.name} has cosigned this checkpoint already`)
  })
  if (!stored.ok) return stored
  return stored.value.ok ? ok(null) : err(refused(stored.value.error))
}

const unknownWitness: Failure = {
  kind: 'refused',
  code: 'witness-unknown',
  message: 'This witness is not among those of the settings. Nothing was kept. Add its verifier key there first.',
}

function refused(why: string): Failure {
  return {
    kind: 'invalid',
    code: 'cosignature-wrong',
    message: `The answer of the witness was not kept: ${why}.`,
  }
}
