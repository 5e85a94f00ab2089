import type { z } from 'zod'
import { type ArtifactId, artifactId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { contentTypeOf } from './content-type.ts'
import type { DialectRules } from './dialect.ts'
import { type Connection, forHeld } from './held-call.ts'
import { limits } from './limits.ts'
import { invalidAnswer, refusalFailure, serverFailure } from './problem.ts'
import { answerJson } from './rest.ts'
import { namesFault } from './safe-name.ts'
import type { Artifact, ArtifactFile, HeldReference, OutputFile, ServerFailure } from './server.ts'
import { artifactFileJson, artifactJson, quoted, relationJson } from './wire.ts'

/** Reads an artifact and its file list. One bad name, size or address refuses the whole artifact. */
export function readArtifact(
  connection: Connection,
  held: HeldReference,
  id: ArtifactId,
): Promise<Result<Artifact, ServerFailure>> {
  const what = `read artifact ${id}`
  return forHeld(connection, held, async (rules) => {
    const json = await askForArtifact(connection, rules, held, id)
    if (!json.ok) return json
    if (json.value.files_to_upload.length > 0) return err(invalidAnswer(what, 'the artifact is not complete'))
    const files = readFiles(json.value.files, connection.rest.base.origin, what)
    if (!files.ok) return files
    return ok({
      id,
      workspace: json.value.workspace,
      category: json.value.category,
      data: json.value.data,
      files: files.value,
    })
  })
}

/** What kind of artifact it is, also while its files are still to be sent: its maker may have died between the two. */
export function readCategory(
  connection: Connection,
  held: HeldReference,
  id: ArtifactId,
): Promise<Result<string, ServerFailure>> {
  return forHeld(connection, held, async (rules) => {
    const json = await askForArtifact(connection, rules, held, id)
    return json.ok ? ok(json.value.category) : json
  })
}

/** What its maker did not live to send. */
export function readMissingFiles(
  connection: Connection,
  held: HeldReference,
  id: ArtifactId,
): Promise<Result<readonly string[], ServerFailure>> {
  return forHeld(connection, held, async (rules) => {
    const json = await askForArtifact(connection, rules, held, id)
    return json.ok ? ok(json.value.files_to_upload) : json
  })
}

async function askForArtifact(
  connection: Connection,
  rules: DialectRules,
  held: HeldReference,
  id: ArtifactId,
): Promise<Result<z.infer<typeof artifactJson>, ServerFailure>> {
  const what = `read artifact ${id}`
  const { rest } = connection
  const answer = await rest.call({
    method: 'GET',
    url: rest.url(rules.artifactPath(held, id)),
    authority: rules.authority(held, connection.workerToken),
    repeat: 'safe',
    what,
  })
  if (!answer.ok) return answer
  if (answer.value.status !== 200) return err(refusalFailure(answer.value, what))
  const json = answerJson(answer.value, artifactJson, what)
  if (!json.ok) return json
  return json.value.id === id ? json : err(invalidAnswer(what, `artifact ${json.value.id}`))
}

function readFiles(files: object, origin: string, what: string): Result<readonly ArtifactFile[], ServerFailure> {
  const entries: readonly [string, unknown][] = Object.entries(files)
  if (entries.length > limits.filesPerArtifact)
    return err(
      serverFailure(
        'too-large',
        `The artifact has ${entries.length} files; this station takes at most ${limits.filesPerArtifact}.`,
      ),
    )
  const names = namesFault(entries.map(([path]) => path))
  if (!names.ok) return err(unsafeName(names.error.path, names.error.fault))
  const read: ArtifactFile[] = []
  for (const [path, value] of entries) {
    const parsed = artifactFileJson.safeParse(value)
    if (!parsed.success) return err(invalidAnswer(what, parsed.error.message))
    const { size, checksums, url } = parsed.data
    if (size > limits.fileBytes)
      return err(
        serverFailure(
          'too-large',
          `A file of the artifact has ${size} bytes; this station takes at most ${limits.fileBytes}.`,
          quoted(path),
        ),
      )
    // The token would go to this address.
    if (URL.parse(url)?.origin !== origin) return err(invalidAnswer(what, 'a file is said to be on another server'))
    read.push({ path, size, sha256: checksums.sha256, url })
  }
  return ok(read)
}

function unsafeName(path: string, fault: string): ServerFailure {
  return serverFailure(
    'name-unsafe',
    `A file name in the artifact is not safe (${fault}): “${quoted(path, 100)}”. The artifact was refused.`,
  )
}

/**
 * Makes an artifact with its list of files; what the workspace has already, and empty files, need no upload. Sent once: a
 * second one would be a second result of the request. After a lost answer look for it with `producedArtifacts`.
 */
export function createArtifact(
  connection: Connection,
  held: HeldReference,
  artifact: { readonly category: string; readonly data: unknown; readonly files: readonly OutputFile[] },
): Promise<Result<{ readonly id: ArtifactId; readonly missing: readonly string[] }, ServerFailure>> {
  const what = 'create an artifact'
  return forHeld(connection, held, async (rules) => {
    const { rest } = connection
    const names = namesFault(artifact.files.map(({ path }) => path))
    if (!names.ok) return err(unsafeName(names.error.path, names.error.fault))
    const files: [path: string, declared: object][] = []
    for (const file of artifact.files) {
      const { path, size, sha256 } = file
      const type = rules.contentTypes ? { content_type: await contentTypeOf(artifact.category, file) } : {}
      files.push([path, { size, checksums: { sha256 }, type: 'file', ...type }])
    }
    const answer = await rest.call({
      method: 'POST',
      url: rest.url('artifact/'),
      authority: rules.authority(held, connection.workerToken),
      json: {
        category: artifact.category,
        workspace: held.workspace,
        data: artifact.data,
        files: Object.fromEntries(files),
        work_request: held.workRequestId,
        expire_at: null,
      },
      repeat: 'never',
      what,
    })
    if (!answer.ok) return answer
    if (answer.value.status !== 201) return err(refusalFailure(answer.value, what))
    const json = answerJson(answer.value, artifactJson, what)
    if (!json.ok) return json
    const missing = json.value.files_to_upload
    const ours = new Set(artifact.files.map(({ path }) => path))
    if (json.value.category !== artifact.category || missing.some((path) => !ours.has(path))) {
      return err(invalidAnswer(what, 'the artifact made is not the one asked for'))
    }
    return ok({ id: artifactId.parse(json.value.id), missing })
  })
}

/** Relates two artifacts; a relation that exists already is fine. */
export function relate(
  connection: Connection,
  held: HeldReference,
  relation: { readonly artifact: ArtifactId; readonly target: ArtifactId; readonly type: 'relates-to' | 'extends' },
): Promise<Result<null, ServerFailure>> {
  const what = `relate artifact ${relation.artifact} to ${relation.target}`
  return forHeld(connection, held, async (rules) => {
    const { artifact, target, type } = relation
    const answer = await connection.rest.call({
      method: 'POST',
      url: connection.rest.url('artifact-relation/'),
      authority: rules.authority(held, connection.workerToken),
      json: { artifact, target, type },
      repeat: 'safe',
      what,
    })
    if (!answer.ok) return answer
    if (answer.value.status !== 201 && answer.value.status !== 200) return err(refusalFailure(answer.value, what))
    const json = answerJson(answer.value, relationJson, what)
    if (!json.ok) return json
    const same = json.value.artifact === artifact && json.value.target === target && json.value.type === type
    return same ? ok(null) : err(invalidAnswer(what, 'another relation was made'))
  })
}
