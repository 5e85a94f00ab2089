import { randomBytes } from 'node:crypto'
import type { CeremonyKey } from '../../../shared/ceremony.ts'
import type { Failure } from '../../../shared/failure.ts'
import { fingerprint } from '../../../shared/ids.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { type Act, type Attempt, fact } from '../ports.ts'
import { certificateOf, publicKey, testSignature } from './key-evidence.ts'
import { keyOf, objectNumber, withHsm } from './whose.ts'

export const signTest: Act<'test-signature'> = async (attempt) => {
  const { step, records, ports } = attempt
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  const stored = await certificateOf(ports, key.value)
  if (!stored.ok) return stored
  const registered = { ...key.value, fingerprint: stored.value.fingerprint }
  const signed = await testSignature(attempt, registered, { prefix: step.id, random: randomBytes(32) })
  return signed.ok ? ok({ facts: signed.value.facts, files: signed.value.files }) : signed
}

/** The key stands in this station's list, ready to be used. Its asset at a server is made under Keys & tokens. */
export const register: Act<'register'> = async ({ ports, step, records }) => {
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  const stored = await certificateOf(ports, key.value)
  if (!stored.ok) return stored
  const { description, purpose, production, state, origin } = stored.value
  return ok({
    facts: [
      fact('Registered at', ports.stationName()),
      fact('Description', description),
      fact('Purpose', `${purpose}, ${production ? 'production' : 'test'}`),
      fact('State', state),
      fact('Origin', origin),
      fact('Fingerprint', stored.value.fingerprint.toLowerCase(), 'digest'),
    ],
  })
}

/** Out of use first, then deleted, then called destroyed: at no moment does the log say more than is so. */
export const retireKey: Act<'retire-key'> = async (attempt) => {
  const { ports, step, input, records, operator } = attempt
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  const stored = await certificateOf(ports, key.value)
  if (!stored.ok) return stored
  const of = { purpose: stored.value.purpose, fingerprint: fingerprint.parse(stored.value.fingerprint) }
  if (stored.value.state !== 'destroyed') {
    const retired = await ports.keys.setState(of, 'retired', operator)
    if (!retired.ok) return retired
  }
  if (step.destroy) {
    const gone =
      tokenKind(key.value.token) === 'yubihsm' ? await deleted(attempt, key.value) : await seenGone(attempt, key.value)
    if (!gone.ok) return gone
    const destroyed = await ports.keys.setState(of, 'destroyed', operator)
    if (!destroyed.ok) return destroyed
  }
  await ports.keysChanged()
  return ok({
    facts: [
      fact('Key', stored.value.description),
      fact('Fingerprint', of.fingerprint.toLowerCase(), 'digest'),
      fact('State before', stored.value.state),
      fact('State now', step.destroy ? 'destroyed' : 'retired'),
      fact('Reason', input.reason, 'lines'),
      ...(step.destroy
        ? [
            fact(
              'On the device',
              `Nothing is under the id ${key.value.ckaId} of serial ${key.value.token.serial} any more that is this key.`,
            ),
          ]
        : []),
    ],
  })
}

async function deleted(
  attempt: Attempt<'retire-key'>,
  { token, ckaId, spkiSha256 }: CeremonyKey,
): Promise<Result<null, Failure>> {
  return withHsm(attempt, { token }, async (hsm) => {
    const objectId = objectNumber(ckaId)
    const there = await hsm.object('asymmetric-key', objectId)
    if (!there.ok) return there
    if (there.value !== null) {
      const { spki } = there.value
      if (spki === null || publicKey(spki).spkiSha256 !== spkiSha256) return err(differs)
      const intended = await attempt.intend('delete-object', token.serial, `key ${ckaId}`)
      if (!intended.ok) return intended
      const gone = await hsm.deleteKey(objectId)
      if (!gone.ok) return gone
    }
    const after = await hsm.object('asymmetric-key', objectId)
    if (!after.ok) return after
    return after.value === null ? ok(null) : err(stillThere)
  })
}

/** PKCS#11 modules of other devices do not delete keys alike; the maker's tool does it, and the station looks. */
async function seenGone(
  { ports }: Attempt<'retire-key'>,
  { token, ckaId, spkiSha256 }: CeremonyKey,
): Promise<Result<null, Failure>> {
  await ports.tokens.list({ refresh: true })
  const read = await ports.tokens.readPublicKey(token, ckaId)
  if (read.ok) return publicKey(read.value).spkiSha256 === spkiSha256 ? err(stillThere) : ok(null)
  return read.error.code === 'key-absent' ? ok(null) : read
}

const stillThere: Failure = {
  kind: 'refused',
  code: 'key-still-there',
  message:
    'The key is still on the device; it is retired here. Delete it with the maker’s tool (ykman piv keys delete SLOT from firmware 5.7 on; before that, make another key over it or reset PIV), then try this step again.',
}
const differs: Failure = {
  kind: 'refused',
  code: 'key-mismatch',
  message:
    'Another key is under this id on the device: its public key differs. It was not deleted. Find out who changed the device.',
}
