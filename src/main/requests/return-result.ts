import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { type ArtifactId, artifactId, requestId, sha256Hex } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { ReviewSheet, SheetArtifact } from '../../shared/review-sheet.ts'
import { step } from '../app/steps.ts'
import { entriesOfRequest } from '../audit/audit.repository.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { firstCheckpointOver } from '../audit/tree.repository.ts'
import { type DebusineServer, type HeldReference, type OutputFile } from '../debusine/server.ts'
import { signingOutputData } from '../debusine/task-data.ts'
import { afterLostAnswer } from '../debusine/work-requests.ts'
import type { RequestState } from './machine.ts'
import { generationTask } from './prepare-generation.ts'
import { outputChanged, releasedOutput } from './released-output.ts'
import { reportKey } from './report-key.ts'
import { findSheet, heldReference, newestSheet } from './request.repository.ts'
import { generationReport, type PlannedOutput, type Report, reportOf, type SignatureResult } from './result-report.ts'
import { outputCategory, returnedArtifact } from './return-upload.ts'
import type { Spool } from './spool.ts'
import { transition } from './transition.ts'
import { tokenEnded, workTokenEnded } from './work-token.ts'

export interface Returning {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly server: DebusineServer
  readonly spool: Spool
  readonly stationName: () => string
  readonly operatorName: () => string
  readonly suffix: string
  /** Has the log's checkpoint signed for all that is in it now; where that fails, the result goes without it. */
  readonly checkpoint: () => Promise<void>
  readonly now: () => Date
}

/** `gone`: nobody waits for the result any more. What was signed stays here. */
export type Returned = 'returned' | 'gone'

/**
 * Uploads what is signed, relates it, reports the result. Each step is remembered, so that it can be taken again after a crash
 * or a lost server without a second artifact. Reads only what is committed: no result leaves without its outcome row (I1).
 */
export async function returnResult(
  ports: Returning,
  row: RequestRow,
  state: Extract<RequestState, { kind: 'returning' }>,
  signal: AbortSignal,
): Promise<Result<Returned, Failure>> {
  const id = requestId.parse(row.id)
  const held = heldReference(row)
  const decision = await ports.db.selectFrom('decision').selectAll().where('request_id', '=', row.id).executeTakeFirst()
  const stored =
    decision?.sheet_digest == null
      ? await newestSheet(ports.db, id)
      : await findSheet(ports.db, id, decision.sheet_digest)
  const signatures = await signatureResults(ports.db, row.id)
  const auditSeqs = await entriesOfRequest(readerOf(ports.db), row.id)
  await ports.checkpoint()
  const note = await firstCheckpointOver(readerOf(ports.db), auditSeqs.at(-1) ?? 0)
  const facts = { stationName: ports.stationName(), auditSeqs, suffix: ports.suffix }
  const generation = row.task_name === generationTask
  const report = generation ? generationReport(state, facts) : reportOf(state, stored?.sheet ?? null, signatures, facts)
  await ports.spool.open(id)

  step('upload', 'before')
  if (generation && state.verdict === 'signed') {
    const known = await reportKey(ports, row, held)
    if (!known.ok) return known.error.code === 'no-longer-ours' ? ended(ports, row, report) : known
  }
  const category = outputCategory(stored?.sheet ?? null) ?? 'debusine:signing-output'
  const produced = await findProduced(ports, row, held, category)
  if (!produced.ok) return produced.error.code === 'no-longer-ours' ? ended(ports, row, report) : produced
  for (const output of report.outputs) {
    const whole = stored === null ? undefined : wholeOutput(stored.sheet, output)
    const uploaded =
      whole !== undefined && stored !== null
        ? await uploadWhole(ports, row, held, stored.sheet, whole, signal)
        : await uploadOutput(
            ports,
            row,
            held,
            output,
            { purpose: stored?.sheet.purpose ?? '', fingerprint: stored?.sheet.key.fingerprint ?? '' },
            signal,
          )
    if (!uploaded.ok) return uploaded.error.code === 'no-longer-ours' ? ended(ports, row, report) : uploaded
  }
  const logged = await uploadLog(
    ports,
    row,
    held,
    { report, note },
    stored?.sheet.artifacts.map((artifact) => artifact.artifactId) ?? [],
    signal,
  )
  if (!logged.ok) return logged.error.code === 'no-longer-ours' ? ended(ports, row, report) : logged
  step('upload', 'after')

  const marked = await writeTransaction(ports.db, (trx) =>
    trx.updateTable('request').set({ completion_sent: 1 }).where('id', '=', row.id).execute(),
  )
  if (!marked.ok) return marked
  step('completion', 'before')
  const completed = await ports.server.complete(held, {
    result: report.result,
    errors: report.errors,
    durationSeconds: (ports.now().getTime() - Date.parse(row.fetched_at)) / 1000,
  })
  if (!completed.ok) {
    // A report whose answer was lost, sent again: 0.16 has closed the request for us.
    const arrived = completed.error.detail === afterLostAnswer ? 1 : row.completion_sent
    return completed.error.code === 'no-longer-ours'
      ? ended(ports, { ...row, completion_sent: arrived }, report)
      : completed
  }
  step('completion', 'after')
  return finish(ports, row, report)
}

