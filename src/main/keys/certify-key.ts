import { createHash, randomBytes } from 'node:crypto'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Failure } from '../../shared/failure.ts'
import { type Fingerprint, fingerprint, type RequestId } from '../../shared/ids.ts'
import type { KeyHome } from '../../shared/key.ts'
import type { Subject } from '../../shared/key-generation.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { step } from '../app/steps.ts'
import {
  type NameAttribute,
  type PreparedCertificate,
  prepareCertificate,
  prepareCertificationRequest,
} from '../pki/certificate-builder.ts'
import { pemText } from '../pki/pem.ts'
import { type ReadCertificate, readCertificate } from '../pki/x509.ts'
import { signatureScheme } from '../signing/signature-scheme.ts'
import type { KeyReference, SignatureRequest, SigningSession } from '../token/token-service.ts'
import { lookAt } from './attestation/attest-key.ts'
import { changeGeneration, type StoredGeneration } from './generation.repository.ts'
import { copyOf, type GenerationPorts, type GenerationSecrets, reread, writeLogin } from './generation-ports.ts'
import { firstOwnRequest, makeWithSession, storeMade, type Wanted } from './openpgp/make-openpgp.ts'
import { pkcs11Uri } from './pkcs11-uri.ts'
import { challengeKey, storeTokenKey } from './register-key.ts'

/** `request` is what the key is asked for first, which is on record before. */
export type PreparedOwn =
  | ({ readonly kind: 'x509' } & PreparedCertificate)
  | { readonly kind: 'openpgp'; readonly request: SignatureRequest; readonly wanted: Wanted }

/**
 * What a new key signs first: its own certificate, as debusine makes one for a UEFI key (CA:TRUE, no usages), or the request for
 * one by a CA.
 */
export function prepareOwn(
  { now, serialNumber }: Pick<GenerationPorts, 'now' | 'serialNumber'>,
  { plan, begunAt }: Pick<StoredGeneration, 'plan' | 'begunAt'>,
  spki: Uint8Array,
): PreparedOwn {
  if (plan.certificate.kind === 'openpgp') {
    // The time of the intent, which is on disk: whenever the key is certified, it is the same OpenPGP key.
    const wanted = { plan: plan.certificate, spki, created: new Date(begunAt), firstSalt: randomBytes(32) }
    return { kind: 'openpgp', request: firstOwnRequest(wanted), wanted }
  }
  const scheme = signatureScheme(plan.algorithm)
  if (scheme === null) throw new Error(`a key ${plan.algorithm} was made and cannot sign`)
  const subject = nameOf(plan.certificate.subject)
  if (plan.certificate.kind === 'request')
    return { kind: 'x509', ...prepareCertificationRequest({ subject, spki, scheme }) }
  const notBefore = now()
  const prepared = prepareCertificate({
    subject,
    issuer: null,
    spki,
    serialNumber: serialNumber(),
    notBefore,
    notAfter: new Date(notBefore.getTime() + plan.certificate.days * 24 * 3600 * 1000),
    isCa: true,
    keyUsage: [],
    codeSigning: false,
    scheme,
  })
  return { kind: 'x509', ...prepared }
}

/** From the widest to the narrowest, as names are read. */
function nameOf({ country, organization, unit, commonName }: Subject): readonly NameAttribute[] {
  const attributes: readonly (readonly [NameAttribute['type'], string | null])[] = [
    ['countryName', country],
    ['organizationName', organization],
    ['organizationalUnitName', unit],
    ['commonName', commonName],
  ]
  return attributes.flatMap(([type, value]) => (value === null ? [] : [{ type, value }]))
}

interface Certifying {
  readonly generation: StoredGeneration
  /** Its digest is on record already. */
  readonly prepared: PreparedOwn
  readonly operator: string
}

/**
 * Has a key that was made sign its certificate or its request. A self-signed key proves possession by a challenge as every
 * registered key does, and is registered; its certificate is put on the token afterwards, where the token takes it. The answer is
 * the generation in the state that it reached; what stopped it is in its `failure`.
 */
export async function certify(
  ports: GenerationPorts,
  { generation, prepared, operator }: Certifying,
  secrets: GenerationSecrets,
): Promise<Result<StoredGeneration, Failure>> {
  if (prepared.kind === 'openpgp') return certifyOpenPgp(ports, { generation, prepared, operator }, secrets)
  const { id, plan } = generation
  type Signed = { readonly der: Uint8Array; readonly certificate: ReadCertificate | null }
  const signed = await withKey<Signed>(ports, generation, secrets, operator, async (session) => {
    const signature = await session.sign(prepared.request)
    if (!signature.ok) return signature
    const der = prepared.assemble(signature.value)
    if (plan.certificate.kind === 'request') return ok({ der, certificate: null })
    const certificate = readCertificate(der)
    // Made by this program, over fields of this program.
    if (!certificate.ok) throw new Error(`the certificate that was made cannot be read: ${certificate.error.message}`)
    const { token, purpose } = plan
    const print = fingerprintOf(der)
    const { scheme } = prepared.request
    const proven = await challengeKey(ports, session, { purpose, print, token, scheme, operator })
    return proven.ok ? ok({ der, certificate: certificate.value }) : proven
  })
  if (!signed.ok) return noteFailure(ports, id, signed.error)
  const at = ports.now().toISOString()
  const { der, certificate } = signed.value
  if (certificate === null) {
    const change = {
      state: 'awaiting-certificate',
      certificate_request: pemText('CERTIFICATE REQUEST', der),
      failure: null,
    } as const
    const kept = await writeTransaction(ports.db, (trx) => changeGeneration(trx, id, ['made'], change, at))
    return kept.ok ? reread(ports, id) : kept
  }
  step('registration', 'before')
  const stored = await register(ports, generation, { der, certificate, operator })
  step('registration', 'after')
  if (!stored.ok) return stored
  return putOnToken(ports, generation, der, secrets)
}

