import type { ArtifactId } from '../../shared/ids.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { PermissionAnswer } from '../../shared/review-sheet.ts'
import { type Connection, forHeld } from './held-call.ts'
import { problemOf, refusalFailure } from './problem.ts'
import { answerJson } from './rest.ts'
import type { HeldReference, ServerFailure } from './server.ts'
import { permissionJson } from './wire.ts'

/**
 * Asks whether the creator of the request may have this artifact signed with this key: the server's last word before signing.
 * A key that the server does not know and a question that it cannot answer are answers, not failures.
 */
export function signPermission(
  connection: Connection,
  held: HeldReference,
  key: { readonly purpose: string; readonly fingerprint: string },
  artifact: ArtifactId,
): Promise<Result<PermissionAnswer, ServerFailure>> {
  const what = `say who may sign artifact ${artifact}`
  return forHeld(connection, held, async (rules) => {
    // Since 0.12.2 keys for repository indexes have a right of their own.
    const right = key.purpose === 'openpgp-repository' ? 'sign_repository_with' : 'sign_with'
    const slug = encodeURIComponent(`${key.purpose}:${key.fingerprint}`)
    const answer = await connection.rest.call({
      method: 'POST',
      url: connection.rest.url(`asset/debusine%3Asigning-key/${slug}/${right}/`),
      authority: rules.authority(held, connection.workerToken),
      json: { artifact_id: artifact, work_request_id: held.workRequestId, workspace: held.workspace },
      // A question, though a POST: nothing is changed by asking twice.
      repeat: 'safe',
      what,
    })
    if (!answer.ok) return answer
    const { status } = answer.value
    if (status === 200) {
      const json = answerJson(answer.value, permissionJson, what)
      if (!json.ok) return json
      const { has_permission: allowed, username, user_id: userId, resource } = json.value
      return ok<PermissionAnswer>({ kind: 'answered', allowed, username, userId, resource })
    }
    const problem = problemOf(answer.value)
    if (status === 404 && problem?.title.startsWith('Asset matching query does not exist') === true)
      return ok<PermissionAnswer>({ kind: 'no-such-key' })
    if (status === 400 && problem !== null) {
      const reason = problem.title.startsWith('Cannot serialize permission check result')
        ? 'The artifact names no binary package and is related to none, so the server cannot say what would be signed.'
        : `The server could not answer: ${[problem.title, problem.detail].filter((part) => part !== '').join(': ')}`
      return ok<PermissionAnswer>({ kind: 'not-answered', reason })
    }
    // 403 with a title of its own: the creator may not see the artifact. Without one the token is dead (held-call.ts).
    if (status === 403 && problem !== null && problem.title !== '' && problem.title !== 'Error') {
      return ok<PermissionAnswer>({ kind: 'not-answered', reason: `The server could not answer: ${problem.title}` })
    }
    return err(refusalFailure(answer.value, what))
  })
}
