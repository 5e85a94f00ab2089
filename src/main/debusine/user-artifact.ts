import { type ArtifactId, artifactId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { type Connection, forHeld } from './held-call.ts'
import { invalidAnswer, refusalFailure, serverFailure } from './problem.ts'
import { answerJson } from './rest.ts'
import { namesFault } from './safe-name.ts'
import type { HeldReference, OutputFile, ServerFailure } from './server.ts'
import { artifactJson, quoted } from './wire.ts'

/** One file of an upload: what was signed is sent, what was not the server has already, and recognises by its digest. */
export type UploadFile = Pick<OutputFile, 'path' | 'size' | 'sha256'> & { readonly signed: boolean }

export interface UploadArtifact {
  readonly category: 'debian:upload'
  readonly data: unknown
  readonly files: readonly UploadFile[]
}

/** Makes the signed upload as the server's own client does: of no work request, which the server gives it when it is handed in. */
export function createUpload(
  connection: Connection,
  held: HeldReference,
  artifact: UploadArtifact,
): Promise<Result<{ readonly id: ArtifactId; readonly missing: readonly string[] }, ServerFailure>> {
  const what = 'create the signed upload'
  return forHeld(connection, held, async (rules) => {
    const { rest } = connection
    const names = namesFault(artifact.files.map(({ path }) => path))
    if (!names.ok)
      return err(
        serverFailure(
          'name-unsafe',
          `A file name in the upload is not safe (${names.error.fault}): “${quoted(names.error.path, 100)}”. Nothing was sent.`,
        ),
      )
    const answer = await rest.call({
      method: 'POST',
      url: rest.url('artifact/'),
      authority: rules.authority(held, connection.workerToken),
      json: {
        category: artifact.category,
        workspace: held.workspace,
        data: artifact.data,
        files: Object.fromEntries(
          artifact.files.map(({ path, size, sha256, signed }) => [
            path,
            {
              size,
              checksums: { sha256 },
              type: 'file',
              ...(rules.contentTypes ? { content_type: signed ? 'text/plain; charset=utf-8' : null } : {}),
            },
          ]),
        ),
        work_request: null,
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
    if (json.value.category !== artifact.category || missing.some((path) => !ours.has(path)))
      return err(invalidAnswer(what, 'the artifact made is not the one asked for'))
    return ok({ id: artifactId.parse(json.value.id), missing })
  })
}
