import { writeFile } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { RequestRow } from '../../../db/tables/request.table.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { type RequestId, requestId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { limits } from '../debusine/limits.ts'
import type { Artifact, DebusineServer, HeldReference, WorkRequest } from '../debusine/server.ts'
import { signingInputOf, workRequestOf } from '../debusine/task-data.ts'
import type { Inspector } from '../inspector/inspector.ts'
import type { PolicyInput } from '../policy/policy-input.ts'
import { type InspectedArtifact, sheetArtifacts } from '../review/build-sheet.ts'
import { furtherKeysAsked } from './further-keys.ts'
import { lastRelease } from './last-signed.ts'
import { makeSheet, type SheetPorts } from './make-sheet.ts'
import { payloadFacts } from './payload-facts.ts'
import { generationTask, prepareGeneration } from './prepare-generation.ts'
import { heldReference } from './request.repository.ts'
import { artifactsOfTask } from './sheet-of-task.ts'
import { signedBefore } from './signed-before.ts'
import { inspectedAsOf, planOf, type TaskPlan } from './task-plan.ts'
import { tokenEnded, workTokenEnded } from './work-token.ts'

export interface Preparation extends SheetPorts {
  readonly server: DebusineServer
  readonly inspector: Inspector
}

/** Fetches, inspects and checks what a request wants signed, and makes its sheet. Everything can be done again after a crash. */
export async function prepare(
  ports: Preparation,
  row: RequestRow,
  signal: AbortSignal,
): Promise<Result<{ readonly digest: string }, Failure>> {
  const request = workRequestOf(row.raw)
  if (!request.ok) return request
  if (request.value.taskName === generationTask) return prepareGeneration(ports, row, request.value)
  const task = planOf(request.value, row)
  if (!task.ok) return task
  const id = requestId.parse(row.id)
  const held = heldReference(row)
  const artifacts = await readArtifacts(ports.server, held, task.value)
  if (!artifacts.ok) return artifacts
  const listed = await listFiles(ports.db, id, artifacts.value)
  if (!listed.ok) return listed
  await ports.spool.open(id)
  for (const { file, ordinal } of listed.value) {
    const found = await ports.spool.compare(id, ordinal, file)
    if (found === 'same') continue
    // A download has its name only when it is whole and right: somebody or something wrote into the spool. It is put aside
    // as evidence, so that trying again fetches the file anew.
    if (found === 'changed') {
      await ports.spool.putAside(id, ordinal)
      return err(spoolChanged)
    }
    const fetched = await ports.server.download(held, file, ports.spool.pathOf(id, ordinal), { signal })
    if (!fetched.ok) return fetched
  }
  const inspected = await inspectAll(
    ports,
    { row, id, held, task: task.value, artifacts: artifacts.value, files: listed.value },
    signal,
  )
  if (!inspected.ok) return inspected
  return sheetOf(ports, {
    row,
    id,
    held,
    request: request.value,
    task: task.value,
    inspected: inspected.value,
  })
}

const spoolChanged: Failure = {
  kind: 'refused',
  code: 'spool-changed',
  message:
    'A fetched file was changed on this machine. Nothing was signed; the changed file was put aside in the spool. Find out who can write there, then try again or decline.',
}

/** An upload and an index say nothing of certificates. */
const nothingDeclared = { trustedCerts: null, binaryPackageName: null }

interface ReadArtifact {
  readonly artifact: Artifact
  readonly trustedCerts: readonly string[] | null
  readonly binaryPackageName: string | null
}

async function readArtifacts(
  server: DebusineServer,
  held: HeldReference,
  task: TaskPlan,
): Promise<Result<readonly ReadArtifact[], Failure>> {
  const read: ReadArtifact[] = []
  let files = 0
  for (const artifactId of task.unsignedIds) {
    const artifact = await server.artifact(held, artifactId)
    if (!artifact.ok) return artifact
    if (artifact.value.category !== task.category) {
      return err({
        kind: 'invalid',
        code: 'artifact-category',
        message: `Artifact ${artifactId} is not a ${task.category}. Nothing was signed. Decline the request.`,
        detail: artifact.value.category,
      })
    }
    const data = task.task === 'sign' ? signingInputOf(artifact.value.data) : ok(nothingDeclared)
    if (!data.ok) return data
    // Counted as they come: a thousand artifacts of ten thousand files each would not fit into memory, and nobody could read them.
    files += artifact.value.files.length
    if (files > limits.filesPerArtifact) return err(tooManyFiles)
    read.push({ artifact: artifact.value, ...data.value })
  }
  return ok(read)
}

interface ListedFile {
  readonly artifactPosition: number
  readonly ordinal: number
  readonly file: Artifact['files'][number]
}

/** Fixes names, sizes and digests the first time; later the server must say the same (invariant I2). */
async function listFiles(
  db: Kysely<Database>,
  id: RequestId,
  artifacts: readonly ReadArtifact[],
): Promise<Result<readonly ListedFile[], Failure>> {
  let ordinal = 0
  const listed = artifacts.flatMap(({ artifact }, artifactPosition) =>
    [...artifact.files]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map((file): ListedFile => ({ artifactPosition, ordinal: ordinal++, file })),
  )
  const rows = listed.map((each) => ({
    request_id: id as string,
    ordinal: each.ordinal,
    artifact_position: each.artifactPosition,
    artifact_id: artifacts[each.artifactPosition]?.artifact.id ?? 0,
    path: each.file.path,
    size: each.file.size,
    sha256: each.file.sha256 as string,
  }))
  const known = await db
    .selectFrom('request_file')
    .selectAll()
    .where('request_id', '=', id)
    .orderBy('ordinal')
    .execute()
  if (known.length > 0) {
    const same =
      known.length === rows.length &&
      known.every((file, index) =>
        Object.entries(file).every(([name, value]) => rows[index]?.[name as keyof (typeof rows)[number]] === value),
      )
    return same ? ok(listed) : err(changedAtServer)
  }
  if (rows.length === 0) return err(noFiles)
  const written = await writeTransaction(db, async (trx) => {
    for (const file of rows) await trx.insertInto('request_file').values(file).execute()
    await trx.updateTable('request').set({ file_count: rows.length }).where('id', '=', id).execute()
  })
  return written.ok ? ok(listed) : written
}