/** The same for OpenPGP: nothing is put on the token, which has no object for such a certificate. */
async function certifyOpenPgp(
  ports: GenerationPorts,
  {
    generation,
    prepared,
    operator,
  }: Certifying & { readonly prepared: Extract<PreparedOwn, { readonly kind: 'openpgp' }> },
  secrets: GenerationSecrets,
): Promise<Result<StoredGeneration, Failure>> {
  const { id, plan, requestId, spkiSha256 } = generation
  const { purpose, token } = plan
  if (spkiSha256 === null || purpose === 'uefi') return err(notMade)
  const recorded = Buffer.from(prepared.request.digest).toString('hex')
  const made = await withKey(ports, generation, secrets, operator, (session) =>
    makeWithSession(
      ports,
      session,
      prepared.wanted,
      { requestId: requestId ?? id, purpose, spkiSha256, tokenSerial: token.serial, operator, token },
      recorded,
    ),
  )
  if (!made.ok) return noteFailure(ports, id, made.error)
  step('registration', 'before')
  const { spki } = prepared.wanted
  const stored = await storeMade(
    ports,
    { ...plan, purpose },
    made.value,
    { spki, spkiSha256 },
    {
      operator,
      bornHere: true,
      also: async (trx, print) => {
        const change = { state: 'registered', fingerprint: print, failure: null } as const
        await changeGeneration(trx, id, ['made'], change, ports.now().toISOString())
      },
    },
  )
  step('registration', 'after')
  return stored.ok ? reread(ports, id) : stored
}

async function noteFailure(
  ports: GenerationPorts,
  id: RequestId,
  { kind, code, message }: Failure,
): Promise<Result<StoredGeneration, Failure>> {
  const failure = JSON.stringify({ kind, code, message })
  const at = ports.now().toISOString()
  const noted = await writeTransaction(ports.db, (trx) => changeGeneration(trx, id, ['made'], { failure }, at))
  return noted.ok ? reread(ports, id) : noted
}

async function register(
  ports: GenerationPorts,
  { id, plan }: StoredGeneration,
  {
    der,
    certificate,
    operator,
  }: { readonly der: Uint8Array; readonly certificate: ReadCertificate; readonly operator: string },
): Promise<Result<null, Failure>> {
  const { purpose, token, ckaId, description, production } = plan
  const home: Extract<KeyHome, { kind: 'token' }> = { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) }
  const input = { purpose, token, ckaId, description, production, certificatePem: pemText('CERTIFICATE', der) }
  const seen = await lookAt(ports, { token, ckaId, spki: certificate.spki })
  return storeTokenKey(
    {
      ...ports,
      also: async (trx, print) => {
        const change = { state: 'registered', fingerprint: print, failure: null } as const
        await changeGeneration(trx, id, ['made', 'awaiting-certificate'], change, ports.now().toISOString())
      },
    },
    {
      input,
      certificate: { algorithm: certificate.facts.algorithm, spkiSha256: certificate.spkiSha256 },
      print: fingerprintOf(der),
      home,
      seen,
      operator,
    },
    true,
  )
}

/** Puts the certificate beside its key. The key is registered whatever comes of it; why it is only here is kept. */
export async function putOnToken(
  ports: GenerationPorts,
  { id, plan, spkiSha256 }: StoredGeneration,
  der: Uint8Array,
  secrets: GenerationSecrets,
): Promise<Result<StoredGeneration, Failure>> {
  if (spkiSha256 === null) throw new Error('a key without public key was registered')
  const put = await ports.tokens.storeCertificate(
    { token: plan.token, ckaId: plan.ckaId, label: plan.label, der, spkiSha256 },
    writeLogin(secrets),
  )
  const why = put.ok
    ? null
    : JSON.stringify({ kind: put.error.kind, code: put.error.code, message: `${onlyHere} ${put.error.message}` })
  const at = ports.now().toISOString()
  const noted = await writeTransaction(ports.db, (trx) =>
    changeGeneration(trx, id, ['registered'], { certificate_not_on_token: why }, at),
  )
  return noted.ok ? reread(ports, id) : noted
}

const onlyHere = 'The certificate is kept here and not on the token; the key can be used all the same.'

/** Opens the new key, found again by its public key, for one piece of work. */
async function withKey<T>(
  ports: GenerationPorts,
  { id, requestId, plan, spkiSha256 }: StoredGeneration,
  { pin, useLastTry, onSignal }: GenerationSecrets,
  operator: string,
  work: (session: SigningSession) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  if (spkiSha256 === null) return err(notMade)
  const { token, ckaId, algorithm } = plan
  const home: KeyHome = { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) }
  const reference: KeyReference = { home, algorithm, spkiSha256, sealed: null }
  const signal = new AbortController().signal
  const session = await ports.tokens.openSession(reference, copyOf(pin), { useLastTry, signal, onSignal })
  if (!session.ok) {
    const failed = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [
        {
          event: 'login-failed',
          requestId: requestId ?? id,
          code: session.error.code,
          tokenSerial: token.serial,
          operator,
        },
      ]),
    )
    return failed.ok ? session : failed
  }
  try {
    return await work(session.value)
  } finally {
    await session.value.close()
  }
}

/** SHA-256 of the certificate, as debusine names a UEFI key. */
function fingerprintOf(der: Uint8Array): Fingerprint {
  return fingerprint.parse(createHash('sha256').update(der).digest('hex').toUpperCase())
}

const notMade: Failure = {
  kind: 'refused',
  code: 'not-now',
  message: 'This key was not made, or it is settled. Nothing was changed. Look at it again.',
}
