import { z } from 'zod'
import { err, ok, type Result } from '../../shared/result.ts'
import { type Connection, forHeld } from './held-call.ts'
import { invalidAnswer, refusalFailure } from './problem.ts'
import { answerJson } from './rest.ts'
import type { DebusineServer, HeldReference, ServerFailure } from './server.ts'

const assetJson = z.looseObject({
  id: z.int().positive(),
  category: z.literal('debusine:signing-key'),
  data: z.looseObject({ purpose: z.string(), fingerprint: z.string() }),
})

/**
 * `POST asset/` for a key that was made for a request (docs/flows/server.md). 201: made; 200: this key has its asset already, so
 * that a lost answer costs nothing. One fingerprint has one asset on the whole server.
 */
export function createKeyAsset(
  connection: Connection,
  held: HeldReference,
  key: Parameters<DebusineServer['createKeyAsset']>[1],
): Promise<Result<{ readonly id: number }, ServerFailure>> {
  const what = 'make the asset of the new key'
  return forHeld(connection, held, async (rules) => {
    const answer = await connection.rest.call({
      method: 'POST',
      url: connection.rest.url('asset/'),
      authority: rules.authority(held, connection.workerToken),
      json: {
        category: 'debusine:signing-key',
        workspace: held.workspace,
        data: {
          purpose: key.purpose,
          fingerprint: key.fingerprint,
          public_key: Buffer.from(key.publicKey).toString('base64'),
          description: key.description,
        },
        work_request: held.workRequestId,
      },
      repeat: 'safe',
      what,
    })
    if (!answer.ok) return answer
    const { status } = answer.value
    if (status !== 200 && status !== 201) return err(refusalFailure(answer.value, what))
    const made = answerJson(answer.value, assetJson, what)
    if (!made.ok) return made
    const { id, data } = made.value
    // An asset of another key would be granted to people in the place of this one.
    if (data.purpose !== key.purpose || data.fingerprint !== key.fingerprint)
      return err(invalidAnswer(what, `asset ${id} is another key’s`))
    return ok({ id })
  })
}
