import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import { limits } from './limits.ts'
import { invalidAnswer, refusalFailure } from './problem.ts'
import { answerJson, type Rest } from './rest.ts'
import type { ServerFailure, WorkRequest } from './server.ts'
import { toWorkRequest, workRequestJson, workRequestPage } from './wire.ts'

/**
 * Signing work that waits, with a user's token. 0.11 ignores the filters and lists everything, newest first, so the filter is
 * applied here too and the number of pages has an end: very old pending work of a busy 0.11 server is not seen.
 */
export async function listPending(
  rest: Rest,
  userToken: Secret,
  scope: string | null,
): Promise<Result<readonly WorkRequest[], ServerFailure>> {
  const what = 'list the pending work'
  const filters = { task_type: 'Signing', status: 'pending' }
  const found = new Map<number, WorkRequest>()
  let cursor: string | null = null
  for (let page = 0; page < limits.listPages; page++) {
    const answer = await rest.call({
      method: 'GET',
      url: rest.url('work-request/', cursor === null ? filters : { ...filters, cursor }),
      authority: { token: userToken, scope },
      repeat: 'safe',
      what,
    })
    if (!answer.ok) return answer
    if (answer.value.status !== 200) return err(refusalFailure(answer.value, what))
    const json = answerJson(answer.value, workRequestPage, what)
    if (!json.ok) return json
    for (const row of json.value.results) {
      const parsed = workRequestJson.safeParse(row)
      // Entries of other task types may look different; a signing one that cannot be read spoils the list.
      if (parsed.success) {
        if (parsed.data.task_type === 'Signing' && parsed.data.status === 'pending')
          found.set(parsed.data.id, toWorkRequest(parsed.data))
      } else if (typeof row === 'object' && row !== null && 'task_type' in row && row.task_type === 'Signing') {
        return err(invalidAnswer(what, parsed.error.message))
      }
    }
    if (json.value.next === null) break
    // Only the cursor is taken from the server's URL: the token goes to no other address.
    const next: string | null = URL.parse(json.value.next)?.searchParams.get('cursor') ?? null
    if (next === null || next === cursor) return err(invalidAnswer(what, 'next page without a new cursor'))
    cursor = next
  }
  return ok([...found.values()])
}
