import type { Kysely, Transaction } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { standingOf } from './checkpoint-history.ts'
import type { Evidence } from './contradiction.ts'
import { openCheckpoint, parseCheckpoint } from './format/checkpoint.ts'
import { addCosignature } from './format/cosignature.ts'
import {
  isBy,
  noteKeyType,
  parseNote,
  parseVerifierKey,
  signatureLine,
  type VerifierKey,
} from './format/signed-note.ts'
import { lastCheckpoint, storedLogKey } from './tree.repository.ts'

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
): Promise<Result<null, Failure | ContradictingCheckpoint>> {
  const key = parseVerifierKey(witness.trim())
  if (!key.ok || key.value.type !== noteKeyType.cosignature || !witnesses.includes(witness.trim()))
    return err(unknownWitness)
  const answer = text.replaceAll('\r\n', '\n').replace(/\n*$/, '\n')
  const whole = parseCheckpoint(answer)
  const reader = readerOf(db)
  if (whole.ok) {
    const evidence = await contradictionBy(reader, answer, key.value)
    if (evidence !== null) return err({ ...contradicts, evidence })
  }
  const last = whole.ok ? null : await lastCheckpoint(reader)
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

/** Keeps what a witness answered for a checkpoint of ours, if it verifies; its lines are part of the checkpoint from then on. */
async function storeCosignature(
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

/** Signed by the key of this log and not of it: the witness saw another log. */
export interface ContradictingCheckpoint extends Failure<'checkpoint-contradicts'> {
  readonly evidence: Evidence
}

async function contradictionBy(
  db: ReadonlyKysely<Database>,
  note: string,
  witness: VerifierKey,
): Promise<Evidence | null> {
  const vkey = await storedLogKey(db)
  const own = vkey === null ? null : parseVerifierKey(vkey)
  const signed = own?.ok === true ? openCheckpoint(note, own.value) : null
  if (signed?.ok !== true) return null
  const how = await standingOf(db, signed.value)
  return how === 'contained' || how === 'closed'
    ? null
    : { path: `the answer of the witness ${witness.name}`, note, signed: signed.value, how }
}

const contradicts: Failure<'checkpoint-contradicts'> = {
  kind: 'invalid',
  code: 'checkpoint-contradicts',
  message:
    'The witness has a checkpoint that is signed by the key of this log and is not of it: an older copy of the profile was put back, or a second copy of it works elsewhere. It was recorded, and the station is for reading only.',
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
