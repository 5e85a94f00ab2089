import { randomUUID } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, fingerprint, type RequestId, requestId, type Sha256Hex } from '../../../shared/ids.ts'
import type { KeyHome } from '../../../shared/key.ts'
import type { OpenPgpPlan } from '../../../shared/key-generation.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../../shared/secret.ts'
import type { TokenId } from '../../../shared/token.ts'
import { firstRequest, makeCertificate, type NewCertificate } from '../../openpgp/certificate.ts'
import { fingerprintHex, type OpenPgpPublicKey, openPgpPublicKey } from '../../openpgp/public-key.ts'
import { readOpenPgpCertificate, signingKeyFor } from '../../openpgp/read-certificate.ts'
import { publicKeyAlgorithm } from '../../pki/public-key-algorithm.ts'
import type { SignatureRequest, SigningSession } from '../../token/token-service.ts'
import { lookAt } from '../attestation/attest-key.ts'
import { insertOpenPgpCertificate, listKeys } from '../key.repository.ts'
import { pkcs11Uri } from '../pkcs11-uri.ts'
import { challengeKey, known, type Registration, storeTokenKey } from '../register-key.ts'
import { recordedSigner, type SelfSigning } from './recorded-signer.ts'
import { armored, type Beside } from './register-openpgp.ts'

/** An OpenPGP certificate that is to be made for a key by the key itself. */
export interface Wanted {
  readonly plan: OpenPgpPlan
  readonly spki: Uint8Array
  /** Fixed for ever: the fingerprint is made of it. */
  readonly created: Date
}

const secondsPerDay = 24 * 3600

/** The OpenPGP key that a token's key will be, and what its first own signature will be over. */
export function openPgpKeyOf({ spki, created }: Wanted): OpenPgpPublicKey {
  const key = openPgpPublicKey(spki, {
    version: 4,
    created: Math.floor(created.getTime() / 1000),
    // What GnuPG takes; the other form is for keys that are brought with their certificate.
    ed25519: 'legacy',
  })
  if (key === null) throw new Error('a key was made that is none of OpenPGP')
  return key
}

export function firstOwnRequest(wanted: Wanted): SignatureRequest {
  return firstRequest(certificatePlanOf(wanted, openPgpKeyOf(wanted)))
}

export interface MadeOpenPgp extends NewCertificate {
  readonly key: OpenPgpPublicKey
  readonly print: Fingerprint
}

/**
 * Has the key in an open session make its certificate and the revocation of it, and answer a challenge. `recorded`: digest of its first
 * signature, where that is on record already.
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
  const { purpose, operator } = about
  const proven = await challengeKey(ports, session, { purpose, print, token, scheme: key.scheme, operator })
  return proven.ok ? ok({ ...made.value, key, print }) : proven
}

function certificatePlanOf({ plan, created }: Wanted, key: OpenPgpPublicKey) {
  return {
    key,
    userId: plan.userId,
    created: Math.floor(created.getTime() / 1000),
    expiresAfter: plan.days === null ? null : plan.days * secondsPerDay,
    signingSubkey: null,
  }
}

/** What was made is read back by openpgp.js before anything is stored. */
async function checkMade({ certificate }: NewCertificate, wanted: Wanted): Promise<Result<null, Failure>> {
  // A second later: a clock that has stepped back since the key was made must not fail its certificate.
  const read = await readOpenPgpCertificate(certificate, new Date(wanted.created.getTime() + 1000))
  if (!read.ok) return read
  const signing = signingKeyFor(read.value, wanted.spki)
  return signing.ok ? ok(null) : err({ ...signing.error, kind: 'defect' })
}

export interface PlacedOpenPgp {
  readonly purpose: 'openpgp' | 'openpgp-repository'
  readonly token: TokenId
  readonly ckaId: string
  readonly description: string
  readonly production: boolean
}

/** Registers a key whose certificate was made here. */
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
          signing_fingerprint: print,
          created: made.key.created,
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

export type CertifyInput = PlacedOpenPgp & {
  readonly plan: OpenPgpPlan
  readonly spkiSha256: Sha256Hex
  readonly pin: Secret
  readonly useLastTry: boolean
}

/** Makes an OpenPGP certificate for a key that is on a token already, and registers the key. Its creation time is now. */
export async function certifyTokenKey(
  ports: Registration,
  input: CertifyInput,
  operator: string,
): Promise<Result<Fingerprint, Failure>> {
  try {
    const { token, ckaId, spkiSha256, purpose } = input
    const keys = await listKeys(ports.db)
    if (keys.some((key) => key.spkiSha256 === spkiSha256 && key.openpgp !== null)) return err(certifiedBefore)
    const read = await ports.tokens.readPublicKey(token, ckaId)
    if (!read.ok) return read
    const algorithm = publicKeyAlgorithm(read.value)
    const home: KeyHome = { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) }
    const created = ports.now()
    const wanted: Wanted = { plan: input.plan, spki: read.value, created }
    if (openPgpPublicKey(read.value, { version: 4, created: 1, ed25519: 'legacy' }) === null) return err(unsupported)
    const session = await ports.tokens.openSession({ home, algorithm, spkiSha256, sealed: null }, input.pin, {
      useLastTry: input.useLastTry,
      signal: new AbortController().signal,
      onSignal: () => {},
    })
    const id: RequestId = requestId.parse(randomUUID())
    if (!session.ok) {
      await writeTransaction(ports.db, (trx) =>
        ports.audit.append(trx, [
          { event: 'login-failed', requestId: null, code: session.error.code, tokenSerial: token.serial, operator },
        ]),
      )
      return session
    }
    try {
      const about = { requestId: id, purpose, spkiSha256, tokenSerial: token.serial, operator, token }
      const made = await makeWithSession(ports, session.value, wanted, about)
      if (!made.ok) return made
      if (keys.some((key) => key.purpose === purpose && key.fingerprint === made.value.print)) return err(known)
      const stored = await storeMade(
        ports,
        input,
        made.value,
        { spki: read.value, spkiSha256 },
        { operator, bornHere: false },
      )
      return stored.ok ? ok(made.value.print) : stored
    } finally {
      await session.value.close()
    }
  } finally {
    input.pin.wipe()
  }
}

const certifiedBefore: Failure = {
  kind: 'refused',
  code: 'creation-time-differs',
  message:
    'This key of the token has an OpenPGP certificate here already. Another one would have another creation time, and so be another key to everybody. Nothing was made. Use the certificate that it has.',
}
const unsupported: Failure = {
  kind: 'refused',
  code: 'algorithm-unsupported',
  message:
    'The token’s key is of a kind that OpenPGP does not sign with here. Use RSA 2048 to 4096, P-256, P-384 or Ed25519.',
}
