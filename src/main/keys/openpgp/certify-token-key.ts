import { randomUUID } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, fingerprint, type RequestId, requestId, type Sha256Hex } from '../../../shared/ids.ts'
import type { OpenPgpPlan } from '../../../shared/key-generation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../../shared/secret.ts'
import type { TokenId } from '../../../shared/token.ts'
import { step } from '../../app/steps.ts'
import { readySubkey } from '../../openpgp/certificate.ts'
import { fingerprintHex, type OpenPgpPublicKey, openPgpPublicKey } from '../../openpgp/public-key.ts'
import type { SigningSession } from '../../token/token-service.ts'
import { listKeys, type StoredKey } from '../key.repository.ts'
import { challengeKey, known, type Registration } from '../register-key.ts'
import { type FoundKey, findKey, type HiddenKeyReader, sameToken, type TypedPin, withKeys } from './key-on-token.ts'
import {
  formOf,
  makeWithSession,
  type PlacedOpenPgp,
  storeMade,
  type Wanted,
  type WantedSubkey,
} from './make-openpgp.ts'
import { insertPrimary, listPrimaries, type StoredPrimary } from './primary.repository.ts'
import { recordedSigner, type SelfSigning } from './recorded-signer.ts'

/** `spkiSha256`: the public key as it was shown when the key was chosen; null: its token shows it after the login alone. */
interface ChosenKey {
  readonly token: TokenId
  readonly ckaId: string
  readonly spkiSha256: Sha256Hex | null
}

export interface ChosenSubkey extends ChosenKey {
  /** Whether the primary key is to sign as well. */
  readonly primarySigns: boolean
  /** Null: it is on the primary key's token, and that one's PIN serves. */
  readonly pin: Secret | null
  readonly useLastTry: boolean
}

/** `token`, `ckaId`, `pin`: of the key that certifies. It signs, too, where there is no subkey. */
export type CertifyInput = PlacedOpenPgp &
  ChosenKey &
  TypedPin & { readonly plan: OpenPgpPlan; readonly subkey?: ChosenSubkey }

export type CertifyPorts = Registration & { readonly tokens: HiddenKeyReader }

/**
 * Makes an OpenPGP certificate for a key that is on a token already, and registers the key that signs with it: that key, or another one of the
 * same token or another, as its signing subkey. The creation time of both is now. Both are open before either
 * signs; every signature is on record before its token is asked, and nothing is registered, nor leaves this function, before all is made and
 * verified: whatever stops it, it can be done again from the start.
 */
