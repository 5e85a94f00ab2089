import type { RequestRow } from '../../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type ArtifactId, artifactId, requestId, workRequestId } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ReviewSheet } from '../../../shared/review-sheet.ts'
import { step } from '../../app/steps.ts'
import type { UserServer } from '../../debusine/user-server.ts'
import type { DeskPorts } from '../desk-ports.ts'
import type { RequestState } from '../machine.ts'
import { findSheet, heldReference } from '../request.repository.ts'
import { type ReturnedArtifact, returnedArtifact } from '../return-upload.ts'
import { transition } from '../transition.ts'
import { asUser } from './user-session.ts'

/** What it takes of the desk. */
export type ReturnPorts = Pick<DeskPorts, 'db' | 'audit' | 'spool' | 'checkpoint' | 'userSession' | 'now'>
type Returning = Extract<RequestState, { kind: 'returning' }>

/**
 * Hands the signed upload of an ExternalDebsign in, as the server's own client does: an artifact of no work request, its documents, then
 * the one call that ends the task. Each step is remembered; what is asked again after a crash is whether it arrived. There is no way to
 * tell the server "no": what was declined or not signed whole waits there on.
 */
export async function returnSignature(
  ports: ReturnPorts,
  row: RequestRow,
  state: Returning,
  signal: AbortSignal,
): Promise<Result<'returned' | 'gone', Failure>> {
  if (state.verdict !== 'signed') return putDown(ports, row)
  const decision = await ports.db.selectFrom('decision').selectAll().where('request_id', '=', row.id).executeTakeFirst()
  const id = requestId.parse(row.id)
  const stored = decision?.sheet_digest == null ? null : await findSheet(ports.db, id, decision.sheet_digest)
  if (stored === null) throw new Error(`request ${row.id} is signed without a sheet`)
  await ports.checkpoint()
  return asUser(ports.userSession, row.server, async (server) => {
    step('upload', 'before')
    const uploaded = await uploadSigned(ports, server, row, stored.sheet, signal)
    if (!uploaded.ok) return uploaded
    step('upload', 'after')
    return handIn(ports, server, row, uploaded.value)
  })
}

async function uploadSigned(
  ports: ReturnPorts,
  server: UserServer,
  row: RequestRow,
  sheet: ReviewSheet,
  signal: AbortSignal,
): Promise<Result<ArtifactId, Failure>> {
  const known = await ports.db
    .selectFrom('returned_artifact')
    .select(['artifact_id', 'uploaded'])
    .where('request_id', '=', row.id)
    .where('kind', '=', 'output')
    .executeTakeFirst()
  if (known?.uploaded === 1) return ok(artifactId.parse(known.artifact_id))
  const [input] = sheet.artifacts
  if (input === undefined) throw new Error(`the sheet of request ${row.id} has no artifact`)
  const id = requestId.parse(row.id)
  await ports.spool.open(id)
  const pathOf = (ordinal: number) => ports.spool.pathOf(id, ordinal)
  const made = await returnedArtifact({ db: ports.db, pathOf }, sheet, input)
  if (!made.ok) return made
  const held = heldReference(row)
  const there =
    known === undefined
      ? await create(ports, server, row, made.value, new Set(signedPaths(sheet)))
      : await stillMissing(server, row, artifactId.parse(known.artifact_id))
  if (!there.ok) return there
  for (const file of made.value.files.filter(({ path }) => there.value.missing.includes(path))) {
    const sent = await server.upload(held, there.value.id, file, { signal })
    if (!sent.ok) return sent
  }
  await ports.db.updateTable('returned_artifact').set({ uploaded: 1 }).where('request_id', '=', row.id).execute()
  return ok(there.value.id)
}

function signedPaths(sheet: ReviewSheet): readonly string[] {
  return sheet.artifacts.flatMap(({ files }) =>
    files.filter((each) => each.disposition === 'sign').map(({ path }) => path),
  )
}

