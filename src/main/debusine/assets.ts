import { z } from 'zod'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import { type Connection, forHeld } from './held-call.ts'
import { invalidAnswer, refusalFailure } from './problem.ts'
import { answerJson, type Rest } from './rest.ts'
import type { HeldReference, KeyOfAsset, ServerFailure } from './server.ts'

const what = 'make the asset of the key'

const assetJson = z.looseObject({
  id: z.int().positive(),
  category: z.literal('debusine:signing-key'),
  data: z.looseObject({ purpose: z.string(), fingerprint: z.string() }),
})

/** For a key that was made for a request: by the worker, in its name. */
export function createKeyAsset(
  connection: Connection,
  held: HeldReference,
  key: KeyOfAsset,
): Promise<Result<{ readonly id: number }, ServerFailure>> {
  return forHeld(connection, held, (rules) =>
    postAsset(connection.rest, rules.authority(held, connection.workerToken), {
      key,
      workspace: held.workspace,
      workRequest: held.workRequestId,
    }),
  )
}

/** For a key that nobody asked for: in the name of a user who owns the workspace. 0.16 takes it from nobody else. */
export function createKeyAssetAsUser(
  rest: Rest,
  user: { readonly token: Secret; readonly scope: string | null },
  key: KeyOfAsset,
  workspace: string,
): Promise<Result<{ readonly id: number }, ServerFailure>> {
  return postAsset(rest, user, { key, workspace, workRequest: null })
}

/**
 * `POST asset/` (docs/flows/server.md). 201: made; 200: this key has its asset already, so that a lost answer costs nothing. One
 * fingerprint has one asset on the whole server.
 */
async function postAsset(
  rest: Rest,
  authority: { readonly token: Secret | string | null; readonly scope: string | null },
  {
    key,
    workspace,
    workRequest,
  }: { readonly key: KeyOfAsset; readonly workspace: string; readonly workRequest: number | null },
): Promise<Result<{ readonly id: number }, ServerFailure>> {
  const answer = await rest.call({
    method: 'POST',
    url: rest.url('asset/'),
    authority,
    json: {
      category: 'debusine:signing-key',
      workspace,
      data: {
        purpose: key.purpose,
        fingerprint: key.fingerprint,
        public_key: Buffer.from(key.publicKey).toString('base64'),
        description: key.description,
      },
      work_request: workRequest,
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
}