/**
 * The server does not know us for this request any more: after our report was sent, that means it arrived; before, an abort. Once
 * the token is dead it means neither.
 */
async function ended(ports: Returning, row: RequestRow, report: Report): Promise<Result<Returned, Failure>> {
  if (tokenEnded(row, ports.now())) return err(workTokenEnded)
  return row.completion_sent === 1 ? finish(ports, row, report) : ok('gone')
}

async function finish(ports: Returning, row: RequestRow, report: Report): Promise<Result<Returned, Failure>> {
  const id = requestId.parse(row.id)
  const outputs = await ports.db
    .selectFrom('returned_artifact')
    .select('artifact_id')
    .where('request_id', '=', row.id)
    .where('kind', '=', 'output')
    .orderBy('position')
    .execute()
  const written = await writeTransaction(ports.db, async (trx) => {
    const moved = await transition(trx, id, { kind: 'returned' }, ports.now().toISOString())
    if (moved === null) return
    await ports.audit.append(trx, [
      {
        event: 'returned',
        requestId: id,
        result: report.result,
        outputArtifacts: outputs.map(({ artifact_id }) => artifactId.parse(artifact_id)),
        errors: report.errors.map(({ code, message }) => ({ code, message })),
      },
    ])
  })
  return written.ok ? ok('returned') : written
}

/** Artifacts that an earlier try made and did not live to remember: found by what they are, so that none is made twice. */
async function findProduced(
  ports: Returning,
  row: RequestRow,
  held: HeldReference,
  outputs: string,
): Promise<Result<null, Failure & { code: string }>> {
  const known = await ports.db
    .selectFrom('returned_artifact')
    .select('artifact_id')
    .where('request_id', '=', row.id)
    .execute()
  const produced = await ports.server.producedArtifacts(held)
  if (!produced.ok) return produced
  const strangers = produced.value
    .filter((id) => !known.some(({ artifact_id }) => artifact_id === id))
    .sort((a, b) => a - b)
  let output = known.length
  for (const id of strangers) {
    const category = await ports.server.categoryOf(held, id)
    if (!category.ok) return category
    // Outputs are made in the order of their inputs, the logs after them: the n-th stranger is the n-th that is missing.
    if (category.value === outputs) await remember(ports, row.id, 'output', output++, id)
    else if (category.value === 'debusine:work-request-debug-logs') await remember(ports, row.id, 'logs', 0, id)
  }
  return ok(null)
}

/** The artifact of a task whose output is a whole one, and not one signature a file. */
function wholeOutput(sheet: ReviewSheet, { input }: PlannedOutput): SheetArtifact | undefined {
  return outputCategory(sheet) === null ? undefined : sheet.artifacts.find(({ artifactId }) => artifactId === input)
}

async function uploadWhole(
  ports: Returning,
  row: RequestRow,
  held: HeldReference,
  sheet: ReviewSheet,
  artifact: SheetArtifact,
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  const pathOf = (ordinal: number) => ports.spool.pathOf(sheet.requestId, ordinal)
  const made = await returnedArtifact({ db: ports.db, pathOf }, sheet, artifact)
  if (!made.ok) return made
  return upload(ports, row, held, {
    kind: 'output',
    position: sheet.artifacts.indexOf(artifact),
    relateTo: [artifact.artifactId],
    signal,
    ...made.value,
  })
}

async function uploadOutput(
  ports: Returning,
  row: RequestRow,
  held: HeldReference,
  output: PlannedOutput,
  key: { readonly purpose: string; readonly fingerprint: string },
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  const files: OutputFile[] = []
  for (const ordinal of output.signedOrdinals) {
    const made = await releasedOutput(ports.db, row.id, ordinal)
    if (made === 'none' || made === 'changed') return err(outputChanged)
    const { path } = await ports.db
      .selectFrom('request_file')
      .select('path')
      .where('request_id', '=', row.id)
      .where('ordinal', '=', ordinal)
      .executeTakeFirstOrThrow()
    const file = `${ports.spool.pathOf(requestId.parse(row.id), ordinal)}.sig`
    await writeFile(file, made.bytes, { mode: 0o600 })
    files.push({ path: `${path}${ports.suffix}`, file, size: made.bytes.length, sha256: made.sha256 })
  }
  return upload(ports, row, held, {
    kind: 'output',
    position: output.position,
    category: 'debusine:signing-output',
    data: signingOutputData({ ...key, results: output.results, binaryPackageName: output.binaryPackageName }),
    files,
    relateTo: [output.input],
    signal,
  })
}