export async function certifyTokenKey(
  ports: CertifyPorts,
  input: CertifyInput,
  operator: string,
): Promise<Result<Fingerprint, Failure>> {
  const { subkey } = input
  try {
    const chosen = await chosenKeys(ports, input, operator)
    if (!chosen.ok) return chosen
    const { primary, signing, signingPin, keys } = chosen.value
    const created = ports.now()
    const form = formOf(input.plan, created)
    const key = openPgpPublicKey(primary.spki, form)
    const signingKey = openPgpPublicKey(signing.spki, form)
    if (key === null || signingKey === null) return err(unsupported)
    if (input.plan.form === 'v4-ed25519' && ![primary, signing].some(({ algorithm }) => algorithm === 'ed25519'))
      return err(noEd25519)
    const print = fingerprint.parse(fingerprintHex(key))
    if (keys.some((each) => each.purpose === input.purpose && each.fingerprint === print)) return err(known)
    const work: Work = { ports, input, operator, id: requestId.parse(randomUUID()) }
    const opened = [
      { key: primary, typed: input },
      ...(subkey === undefined ? [] : [{ key: signing, typed: signingPin }]),
    ]
    const made = await withKeys(ports, opened, operator, async ([session, subkeySession]) => {
      if (session === undefined) throw new Error('keys were opened, and there is no session')
      const wanted: Wanted = { plan: input.plan, spki: primary.spki, created }
      const about = { ...selfSigning(work, primary), token: primary.token }
      if (subkey === undefined || subkeySession === undefined) return makeWithSession(ports, session, wanted, about)
      const bound = await boundSubkey(work, subkeySession, { signing, key: signingKey, primary: key, print, created })
      if (!bound.ok) return bound
      step('openpgp-binding', 'after')
      const { primarySigns } = subkey
      return makeWithSession(ports, session, { ...wanted, subkey: { ...bound.value, primarySigns } }, about)
    })
    if (!made.ok) return made
    step('registration', 'before')
    const stored = await storeMade(
      ports,
      { ...input, token: signing.token, ckaId: signing.ckaId },
      made.value,
      signing,
      {
        operator,
        bornHere: false,
        also: async (trx, registered) => {
          // Since the keys were chosen, another certificate may have been made of them.
          const others = (await listKeys(trx)).filter((each) => each.fingerprint !== registered)
          const spkis = [primary.spkiSha256, signing.spkiSha256]
          const refusal = firstRefusal(spkis, others, await listPrimaries(trx), subkey !== undefined)
          if (refusal !== null) throw new RefusedMeanwhile(refusal)
          if (subkey === undefined) return
          const name = { purpose: input.purpose, fingerprint: registered }
          await insertPrimary(trx, { ...name, ...primary, created: made.value.key.created, at: ports.now() })
          await ports.audit.append(trx, [
            {
              event: 'openpgp-subkey-bound',
              ...name,
              signingFingerprint: fingerprint.parse(fingerprintHex(made.value.signing)),
              certificateSha256: made.value.sha256,
              primarySpkiSha256: primary.spkiSha256,
              primaryTokenSerial: primary.token.serial,
              spkiSha256: signing.spkiSha256,
              tokenSerial: signing.token.serial,
              operator,
            },
          ])
        },
      },
    )
    step('registration', 'after')
    return stored.ok ? ok(print) : stored
  } catch (error) {
    if (error instanceof RefusedMeanwhile) return err(error.failure)
    throw error
  } finally {
    input.pin.wipe()
    subkey?.pin?.wipe()
  }
}

/** Thrown in the transaction that would register the key, which is rolled back. */
class RefusedMeanwhile extends Error {
  override readonly name = 'RefusedMeanwhile'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.code)
    this.failure = failure
  }
}

interface Work {
  readonly ports: CertifyPorts
  readonly input: CertifyInput
  readonly operator: string
  readonly id: RequestId
}

function selfSigning({ id, input, operator }: Work, { token, spkiSha256 }: FoundKey): SelfSigning {
  return { requestId: id, purpose: input.purpose, spkiSha256, tokenSerial: token.serial, operator }
}

interface Chosen {
  readonly primary: FoundKey
  /** The same where there is no subkey. */
  readonly signing: FoundKey
  readonly signingPin: TypedPin
  readonly keys: readonly StoredKey[]
}

/** Both keys as their tokens have them now, neither of them known to OpenPGP already. Logs in only to a token that shows nothing before that. */
async function chosenKeys(
  ports: CertifyPorts,
  input: CertifyInput,
  operator: string,
): Promise<Result<Chosen, Failure>> {
  const { subkey } = input
  const signingPin = subkey === undefined || sameToken(subkey.token, input.token) ? input : typedFor(subkey)
  if (signingPin === null) return err(pinMissing)
  const [keys, primaries] = [await listKeys(ports.db), await listPrimaries(ports.db)]
  // What is plain from the choice alone costs no login.
  const seen = [input, subkey].flatMap((each) => each?.spkiSha256 ?? [])
  if (subkey !== undefined && sameKey(input, subkey)) return err(ownSubkey)
  const early = firstRefusal(seen, keys, primaries, subkey !== undefined)
  if (early !== null) return err(early)
  const primary = await findKey(ports, input, input, operator)
  if (!primary.ok) return primary
  const signing = subkey === undefined ? primary : await findKey(ports, subkey, signingPin, operator)
  if (!signing.ok) return signing
  // The same numbers on two tokens are one key: a copy of it under wrap, or a key that was imported twice.
  if (subkey !== undefined && primary.value.spkiSha256 === signing.value.spkiSha256) return err(ownSubkey)
  const found = [primary.value.spkiSha256, signing.value.spkiSha256]
  const refusal = firstRefusal(found, keys, primaries, subkey !== undefined)
  return refusal === null ? ok({ primary: primary.value, signing: signing.value, signingPin, keys }) : err(refusal)
}

