import type { Kysely } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Database, readerOf } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { OpenContradiction } from '../../shared/audit.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { closedContradictions, inHistory } from './checkpoint-history.ts'
import {
  addContradiction,
  type Contradiction,
  contradictionFileOf,
  contradictionId,
  contradictionLine,
  type Evidence,
  parseContradiction,
  readContradictions,
} from './contradiction.ts'
import { openCheckpoint } from './format/checkpoint.ts'
import type { VerifierKey } from './format/signed-note.ts'
import { lastCheckpoint } from './tree.repository.ts'

/** Which checkpoints were found to contradict the log and not closed by a person since; kept beside the database and in it. */
export interface Contradictions {
  /** On disk when this resolves, in at least one of the two places; the error says why in neither. The same again is no new one. */
  record(evidence: Evidence): Promise<Result<null, string>>
  /** Those that no entry of the log closes, oldest first. The error says that it cannot be told, which is as bad. */
  open(key: VerifierKey | null): Promise<Result<readonly OpenContradiction[], string>>
  /** The record behind one of them. */
  find(id: string): Promise<Contradiction | null>
}

export function createContradictions(db: Kysely<Database>, database: string, now: () => Date): Contradictions {
  const file = contradictionFileOf(database)
  const reader = readerOf(db)
  /** What could be written nowhere still counts until the program ends. */
  const remembered = new Map<string, Contradiction>()

  async function all(): Promise<Result<readonly Contradiction[], string>> {
    const beside = readContradictions(file)
    if (!beside.ok) return err(`The file ${file} tells of a checkpoint that contradicts this log, and ${beside.error}.`)
    const found = new Map(beside.value.map((record) => [record.id as string, record]))
    for (const { record } of await reader.selectFrom('audit_contradiction').select('record').execute()) {
      const parsed = parseContradiction(record)
      if (!parsed.ok)
        return err(
          'The database tells of a checkpoint that contradicts this log, and what it says of it cannot be read.',
        )
      if (!found.has(parsed.value.id)) found.set(parsed.value.id, parsed.value)
    }
    for (const [id, record] of remembered) if (!found.has(id)) found.set(id, record)
    return ok([...found.values()].sort((a, b) => (a.foundAt < b.foundAt ? -1 : 1)))
  }

  return {
    record: async ({ path, note, signed, how }) => {
      const id = contradictionId(signed)
      const { size } = signed.checkpoint
      // What the file needs is at hand: nothing is waited for before it is on disk.
      const record: Contradiction = { id, foundAt: now().toISOString(), path, size, how, note }
      if (!remembered.has(id)) remembered.set(id, record)
      const written = addContradiction(file, record)
      const stored = await writeTransaction(db, async (trx) => {
        const there = await trx.selectFrom('audit_contradiction').select('id').where('id', '=', id).executeTakeFirst()
        if (there === undefined)
          await trx
            .insertInto('audit_contradiction')
            .values({ id, record: contradictionLine(record) })
            .execute()
      })
      return written.ok || stored.ok ? ok(null) : err(written.error)
    },
    open: async (key) => {
      const records = await all()
      if (!records.ok) return records
      if (records.value.length === 0) return ok([])
      const closed = await closedContradictions(reader)
      const still = records.value.filter(({ id }) => !closed.has(id))
      return ok(await Promise.all(still.map((record) => shown(reader, record, key))))
    },
    find: async (id) => {
      const records = await all()
      return records.ok ? (records.value.find((record) => record.id === id) ?? null) : null
    },
  }
}

async function shown(
  db: ReadonlyKysely<Database>,
  { id, foundAt, path, size, how, note }: Contradiction,
  key: VerifierKey | null,
): Promise<OpenContradiction> {
  const signed = key === null ? null : openCheckpoint(note, key)
  const last = await lastCheckpoint(db)
  const isContained = signed?.ok === true && (await inHistory(db, signed.value)) === 'contained'
  return { id, foundAt, path, size, note, logSize: last?.size ?? 0, isContained, sentence: sentenceOf() }

  function sentenceOf(): string {
    const what = `The checkpoint of ${size} entries, found in ${path}, ${
      how === 'more-entries'
        ? 'is for more entries than this log then had signed'
        : 'was signed for other entries than this log then had'
    }: an older copy of the profile was put back, or a second copy of it worked elsewhere.`
    if (signed === null || !signed.ok)
      return `${what} It is not signed by the key that this database names, so the database may be another one.`
    return isContained
      ? `${what} The log that is here now contains it.`
      : `${what} The log that is here now does not contain it.`
  }
}
