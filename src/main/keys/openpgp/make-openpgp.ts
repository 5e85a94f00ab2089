import { createHash } from 'node:crypto'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, fingerprint, type Sha256Hex, sha256Hex } from '../../../shared/ids.ts'
import type { KeyHome } from '../../../shared/key.ts'
import type { OpenPgpPlan } from '../../../shared/key-generation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { TokenId } from '../../../shared/token.ts'
import { firstRequest, makeCertificate, type NewCertificate, type ReadySubkey } from '../../openpgp/certificate.ts'
import {
  fingerprintHex,
  type OpenPgpPublicKey,
  openPgpPublicKey,
  type PublicKeyForm,
} from '../../openpgp/public-key.ts'
import { isKeyOf, readOpenPgpCertificate, signingKeyFor } from '../../openpgp/read-certificate.ts'
import { publicKeyAlgorithm } from '../../pki/public-key-algorithm.ts'
import type { SignatureRequest, SigningSession } from '../../token/token-service.ts'
import { lookAt } from '../attestation/attest-key.ts'
import { insertOpenPgpCertificate } from '../key.repository.ts'
import { pkcs11Uri } from '../pkcs11-uri.ts'
import { challengeKey, type Registration, storeTokenKey } from '../register-key.ts'
import { recordedSigner, type SelfSigning } from './recorded-signer.ts'
import { armored, type Beside } from './register-openpgp.ts'

/** An OpenPGP certificate that is to be made for a key by the key itself. */
export interface Wanted {
  readonly plan: OpenPgpPlan
  readonly spki: Uint8Array
  /** Fixed for ever: the fingerprint is made of it. */
  readonly created: Date
  /** Of its first signature, where that is of version 6 and is on record before. */
  readonly firstSalt?: Uint8Array
  /** Signs in its place: it has bound itself already. */
  readonly subkey?: WantedSubkey
}

export interface WantedSubkey {
  readonly ready: ReadySubkey
  readonly spki: Uint8Array
  /** Whether the primary key is to sign as well. */
  readonly primarySigns: boolean
}

const secondsPerDay = 24 * 3600

/** How a key is written; see `OpenPgpForm`. */
export function formOf({ form = 'v4' }: Pick<OpenPgpPlan, 'form'>, created: Date): PublicKeyForm {
  return {
    version: form === 'v6' ? 6 : 4,
    created: Math.floor(created.getTime() / 1000),
    // What GnuPG takes, where nothing else was asked for.
    ed25519: form === 'v4' ? 'legacy' : 'current',
  }
}

/** The OpenPGP key that a token's key will be, and what its first own signature will be over. */
export function openPgpKeyOf({ spki, created, plan }: Wanted): OpenPgpPublicKey {
  const key = openPgpPublicKey(spki, formOf(plan, created))
  if (key === null) throw new Error('a key was made that is none of OpenPGP')
  return key
}

export function firstOwnRequest(wanted: Wanted): SignatureRequest {
  return firstRequest(certificatePlanOf(wanted, openPgpKeyOf(wanted)))
}

export interface MadeOpenPgp extends NewCertificate {
  /** The primary key. */
  readonly key: OpenPgpPublicKey
  /** The key that signs: the subkey, or the primary key where there is none. */
  readonly signing: OpenPgpPublicKey
  /** Of the primary key. */
  readonly print: Fingerprint
  /** Of the certificate's packets. */
  readonly sha256: Sha256Hex
}

/**
 * Has the key in an open session make its certificate and the revocation of it, and answer a challenge; a subkey, where there is one, has
 * answered one before. `recorded`: digest of its first signature, where that is on record already.
 */
