import { realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Transaction } from 'kysely'
import type { Database } from '../../../../db/database.ts'
import type { RequestRow } from '../../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { HandDelivery } from '../../../shared/by-hand.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type RequestId, requestId, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { step } from '../../app/steps.ts'
import type { AuditEntryBody } from '../../audit/format/entry.ts'
import { type DeskPorts, notFound, notNow } from '../desk-ports.ts'
import { outputChanged, releasedOutput } from '../released-output.ts'
import { findRequest } from '../request.repository.ts'
import { parseState, transition } from '../transition.ts'
import { type HandOutput, isByHand, outputExists, outputsOf } from './hand.repository.ts'
import { placeOutput } from './place-output.ts'
import { shown } from './read-source.ts'

/**
 * Writes the signatures of a request by hand where they go, each once: what is intended is written down before the folder is touched,
 * and what was done together with its audit row. Can be taken again after a crash at any point.
 */
export async function deliverByHand(ports: DeskPorts, row: RequestRow): Promise<Result<'returned', Failure>> {
  const id = requestId.parse(row.id)
  await ports.checkpoint()
  for (const output of await outputsOf(ports.db, id)) {
    if (output.state === 'written' || output.state === 'kept') continue
    const delivered = await deliver(ports, id, output)
    if (!delivered.ok) return delivered
  }
  const finished = await writeTransaction(ports.db, (trx) =>
    transition(trx, id, { kind: 'returned' }, ports.now().toISOString()),
  )
  return finished.ok ? ok('returned') : finished
}

async function deliver(ports: DeskPorts, id: RequestId, listed: HandOutput): Promise<Result<null, Failure>> {
  const released = await releasedOutput(ports.db, id, listed.ordinal)
  if (released === 'none' || released === 'changed') return err(outputChanged)
  const output = { ...listed, bytes: released.bytes, sha256: released.sha256 }
  step('deliver', 'before')
  if (output.state === null) await intend(ports, id, output, {})
  let replaced: string | null = null
  const placed = await placeOutput(id, output, {
    replacing: async (sha256) => {
      replaced = sha256
      await intend(ports, id, output, { replaced_sha256: sha256 })
    },
    inPlace: () => intend(ports, id, output, { in_place: 1 }),
  })
  step('deliver', 'after')
  if (placed.kind === 'in-the-way') return err(inTheWay(output.path))
  if (placed.kind === 'not-a-file') return err(notAFile(output.path))
  if (placed.kind === 'failed') return err(notWritten(output.path, placed.error))
  // It was put there, and the station ended before it could say so.
  if (placed.over === 'the-output') replaced = output.replacedSha256
  const written = await writeTransaction(ports.db, async (trx) => {
    await settle(trx, ports, id, output.ordinal, 'written')
    await ports.audit.append(trx, [entryOf(ports, id, output, replaced === null ? 'written' : 'replaced', replaced)])
  })
  step('delivered', 'after')
  return written.ok ? ok(null) : written
}

/** Thrown where the database refuses: nothing may be done in a folder that is not written down. */
async function intend(
  { db, now }: DeskPorts,
  id: RequestId,
  { ordinal, path, mayReplace }: HandOutput,
  more: { readonly replaced_sha256?: string | null; readonly in_place?: 0 | 1 },
): Promise<void> {
  const at = now().toISOString()
  const written = await writeTransaction(db, async (trx) => {
    const row = { path, may_replace: mayReplace ? 1 : 0, at, ...more }
    const known = await trx
      .updateTable('hand_output')
      .set(row)
      .where('request_id', '=', id)
      .where('ordinal', '=', ordinal)
      .executeTakeFirst()
    if (known.numUpdatedRows > 0n) return
    await trx
      .insertInto('hand_output')
      .values({ request_id: id, ordinal, state: 'intended', replaced_sha256: null, ...row })
      .execute()
  })
  if (!written.ok) throw new Error(`an output could not be written down: ${written.error.code}`)
}

async function settle(
  trx: Transaction<Database>,
  { now }: DeskPorts,
  id: RequestId,
  ordinal: number,
  state: 'written' | 'kept',
): Promise<void> {
  await trx
    .updateTable('hand_output')
    .set({ state, at: now().toISOString() })
    .where('request_id', '=', id)
    .where('ordinal', '=', ordinal)
    .execute()
}

