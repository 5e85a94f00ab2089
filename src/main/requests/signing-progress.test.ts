import { expect, test } from 'vitest'
import type { EventPayload } from '../../shared/events.ts'
import { requestId } from '../../shared/ids.ts'
import { ok } from '../../shared/result.ts'
import type { SignatureRequest, SigningSession } from '../token/token-service.ts'
import { createProgress } from './signing-progress.ts'

const id = requestId.parse('6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10')
const one: SignatureRequest = { scheme: 'rsa-pkcs1-sha256', digest: new Uint8Array(32) }

/** A token that says before each signature that it wants to be touched. */
function touchedToken(wantsTouch: () => void): SigningSession {
  const signature = ok(new Uint8Array([1]))
  return {
    sign: async () => signature,
    signMany: async (requests, onOutcome) =>
      requests.map((_, index) => {
        wantsTouch()
        onOutcome?.(index, signature)
        return signature
      }),
    close: async () => {},
  }
}

function heard() {
  const said: EventPayload<'signing.progress'>[] = []
  const progress = createProgress({ requestId: id, signed: 3, total: 5 }, (event) => said.push(event))
  return { progress, said: () => said.map(({ signed, total, phase }) => `${phase} ${signed} of ${total}`) }
}

test('What the token waits for is said with how far the request is, from before it was interrupted', async () => {
  const { progress, said } = heard()
  const session = progress.watched(touchedToken(() => progress.waitsFor('touch')))
  progress.waitsFor('login')
  progress.signed(0)
  await session.signMany([one])
  progress.signed(1)
  expect(said()).toEqual(['login 3 of 5', 'signing 3 of 5', 'touch 3 of 5', 'signing 4 of 5'])
})

test('A file that comes on disk while the next one waits for a touch does not take the request for the touch away', async () => {
  const { progress, said } = heard()
  const session = progress.watched(touchedToken(() => progress.waitsFor('touch')))
  await session.signMany([one])
  progress.waitsFor('touch')
  progress.signed(1)
  expect(said()).toEqual(['touch 3 of 5', 'touch 3 of 5', 'touch 4 of 5'])
})
