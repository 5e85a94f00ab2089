import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import type { Failure } from '../../shared/failure.ts'
import type { AuditSeq, RequestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { workRequestOf } from '../debusine/task-data.ts'
import { indexTaskOf } from '../debusine/upload-task.ts'
import { isByHand, outputsOf } from './by-hand/hand.repository.ts'
import { notFound } from './desk-ports.ts'
import { outputChanged, releasedOutput } from './released-output.ts'
import { findRequest } from './request.repository.ts'

/** What shows that a signature is in the log; null: not covered by a checkpoint, or the log has no key. */
export interface Evidence {
  proofOf(seq: AuditSeq): Promise<string | null>
  ofLog(): Promise<{ readonly checkpoint: string | null; readonly vkey: string | null }>
}

/**
 * Writes the signed outputs to a folder of their own, named by work request and server: two servers count alike. Names come from
 * outside: only letters, digits and a few marks of their last part are kept, with the file's number in front, so that none leaves
 * the folder and none replaces another. Beside each lies its `.tlog-proof`, and with them the checkpoint and the log's verifier key.
 */
export async function saveOutputs(
  db: Kysely<Database>,
  id: RequestId,
  exports: string,
  suffix: string,
  evidence: Evidence,
): Promise<Result<{ readonly folder: string; readonly files: number; readonly proofs: number }, Failure>> {
  const row = await findRequest(db, id)
  if (row === null) return err(notFound)
  const signed = await readerOf(db)
    .selectFrom('signature')
    .innerJoin('request_file', (join) =>
      join
        .onRef('request_file.request_id', '=', 'signature.request_id')
        .onRef('request_file.ordinal', '=', 'signature.ordinal'),
    )
    .select(['signature.ordinal', 'request_file.path'])
    .where('signature.request_id', '=', id)
    .where('signature.state', '=', 'signed')
    .orderBy('signature.ordinal')
    .execute()
  if (signed.length === 0) return err(nothingSigned)
  const folder = join(
    exports,
    isByHand(row) ? `by-hand-${row.work_request_id}` : `work-request-${row.work_request_id}-${serverName(row.server)}`,
  )
  const hand = isByHand(row) ? await outputsOf(db, id) : []
  let proofs = 0
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const file of signed) {
      const name = outputName(row, file, hand.find(({ ordinal }) => ordinal === file.ordinal)?.path ?? null, suffix)
      const output = await releasedOutput(db, id, file.ordinal)
      if (output === 'none' || output === 'changed') return err(outputChanged)
      await writeFile(join(folder, name), output.bytes, { mode: 0o600 })
      const proof = await evidence.proofOf(output.outcomeSeq)
      if (proof === null) continue
      await writeFile(join(folder, `${name}.tlog-proof`), proof, { mode: 0o600 })
      proofs += 1
    }
    // What the proofs are checked with, so that the folder is all that has to be handed on.
    const { checkpoint, vkey } = await evidence.ofLog()
    if (checkpoint !== null) await writeFile(join(folder, 'log.checkpoint'), checkpoint, { mode: 0o600 })
    if (vkey !== null) await writeFile(join(folder, 'log.vkey'), `${vkey}\n`, { mode: 0o600 })
  } catch (error) {
    return err({
      kind: 'unavailable',
      code: 'export-not-written',
      message: `The outputs could not be written to ${folder}. They are kept in the database. Make room there and try again.`,
      detail: error instanceof Error ? error.message : String(error),
    })
  }
  return ok({ folder, files: signed.length, proofs })
}

/**
 * Documents of an upload name each other, and an index is looked for under the name that was asked for: both keep theirs, which the parsers
 * let through as a plain one.
 */
function outputName(
  row: RequestRow,
  file: { readonly path: string; readonly ordinal: number },
  opened: string | null,
  suffix: string,
): string {
  if (opened !== null) return `${String(file.ordinal + 1).padStart(3, '0')}-${safe(basename(opened))}`
  const request = row.task_name === 'signrepositoryindex' ? workRequestOf(row.raw) : null
  const index = request?.ok === true ? indexTaskOf(request.value) : null
  if (index?.ok === true) return index.value.signedName
  if (row.task_name === 'debsign' && /^[A-Za-z0-9][A-Za-z0-9.+:~_%=@,-]{0,250}$/.test(file.path)) return file.path
  return `${String(file.ordinal + 1).padStart(3, '0')}-${safe(basename(file.path))}${suffix}`
}

function safe(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._+-]/g, '_').slice(0, 150)
}

/** Host, port and path of a server's API, without its usual end. */
function serverName(apiUrl: string): string {
  const { host, pathname } = new URL(apiUrl)
  return safe(`${host}${pathname.replace(/(?:\/api)?\/?$/, '')}`)
}

const nothingSigned: Failure = {
  kind: 'refused',
  code: 'nothing-signed',
  message: 'Nothing of this request is signed, so there is nothing to save.',
}