export async function makeWithSession(
  ports: Registration,
  session: SigningSession,
  wanted: Wanted,
  about: SelfSigning & { readonly token: TokenId },
  recorded: string | null = null,
): Promise<Result<MadeOpenPgp, Failure>> {
  const key = openPgpKeyOf(wanted)
  const { token, ...rest } = about
  const signer = recordedSigner(ports, session, key, rest, recorded)
  const made = await makeCertificate({ ...certificatePlanOf(wanted, key), primary: signer })
  if (!made.ok) return made
  const checked = await checkMade(made.value, wanted)
  if (!checked.ok) return checked
  const print = fingerprint.parse(fingerprintHex(key))
  const sha256 = sha256Hex.parse(createHash('sha256').update(made.value.certificate).digest('hex'))
  const answer = ok({ ...made.value, key, signing: wanted.subkey?.ready.key ?? key, print, sha256 })
  if (wanted.subkey !== undefined) return answer
  const { purpose, operator } = about
  const proven = await challengeKey(ports, session, { purpose, print, token, scheme: key.scheme, operator })
  return proven.ok ? answer : proven
}

function certificatePlanOf({ plan, created, firstSalt, subkey }: Wanted, key: OpenPgpPublicKey) {
  return {
    key,
    userId: plan.userId,
    created: Math.floor(created.getTime() / 1000),
    expiresAfter: plan.days === null ? null : plan.days * secondsPerDay,
    signingSubkey: subkey?.ready ?? null,
    primarySigns: subkey?.primarySigns ?? true,
    ...(firstSalt === undefined ? {} : { firstSalt }),
  }
}

/** What was made is read back by openpgp.js before anything is stored: each key is bound to the other, and signs or does not as it was meant. */
async function checkMade({ certificate }: NewCertificate, wanted: Wanted): Promise<Result<null, Failure>> {
  // A second later: a clock that has stepped back since the key was made must not fail its certificate.
  const read = await readOpenPgpCertificate(certificate, new Date(wanted.created.getTime() + 1000))
  if (!read.ok) return read
  const { subkey } = wanted
  const signing = signingKeyFor(read.value, subkey?.spki ?? wanted.spki)
  if (!signing.ok) return err({ ...signing.error, kind: 'defect' })
  if (subkey === undefined) return ok(null)
  const primary = read.value.keys.find(({ role }) => role === 'primary')
  const asMeant =
    signing.value.role === 'subkey' &&
    primary !== undefined &&
    isKeyOf(primary.key, wanted.spki) &&
    primary.problem === (subkey.primarySigns ? null : 'cannot-sign')
  return asMeant ? ok(null) : err(notAsMeant)
}

const notAsMeant: Failure = {
  kind: 'defect',
  code: 'output-wrong',
  message: 'The new certificate was checked and does not say what it should. Nothing was registered.',
}

export interface PlacedOpenPgp {
  readonly purpose: 'openpgp' | 'openpgp-repository'
  readonly token: TokenId
  readonly ckaId: string
  readonly description: string
  readonly production: boolean
}

/** Registers the key that signs with a certificate that was made here. `place`, `key`: of that key. */
export async function storeMade(
  ports: Registration,
  place: PlacedOpenPgp,
  made: MadeOpenPgp,
  key: { readonly spki: Uint8Array; readonly spkiSha256: Sha256Hex },
  { operator, bornHere, also }: { readonly operator: string; readonly bornHere: boolean; readonly also?: Beside },
): Promise<Result<null, Failure>> {
  const certificatePem = armored(made.certificate, made.key)
  const { token, ckaId, purpose } = place
  const home: Extract<KeyHome, { kind: 'token' }> = { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) }
  const seen = await lookAt(ports, { token, ckaId, spki: key.spki })
  const at = ports.now().toISOString()
  return storeTokenKey(
    {
      ...ports,
      also: async (trx, print) => {
        await insertOpenPgpCertificate(trx, {
          purpose,
          fingerprint: print,
          signing_fingerprint: fingerprintHex(made.signing),
          created: made.signing.created,
          certificate: certificatePem,
          revocation: armored(made.revocation, made.key),
          why: 'made',
          operator,
          at,
        })
        await also?.(trx, print)
      },
    },
    {
      input: { ...place, certificatePem },
      certificate: { algorithm: publicKeyAlgorithm(key.spki), spkiSha256: key.spkiSha256 },
      print: made.print,
      home,
      seen,
      operator,
    },
    bornHere,
  )
}