interface Made {
  readonly id: ArtifactId
  readonly missing: readonly string[]
}

/** One whose answer was lost is of no work request, waits for its files, and is thrown away by the server when it expires. */
async function create(
  ports: ReturnPorts,
  server: UserServer,
  row: RequestRow,
  artifact: ReturnedArtifact,
  signed: ReadonlySet<string>,
): Promise<Result<Made, Failure>> {
  step('signed-upload', 'before')
  const made = await server.createUpload(heldReference(row), {
    category: 'debian:upload',
    data: artifact.data,
    files: artifact.files.map(({ path, size, sha256 }) => ({ path, size, sha256, signed: signed.has(path) })),
  })
  if (!made.ok) return made
  step('signed-upload', 'after')
  await ports.db
    .insertInto('returned_artifact')
    .values({ request_id: row.id, kind: 'output', position: 0, artifact_id: made.value.id, uploaded: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return made
}

async function stillMissing(server: UserServer, row: RequestRow, id: ArtifactId): Promise<Result<Made, Failure>> {
  const missing = await server.missingFiles(heldReference(row), id)
  return missing.ok ? ok({ id, missing: missing.value }) : missing
}

/** The one call that ends the task. When no answer comes, the task is looked at: it names the artifact that ended it. */
async function handIn(
  ports: ReturnPorts,
  server: UserServer,
  row: RequestRow,
  signed: ArtifactId,
): Promise<Result<'returned' | 'gone', Failure>> {
  const id = workRequestId.parse(row.work_request_id)
  step('signature-handed-in', 'before')
  const answered = await server.provideSignature(id, signed)
  step('signature-handed-in', 'after')
  if (answered.ok && answered.value.kind === 'taken') return finish(ports, row, signed)
  if (answered.ok && answered.value.kind === 'not-allowed') return err(notTheirs(answered.value.message))
  if (!answered.ok && !mayHaveArrived.has(answered.error.code)) return answered
  const seen = await server.task(id)
  if (!seen.ok) return seen
  if (seen.value?.artifacts.includes(signed) === true) return finish(ports, row, signed)
  if (seen.value?.request.status !== 'running') return ok('gone')
  return answered.ok ? err(notTaken(answered.value.kind === 'not-waiting' ? answered.value.message : '')) : answered
}

const mayHaveArrived: ReadonlySet<string> = new Set([
  'server-unreachable',
  'server-error',
  'server-answer-invalid',
  'cancelled',
])

async function finish(
  ports: ReturnPorts,
  row: RequestRow,
  signed: ArtifactId,
): Promise<Result<'returned' | 'gone', Failure>> {
  const id = requestId.parse(row.id)
  const written = await writeTransaction(ports.db, async (trx) => {
    const moved = await transition(trx, id, { kind: 'returned' }, ports.now().toISOString())
    if (moved === null) return
    await ports.audit.append(trx, [
      { event: 'returned', requestId: id, result: 'success', outputArtifacts: [signed], errors: [] },
    ])
  })
  return written.ok ? ok('returned') : written
}

/** Nothing is told to the server, so the log has no `returned`: what was decided is in it already. */
async function putDown(ports: ReturnPorts, row: RequestRow): Promise<Result<'returned', Failure>> {
  const written = await writeTransaction(ports.db, (trx) =>
    transition(trx, requestId.parse(row.id), { kind: 'returned' }, ports.now().toISOString()),
  )
  return written.ok ? ok('returned') : written
}

function notTheirs(message: string): Failure {
  return {
    kind: 'refused',
    code: 'not-yours',
    message: `The server takes this signature only from the person who made the task, and the API token in the settings is not theirs. What is signed is kept; set that person’s token and try again. It says: “${message}”.`,
  }
}
function notTaken(message: string): Failure {
  return {
    kind: 'refused',
    code: 'signature-not-taken',
    message: `The server did not take the signed upload. What is signed is kept; try again.${message === '' ? '' : ` It says: “${message}”.`}`,
  }
}