function firstRefusal(
  spkis: readonly Sha256Hex[],
  keys: readonly StoredKey[],
  primaries: readonly StoredPrimary[],
  withSubkey: boolean,
): Failure | null {
  const among = ({ spkiSha256 }: { readonly spkiSha256: Sha256Hex }) => spkis.includes(spkiSha256)
  if (keys.some((key) => among(key) && key.openpgp !== null)) return certifiedBefore
  if (primaries.some(among)) return certifiedBefore
  return withSubkey && keys.some(among) ? ofAnotherPurpose : null
}

function typedFor({ pin, useLastTry }: ChosenSubkey): TypedPin | null {
  return pin === null ? null : { pin, useLastTry }
}

function sameKey(a: ChosenKey, b: ChosenKey): boolean {
  return (
    (sameToken(a.token, b.token) && a.ckaId === b.ckaId) || (a.spkiSha256 !== null && a.spkiSha256 === b.spkiSha256)
  )
}

interface Binding {
  readonly signing: FoundKey
  readonly key: OpenPgpPublicKey
  readonly primary: OpenPgpPublicKey
  readonly print: Fingerprint
  readonly created: Date
}

/** The subkey says that it belongs to the primary key, and proves by a challenge that its token holds it, as every registered key does. */
async function boundSubkey(
  work: Work,
  session: SigningSession,
  { signing, key, primary, print, created }: Binding,
): Promise<Result<Omit<WantedSubkey, 'primarySigns'>, Failure>> {
  const { ports, input, operator } = work
  const signer = recordedSigner(ports, session, key, selfSigning(work, signing))
  const ready = await readySubkey(primary, signer, Math.floor(created.getTime() / 1000))
  if (!ready.ok) return ready
  const challenge = { purpose: input.purpose, print, token: signing.token, scheme: key.scheme, operator }
  const proven = await challengeKey(ports, session, challenge)
  return proven.ok ? ok({ ready: ready.value, spki: signing.spki }) : proven
}

const certifiedBefore: Failure = {
  kind: 'refused',
  code: 'creation-time-differs',
  message:
    'This key of the token has an OpenPGP certificate here already. Another one would have another creation time, and so be another key to everybody. Nothing was made. Use the certificate that it has.',
}
const ownSubkey: Failure = {
  kind: 'refused',
  code: 'subkey-is-primary',
  message:
    'A key cannot be its own signing subkey: both choices are the same key. Nothing was made. Choose another key, or have this one sign itself.',
}
const ofAnotherPurpose: Failure = {
  kind: 'refused',
  code: 'key-of-another-purpose',
  message:
    'One of the two keys is registered here for another purpose. A key signs for one purpose alone. Nothing was made. Choose a key of its own for the certificate.',
}
const pinMissing: Failure = {
  kind: 'invalid',
  code: 'pin-wanted',
  message: 'The signing subkey is on another token, whose PIN is missing. Nothing was made. Type both PINs.',
}
const unsupported: Failure = {
  kind: 'refused',
  code: 'algorithm-unsupported',
  message:
    'The token’s key is of a kind that OpenPGP does not sign with here. Use RSA 2048 to 4096, P-256, P-384 or Ed25519.',
}
const noEd25519: Failure = {
  kind: 'refused',
  code: 'algorithm-unsupported',
  message:
    'Algorithm 27 is a way to write Ed25519 keys, and none of the keys is one. Nothing was made. Choose version 4 as GnuPG takes it.',
}
