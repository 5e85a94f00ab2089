import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../../db/database.ts'
import type { RequestRow } from '../../../../db/tables/request.table.ts'
import { type HandOrigin, signAs } from '../../../shared/by-hand.ts'
import { byHandOrigin } from '../../../shared/by-hand-origin.ts'
import type { RequestId } from '../../../shared/ids.ts'
import type { RequestDetail } from '../../../shared/request.ts'

/** Whether a person opened its files at this station. Such a request has no server: whoever asks for the client of its server gets none. */
export function isByHand(row: Pick<RequestRow, 'server'>): boolean {
  return row.server === byHandOrigin
}

export async function handOriginOf(db: Kysely<Database>, id: RequestId): Promise<HandOrigin> {
  const reader = readerOf(db)
  const request = await reader
    .selectFrom('hand_request')
    .selectAll()
    .where('request_id', '=', id)
    .executeTakeFirstOrThrow()
  const files = await reader
    .selectFrom('hand_file')
    .select(['ordinal', 'named', 'opened', 'output'])
    .where('request_id', '=', id)
    .orderBy('ordinal')
    .execute()
  return {
    number: request.number,
    openedBy: request.opened_by,
    openedAt: request.opened_at,
    signAs: signAs.parse(request.sign_as),
    files,
  }
}

/** A signed file that is to leave the station. */
export interface HandOutput {
  readonly ordinal: number
  readonly path: string
  readonly bytes: Uint8Array
  readonly sha256: string
  /** Null: nothing was written down about it yet. */
  readonly state: 'intended' | 'written' | 'kept' | null
  readonly mayReplace: boolean
  readonly replacedSha256: string | null
  readonly inPlace: boolean
}

/** Reads only what is committed: no output leaves without its outcome row (invariant I1). */
export async function outputsOf(db: Kysely<Database>, id: RequestId): Promise<readonly HandOutput[]> {
  const rows = await readerOf(db)
    .selectFrom('signature')
    .innerJoin('hand_file', (on) =>
      on
        .onRef('hand_file.request_id', '=', 'signature.request_id')
        .onRef('hand_file.ordinal', '=', 'signature.ordinal'),
    )
    .leftJoin('hand_output', (on) =>
      on
        .onRef('hand_output.request_id', '=', 'signature.request_id')
        .onRef('hand_output.ordinal', '=', 'signature.ordinal'),
    )
    .select(['signature.ordinal', 'signature.output', 'signature.output_sha256', 'hand_file.output as wanted'])
    .select(['hand_output.path', 'hand_output.state', 'hand_output.may_replace', 'hand_output.replaced_sha256'])
    .select(['hand_output.in_place'])
    .where('signature.request_id', '=', id)
    .where('signature.state', '=', 'signed')
    .orderBy('signature.ordinal')
    .execute()
  return rows.map((row) => ({
    ordinal: row.ordinal,
    // Only what has an output is signed; the file that it is beside is never taken for it.
    path: row.path ?? row.wanted ?? '',
    bytes: row.output ?? new Uint8Array(),
    sha256: row.output_sha256 ?? '',
    state: row.state as HandOutput['state'], // CHECK in the schema
    mayReplace: row.may_replace === 1,
    replacedSha256: row.replaced_sha256,
    inPlace: row.in_place === 1,
  }))
}

/** Where the signatures of a request by hand are. */
export async function shownDelivery(
  db: Kysely<Database>,
  row: Pick<RequestRow, 'id' | 'server'>,
  failureCode: string | null,
): Promise<RequestDetail['byHand']> {
  if (!isByHand(row)) return undefined
  const outputs = await outputsOf(db, row.id as RequestId) // its own column
  const next = outputs.find(({ state }) => state !== 'written' && state !== 'kept')
  return {
    outputs: outputs.map(({ ordinal, path, state }) => ({ ordinal, path, state: state ?? 'intended' })),
    inTheWay: failureCode === outputExists && next !== undefined ? next.path : null,
  }
}

export const outputExists = 'output-exists'

/** Beside it while it is written; the name is ours alone, so that what a crash left there can be taken away. */
export function partName(folder: string, id: string, ordinal: number): string {
  return join(folder, `.${id}-${ordinal}.signing-station`)
}