function entryOf(
  ports: DeskPorts,
  id: RequestId,
  output: HandOutput,
  how: 'written' | 'replaced' | 'kept',
  replaced: string | null,
): AuditEntryBody {
  return {
    event: 'output-delivered',
    requestId: id,
    ordinal: output.ordinal,
    how,
    path: output.path,
    outputSha256: sha256Hex.parse(output.sha256),
    replacedSha256: replaced === null ? null : sha256Hex.parse(replaced),
    operator: ports.settings().operatorName,
  }
}

/**
 * A person's answer where the signatures could not be written: replace the one file that he was asked about, another folder, or keep
 * them in the station. Writes nothing outside; the delivery is taken up again afterwards.
 */
export async function redirectDelivery(
  ports: DeskPorts,
  id: RequestId,
  delivery: HandDelivery,
): Promise<Result<null, Failure>> {
  const row = await findRequest(ports.db, id)
  if (row === null) return err(notFound)
  const state = parseState(row.state)
  if (!isByHand(row) || state.kind !== 'returning' || state.failure === null) return err(notNow)
  const waiting = (await outputsOf(ports.db, id)).filter((each) => each.state !== 'written' && each.state !== 'kept')
  if (delivery.kind === 'replace') {
    const [asked] = waiting
    // The question was about the file that is in the way now, and the answer names it.
    if (asked?.path !== delivery.path || state.failure.code !== outputExists) return err(notNow)
    await intend(ports, id, { ...asked, mayReplace: true }, {})
    return ok(null)
  }
  if (delivery.kind === 'folder') {
    const folder = await folderAt(delivery.folder)
    if (!folder.ok) return folder
    const paths = waiting.map((output) => join(folder.value, basename(output.path)))
    if (new Set(paths).size !== paths.length) return err(sameNames)
    for (const [index, output] of waiting.entries())
      await intend(
        ports,
        id,
        { ...output, path: paths[index] ?? output.path, mayReplace: false },
        {
          replaced_sha256: null,
          in_place: 0,
        },
      )
    return ok(null)
  }
  for (const output of waiting) if (output.state === null) await intend(ports, id, output, {})
  const kept = await writeTransaction(ports.db, async (trx) => {
    for (const { ordinal } of waiting) await settle(trx, ports, id, ordinal, 'kept')
    await ports.audit.append(
      trx,
      waiting.map((output) => entryOf(ports, id, output, 'kept', null)),
    )
  })
  return kept.ok ? ok(null) : kept
}

async function folderAt(path: string): Promise<Result<string, Failure>> {
  try {
    const folder = await realpath(path)
    return (await stat(folder)).isDirectory() ? ok(folder) : err(noFolder(path))
  } catch {
    return err(noFolder(path))
  }
}

function inTheWay(path: string): Failure {
  return {
    kind: 'refused',
    code: outputExists,
    message: `There is a file ${shown(path)} already. It was not touched; the signature is kept in the station. Say whether that file may be replaced, name another folder, or keep the signature here.`,
  }
}
function notAFile(path: string): Failure {
  return {
    kind: 'refused',
    code: 'output-not-a-file',
    message: `At ${shown(path)} there is a folder, a link or a device, which is never replaced. It was not touched; the signature is kept in the station. Name another folder.`,
  }
}
function notWritten(path: string, error: unknown): Failure {
  return {
    kind: 'unavailable',
    code: 'output-not-written',
    message: `The signature could not be written to ${shown(path)}. It is kept in the station, and tried again by itself. Make room there or plug the medium in, or name another folder.`,
    detail: error instanceof Error ? error.message : String(error),
  }
}
function noFolder(path: string): Failure {
  return {
    kind: 'invalid',
    code: 'no-such-folder',
    message: `${shown(path)} is not a folder. Nothing was written; the signature is kept in the station.`,
  }
}
const sameNames: Failure = {
  kind: 'refused',
  code: 'same-output',
  message:
    'Two of the signatures have the same name and cannot go to one folder. Nothing was written; they are kept in the station.',
}
