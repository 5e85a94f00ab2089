import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import { failure } from '../../shared/failure.ts'
import { fingerprint, type RequestId, sha256Hex } from '../../shared/ids.ts'
import type { FileOutcome, FurtherOutcome, RequestDetail } from '../../shared/request.ts'
import type { ReviewSheet } from '../../shared/review-sheet.ts'

type FileOfDetail = RequestDetail['files'][number]

/** How far each file of a request is. With several keys it is as far as the first, which completes it, and never better than its worst part. */
export async function fileOutcomes(
  db: Kysely<Database>,
  id: RequestId,
  furtherKeys: NonNullable<ReviewSheet['furtherKeys']>,
): Promise<(ordinal: number) => Pick<FileOfDetail, 'outcome' | 'further'>> {
  const rows = await readerOf(db)
    .selectFrom('signature')
    .select(['ordinal', 'state', 'output_sha256', 'failure', 'at'])
    .select((eb) => eb.fn<number | null>('length', ['output']).as('output_size'))
    .where('request_id', '=', id)
    .execute()
  const outcomes = new Map(rows.map((row) => [row.ordinal, outcomeOf(row)]))
  if (furtherKeys.length === 0) return (ordinal) => ({ outcome: outcomes.get(ordinal) ?? { kind: 'waiting' } })
  const parts = await readerOf(db)
    .selectFrom('further_signature')
    .select(['ordinal', 'position', 'state', 'failure', 'at'])
    .where('request_id', '=', id)
    .execute()
  return (ordinal) => {
    const further = furtherKeys.map(({ key }, index) => {
      const part = parts.find((each) => each.ordinal === ordinal && each.position === index + 1)
      return {
        fingerprint: fingerprint.parse(key.fingerprint),
        outcome: part === undefined ? ({ kind: 'waiting' } as const) : partOf(part),
      }
    })
    const own = outcomes.get(ordinal) ?? { kind: 'waiting' }
    return { outcome: own.kind === 'waiting' ? worstOf(further.map(({ outcome }) => outcome)) : own, further }
  }
}

/** A file whose first key was not asked yet. */
function worstOf(parts: readonly FurtherOutcome[]): FileOutcome {
  const failed = parts.find((part) => part.kind === 'failed')
  if (failed !== undefined) return failed
  if (parts.some(({ kind }) => kind === 'unknown')) return { kind: 'unknown' }
  return parts.some(({ kind }) => kind === 'begun') ? { kind: 'begun' } : { kind: 'waiting' }
}

interface Row {
  readonly state: string
  readonly failure: string | null
  readonly at: string
}

function partOf(row: Row): FurtherOutcome {
  return row.state === 'made' ? { kind: 'made', at: row.at } : unfinished(row)
}

function outcomeOf(
  row: Row & { readonly output_sha256: string | null; readonly output_size: number | null },
): FileOutcome {
  return row.state === 'signed'
    ? {
        kind: 'signed',
        outputSha256: sha256Hex.parse(row.output_sha256),
        outputSize: row.output_size ?? 0,
        at: row.at,
      }
    : unfinished(row)
}

function unfinished(row: Row): Exclude<FileOutcome, { kind: 'signed' }> {
  switch (row.state) {
    case 'begun':
      return { kind: 'begun' }
    case 'failed':
      return { kind: 'failed', failure: failure.parse(JSON.parse(row.failure ?? 'null')), at: row.at }
    case 'unknown':
      return { kind: 'unknown' }
    default:
      return { kind: 'waiting' }
  }
}