const tooManyFiles: Failure = {
  kind: 'invalid',
  code: 'too-many-files',
  message: `The request has more than ${limits.filesPerArtifact} files; this station takes no more in one request. Nothing was fetched. Decline the request.`,
}
const changedAtServer: Failure = {
  kind: 'refused',
  code: 'input-changed-at-server',
  message:
    'The server now lists other files or other digests than when the request was fetched. Nothing was signed. Decline the request and ask the server’s administrator.',
}
const noFiles: Failure = {
  kind: 'invalid',
  code: 'no-files',
  message: 'The request names no file. Nothing can be signed. Decline the request.',
}

interface Fetched {
  readonly row: RequestRow
  readonly id: RequestId
  readonly held: HeldReference
  readonly task: TaskPlan
  readonly artifacts: readonly ReadArtifact[]
  readonly files: readonly ListedFile[]
}

async function inspectAll(
  ports: Preparation,
  fetched: Fetched,
  signal: AbortSignal,
): Promise<Result<readonly InspectedArtifact[], Failure>> {
  const before = await spoolLastRelease(ports, fetched)
  const facts = await Promise.all(
    fetched.files.map(async ({ file, ordinal }) => {
      const path = ports.spool.pathOf(fetched.id, ordinal)
      const as = inspectedAsOf(fetched.task, file.path)
      if (as === null) return ok(await payloadFacts(path))
      return ports.inspector.inspect({ path, name: file.path, as, ...(before === null ? {} : { before }) }, signal)
    }),
  )
  const inspected: InspectedArtifact[] = []
  for (const [position, { artifact, trustedCerts, binaryPackageName }] of fetched.artifacts.entries()) {
    const permission = await ports.server.signPermission(
      fetched.held,
      { purpose: fetched.task.purpose, fingerprint: fetched.task.fingerprint },
      artifact.id,
    )
    const files: InspectedArtifact['files'][number][] = []
    for (const { file, ordinal, artifactPosition } of fetched.files) {
      if (artifactPosition !== position) continue
      const found = facts[ordinal]
      if (found === undefined || (!found.ok && signal.aborted)) return err(stopped)
      files.push({
        ordinal,
        path: file.path,
        size: file.size,
        sha256: file.sha256,
        // A parser that died is a fact about the file: it cannot be explained, and for this purpose not be signed.
        facts: found.ok ? found.value : { kind: 'opaque', reason: found.error.message, firstBytesHex: '' },
        signedBefore: await signedBefore(ports.db, fetched.id, file.sha256, fetched.task),
      })
    }
    inspected.push({
      artifactId: artifact.id,
      category: artifact.category,
      binaryPackageName,
      trustedCerts,
      permission: permission.ok ? permission.value : { kind: 'not-answered', reason: permission.error.message },
      files,
    })
  }
  return ok(inspected)
}

/** Lays the last signed `Release` of the suite beside the new one, for the inspector to compare them. Null: there is none. */
async function spoolLastRelease(ports: Preparation, { row, id, task }: Fetched): Promise<string | null> {
  const last = task.index === null ? null : await lastRelease(ports.db, row, task.index.suite)
  if (last === null) return null
  const path = `${ports.spool.pathOf(id, 0)}.before`
  await writeFile(path, last.text, { mode: 0o600 })
  return path
}

const stopped: Failure = {
  kind: 'unavailable',
  code: 'cancelled',
  message: 'Preparing the request was stopped. What was fetched is kept.',
}

interface Inspected {
  readonly row: RequestRow
  readonly id: RequestId
  readonly held: HeldReference
  readonly request: WorkRequest
  readonly task: TaskPlan
  readonly inspected: readonly InspectedArtifact[]
}

async function sheetOf(
  ports: Preparation,
  { row, id, held, request, task, inspected }: Inspected,
): Promise<Result<{ readonly digest: string }, Failure>> {
  const plain = sheetArtifacts(inspected, ports.settings().trustedCerts, task.purpose)
  const artifacts = await artifactsOfTask(ports, task, row, id, plain)
  const further = await furtherKeysAsked(ports, { id, held, task, artifacts })
  const stillHeld = await ports.server.stillHeld(held)
  return makeSheet(ports, {
    id,
    server: new URL(row.server).origin,
    request,
    plan: task,
    artifacts,
    further,
    held: (now) => heldAnswer(stillHeld, tokenEnded(row, now)),
    requestedBy:
      artifacts
        .map(({ permission }) => ('username' in permission ? permission.username : null))
        .find((name) => name !== null) ?? null,
  })
}

function heldAnswer(
  answer: Awaited<ReturnType<DebusineServer['stillHeld']>>,
  tokenIsDead: boolean,
): PolicyInput['held'] {
  if (!answer.ok) return { kind: 'not-answered', failure: answer.error }
  return answer.value === 'gone' && tokenIsDead
    ? { kind: 'not-answered', failure: workTokenEnded }
    : { kind: answer.value }
}
