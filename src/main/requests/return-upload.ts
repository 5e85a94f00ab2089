import { writeFile } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { ReviewSheet, SheetArtifact, SheetFile } from '../../shared/review-sheet.ts'
import { controlLimits } from '../deb822/control-fault.ts'
import { parseControl } from '../deb822/paragraph.ts'
import { changesFields } from '../debian/changes-fields.ts'
import type { OutputFile } from '../debusine/server.ts'
import { type ReleasedOutput, releasedOutput } from './released-output.ts'

/** What is handed back in an artifact of its own. */
export interface ReturnedArtifact {
  readonly category: 'debian:upload' | 'debian:repository-index'
  readonly data: unknown
  readonly files: readonly OutputFile[]
  readonly relation: 'relates-to' | 'extends'
}

interface Ports {
  readonly db: Kysely<Database>
  readonly pathOf: (ordinal: number) => string
}

/** The category of a task's outputs; they are found by it after a crash. Null: a Sign task, whose outputs are made elsewhere. */
export function outputCategory(sheet: ReviewSheet | null): ReturnedArtifact['category'] | null {
  switch (sheet?.workRequest?.task) {
    case 'debsign':
      return 'debian:upload'
    case 'signrepositoryindex':
      return 'debian:repository-index'
    case 'sign':
    case undefined:
      return null
  }
}

/**
 * The output of a Debsign, the whole upload with its signed documents, or of a SignRepositoryIndex, as the server's own worker makes them.
 * Only what is committed as signed is read.
 */
export async function returnedArtifact(
  ports: Ports,
  sheet: ReviewSheet,
  artifact: SheetArtifact,
): Promise<Result<ReturnedArtifact, Failure>> {
  const { upload, repositoryIndex } = artifact
  if (repositoryIndex !== undefined) {
    const [file] = artifact.files
    const output = file === undefined ? null : await signedOutput(ports.db, sheet, file)
    if (file === undefined || output === null) return err(notThere)
    const name = repositoryIndex.signedName
    const spooled = await spool(ports, file, name, output)
    return ok({ category: 'debian:repository-index', data: { path: name }, files: [spooled], relation: 'extends' })
  }
  if (upload === undefined) return err(notThere)
  const files: OutputFile[] = []
  let fields: Readonly<Record<string, unknown>> | null = null
  for (const file of artifact.files) {
    if (file.disposition !== 'sign') {
      files.push({ path: file.path, file: ports.pathOf(file.ordinal), size: file.size, sha256: file.sha256 })
      continue
    }
    const output = await signedOutput(ports.db, sheet, file)
    if (output === null) return err(notThere)
    files.push(await spool(ports, file, file.path, output))
    if (file.path !== upload.changes) continue
    const parsed = parseControl(output.bytes, controlLimits)
    if (parsed.ok) fields = changesFields(parsed.value)
  }
  return fields === null
    ? err(notThere)
    : ok({ category: 'debian:upload', data: { type: 'dpkg', changes_fields: fields }, files, relation: 'relates-to' })
}

async function signedOutput(
  db: Kysely<Database>,
  { requestId }: ReviewSheet,
  { ordinal }: SheetFile,
): Promise<ReleasedOutput | null> {
  const output = await releasedOutput(db, requestId, ordinal)
  return output === 'none' || output === 'changed' ? null : output
}

async function spool(ports: Ports, { ordinal }: SheetFile, path: string, output: ReleasedOutput): Promise<OutputFile> {
  const file = `${ports.pathOf(ordinal)}.sig`
  await writeFile(file, output.bytes, { mode: 0o600 })
  return { path, file, size: output.bytes.length, sha256: output.sha256 }
}

const notThere: Failure = {
  kind: 'defect',
  code: 'output-not-there',
  message:
    'A document that was signed is not in the database as the log says that it was made. Nothing was returned; what is signed is kept.',
}