async function uploadLog(
  ports: Returning,
  row: RequestRow,
  held: HeldReference,
  { report, note }: { readonly report: Report; readonly note: string | null },
  inputs: readonly ArtifactId[],
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  const known = await ports.db
    .selectFrom('returned_artifact')
    .select('uploaded')
    .where('request_id', '=', row.id)
    .where('kind', '=', 'logs')
    .executeTakeFirst()
  if (known?.uploaded === 1) return ok(null)
  const spooled = ports.spool.pathOf(requestId.parse(row.id), 0)
  const files = [await textFile('signing-station.log', `${spooled}.log`, report.log)]
  // Whoever keeps the server's artifacts keeps a witness of this log (docs/flows/server.md).
  if (note !== null) files.push(await textFile('signing-station.checkpoint', `${spooled}.checkpoint`, note))
  return upload(ports, row, held, {
    kind: 'logs',
    position: 0,
    category: 'debusine:work-request-debug-logs',
    data: {},
    files,
    relateTo: inputs,
    signal,
  })
}

async function textFile(path: string, file: string, text: string): Promise<OutputFile> {
  const bytes = Buffer.from(text, 'utf8')
  await writeFile(file, bytes, { mode: 0o600 })
  return { path, file, size: bytes.length, sha256: sha256Hex.parse(createHash('sha256').update(bytes).digest('hex')) }
}

interface Upload {
  readonly kind: 'output' | 'logs'
  readonly position: number
  readonly category: string
  readonly data: unknown
  readonly files: readonly OutputFile[]
  readonly relateTo: readonly ArtifactId[]
  /** `relates-to` where nothing is said. */
  readonly relation?: 'relates-to' | 'extends'
  readonly signal: AbortSignal
}

async function upload(
  ports: Returning,
  row: RequestRow,
  held: HeldReference,
  plan: Upload,
): Promise<Result<null, Failure>> {
  const known = await ports.db
    .selectFrom('returned_artifact')
    .selectAll()
    .where('request_id', '=', row.id)
    .where('kind', '=', plan.kind)
    .where('position', '=', plan.position)
    .executeTakeFirst()
  if (known?.uploaded === 1) return ok(null)
  let id = known === undefined ? null : artifactId.parse(known.artifact_id)
  let missing: readonly string[]
  if (id === null) {
    const created = await ports.server.createArtifact(held, plan)
    if (!created.ok) return created
    id = created.value.id
    missing = created.value.missing
    await remember(ports, row.id, plan.kind, plan.position, id)
  } else {
    // As it was declared then: a file that could not be made at the first try is not added at the second.
    const declared = await ports.server.missingFiles(held, id)
    if (!declared.ok) return declared
    missing = declared.value
  }
  for (const file of plan.files.filter((each) => missing.includes(each.path))) {
    const sent = await ports.server.upload(held, id, file, { signal: plan.signal })
    if (!sent.ok) return sent
  }
  for (const target of plan.relateTo) {
    const related = await ports.server.relate(held, { artifact: id, target, type: plan.relation ?? 'relates-to' })
    if (!related.ok) return related
  }
  await ports.db
    .updateTable('returned_artifact')
    .set({ uploaded: 1 })
    .where('request_id', '=', row.id)
    .where('kind', '=', plan.kind)
    .where('position', '=', plan.position)
    .execute()
  return ok(null)
}

async function remember(
  ports: Returning,
  request: string,
  kind: 'output' | 'logs',
  position: number,
  artifact: ArtifactId,
): Promise<void> {
  await ports.db
    .insertInto('returned_artifact')
    .values({ request_id: request, kind, position, artifact_id: artifact, uploaded: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function signatureResults(db: Kysely<Database>, request: string): Promise<readonly SignatureResult[]> {
  const rows = await db
    .selectFrom('signature')
    .select(['ordinal', 'state', 'output_sha256', 'failure'])
    .where('request_id', '=', request)
    .orderBy('ordinal')
    .execute()
  return rows.map((row) => ({
    ordinal: row.ordinal,
    state: row.state as SignatureResult['state'], // CHECK in the schema
    outputSha256: row.output_sha256,
    message: messageOf(row.state, row.failure),
  }))
}

function messageOf(state: string, failure: string | null): string | null {
  if (state === 'signed') return null
  if (state === 'unknown')
    return 'Signing was interrupted and the outcome is not known; the signature was not released.'
  if (failure === null) return null
  const parsed: unknown = JSON.parse(failure)
  return typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string'
    ? parsed.message
    : null
}
