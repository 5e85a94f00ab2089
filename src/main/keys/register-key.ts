import { createHash, randomBytes } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Input } from '../../shared/contract.ts'
import type { Failure } from '../../shared/failure.ts'
import { type Fingerprint, fingerprint, type Sha256Hex } from '../../shared/ids.ts'
import type { KeyHome } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { KeyAlgorithm, TokenId } from '../../shared/token.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { readCertificate } from '../pki/x509.ts'
import { signatureScheme } from '../signing/signature-scheme.ts'
import type { KeyReference, SignatureScheme, SigningSession, TokenService } from '../token/token-service.ts'
import { type AttestationPorts, attestedEntry, lookAt, storeAttestation } from './attestation/attest-key.ts'
import type { SeenAttestation } from './attestation/obtain-attestation.ts'
import { hiddenUntilLogin } from './hidden-key.ts'
import { insertKey, listKeys } from './key.repository.ts'
import { listPrimaries } from './openpgp/primary.repository.ts'
import { pkcs11Uri } from './pkcs11-uri.ts'

export interface Registration extends AttestationPorts {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService
  /** What has to be written in the transaction that registers the key. */
  readonly also?: (trx: Transaction<Database>, print: Fingerprint) => Promise<void>
}

export type RegistrationInput = Omit<Input<'keys.register'>, 'pin'> & { readonly pin: Secret }

/**
 * Registers a token's key. Three things must agree: the public key in the certificate, the public key read back from the token,
 * and a signature that the token makes over a challenge of this moment (proof of possession). What the token's maker says of the key is
 * recorded with it, good or bad; a key whose attestation fails is registered all the same, and shows that for ever.
 */
export async function registerKey(
  ports: Registration,
  input: RegistrationInput,
  operator: string,
  bornHere = false,
): Promise<Result<Fingerprint, Failure>> {
  try {
    const certificate = readCertificate(input.certificatePem)
    if (!certificate.ok) return certificate
    const { facts, spki, spkiSha256, der } = certificate.value
    const scheme = signatureScheme(facts.algorithm)
    if (scheme === null) return err(unsupported(facts.algorithm))
    const print = fingerprint.parse(createHash('sha256').update(der).digest('hex').toUpperCase())
    const keys = await listKeys(ports.db)
    if (keys.some((key) => key.fingerprint === print)) return err(known)
    const bound = [...keys.filter(({ openpgp }) => openpgp?.primary != null), ...(await listPrimaries(ports.db))]
    if (bound.some((key) => key.spkiSha256 === spkiSha256)) return err(boundToOpenPgp)
    const read = await ports.tokens.readPublicKey(input.token, input.ckaId)
    if (!read.ok && !hiddenUntilLogin(input.token, read.error.code)) return read
    if (read.ok && Buffer.compare(read.value, spki) !== 0) return err(otherKey)
    const home: KeyHome = {
      kind: 'token',
      token: input.token,
      ckaId: input.ckaId,
      pkcs11Uri: pkcs11Uri(input.token, input.ckaId),
    }
    const proven = await provePossession(ports, {
      reference: { home, algorithm: facts.algorithm, spkiSha256, sealed: null },
      scheme,
      print,
      input,
      operator,
    })
    if (!proven.ok) return proven
    const seen = await lookAt(ports, { token: input.token, ckaId: input.ckaId, spki })
    const stored = await storeTokenKey(
      ports,
      { input, certificate: { algorithm: facts.algorithm, spkiSha256 }, print, home, seen, operator },
      bornHere,
    )
    return stored.ok ? ok(print) : stored
  } finally {
    input.pin.wipe()
  }
}

interface Proof {
  readonly reference: KeyReference
  readonly scheme: SignatureScheme
  readonly print: Fingerprint
  readonly input: RegistrationInput
  readonly operator: string
}

/** Has an opened key sign a challenge of this moment, on record before it does (proof of possession). */
export async function challengeKey(
  ports: Pick<Registration, 'db' | 'audit'>,
  session: SigningSession,
  {
    purpose,
    print,
    token,
    scheme,
    operator,
  }: {
    readonly purpose: string
    readonly print: Fingerprint
    readonly token: TokenId
    readonly scheme: SignatureScheme
    readonly operator: string
  },
): Promise<Result<null, Failure>> {
  const digest = challengeFor(print, token, scheme)
  // Invariant I1 holds for this use of the key as well.
  const intent = await writeTransaction(ports.db, (trx) =>
    ports.audit.append(trx, [
      {
        event: 'possession-challenged',
        purpose,
        fingerprint: print,
        digest: Buffer.from(digest).toString('hex'),
        tokenSerial: token.serial,
        operator,
      },
    ]),
  )
  if (!intent.ok) return intent
  // The session verifies what the token made with the public key that was read back, which is the certificate's.
  const signature = await session.sign({ scheme, digest })
  return signature.ok ? ok(null) : signature
}

/**
 * The challenge begins with words that no signed format begins with, and ends as no OpenPGP signature's data end (RFC 9580 §5.2.4: with a
 * version, 0xFF and a length), so that its signature is good for nothing else.
 */
function challengeFor(print: Fingerprint, token: TokenId, scheme: SignatureScheme): Uint8Array {
  const text = `Signing Station: proof of possession of ${print} on token ${token.serial}\n`
  return createHash(scheme.endsWith('-sha512') ? 'sha512' : 'sha256')
    .update(text)
    .update(randomBytes(32))
    .update('\nend of the challenge\n')
    .digest()
}

export async function provePossession(
  ports: Registration,
  { reference, print, scheme, input, operator }: Proof,
): Promise<Result<null, Failure>> {
  const session = await ports.tokens.openSession(reference, input.pin, {
    useLastTry: input.useLastTry,
    signal: new AbortController().signal,
    onSignal: () => {},
  })
  const tokenSerial = input.token.serial
  if (!session.ok) {
    await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [
        { event: 'login-failed', requestId: null, code: session.error.code, tokenSerial, operator },
      ]),
    )
    return session
  }
  try {
    return await challengeKey(ports, session.value, {
      purpose: input.purpose,
      print,
      token: input.token,
      scheme,
      operator,
    })
  } finally {
    await session.value.close()
  }
}

export interface CertifiedPublicKey {
  readonly algorithm: KeyAlgorithm
  readonly spkiSha256: Sha256Hex
}

interface NewKey {
  readonly input: Omit<RegistrationInput, 'pin' | 'useLastTry'>
  /** The public key in the certificate. */
  readonly certificate: CertifiedPublicKey
  readonly print: Fingerprint
  readonly home: Extract<KeyHome, { kind: 'token' }>
  readonly seen: SeenAttestation
  readonly operator: string
}

/** Writes a key whose possession was proven. `bornHere`: this station had it made on the token. */
export async function storeTokenKey(
  ports: Registration,
  { input, certificate, print, home, seen, operator }: NewKey,
  bornHere = false,
): Promise<Result<null, Failure>> {
  const at = ports.now().toISOString()
  const said = await originOf(ports.tokens, input)
  // A token that says of a key made on it that it came from elsewhere contradicts itself.
  const origin = bornHere ? (said === 'imported' ? 'unknown' : 'generated') : said
  const name = { purpose: input.purpose, fingerprint: print }
  const written = await writeTransaction(ports.db, async (trx) => {
    await insertKey(trx, {
      purpose: input.purpose,
      fingerprint: print,
      private_key: JSON.stringify({ storage: 'pkcs11-static', pkcs11_uri: home.pkcs11Uri }),
      public_key: Buffer.from(input.certificatePem, 'utf8'),
      created_at: at,
      updated_at: at,
      description: input.description,
      state: 'active',
      production: input.production ? 1 : 0,
      origin,
      algorithm: certificate.algorithm,
      spki_sha256: certificate.spkiSha256,
      token_manufacturer: input.token.manufacturer,
      token_model: input.token.model,
      token_serial: input.token.serial,
      cka_id: input.ckaId,
    })
    const seqs = await ports.audit.append(trx, [
      {
        event: 'key-registered',
        purpose: input.purpose,
        fingerprint: print,
        description: input.description,
        origin,
        home: 'token',
        tokenSerial: input.token.serial,
        spkiSha256: certificate.spkiSha256,
        operator,
      },
      attestedEntry(name, seen, { tokenSerial: input.token.serial, operator }),
    ])
    await storeAttestation(trx, name, seen, { seq: seqs.at(-1), at, operator })
    await ports.also?.(trx, print)
  })
  return written.ok ? ok(null) : written
}

/** CKA_LOCAL is the token's own word that the key was born on it; without that word nobody knows. */
async function originOf(
  tokens: TokenService,
  input: Pick<RegistrationInput, 'token' | 'ckaId'>,
): Promise<'generated' | 'imported' | 'unknown'> {
  const { tokens: found } = await tokens.list({ refresh: false })
  const object = found
    .find(({ token }) => token.id.serial === input.token.serial && token.id.model === input.token.model)
    ?.objects.find(({ ckaId }) => ckaId === input.ckaId)
  if (object === undefined || object.generatedOnToken === null) return 'unknown'
  return object.generatedOnToken ? 'generated' : 'imported'
}

export const known: Failure = {
  kind: 'refused',
  code: 'key-known',
  message: 'A key with this certificate is registered here already. Nothing was changed.',
}
const otherKey: Failure = {
  kind: 'refused',
  code: 'certificate-of-another-key',
  message:
    'The certificate is for another key than the one on the token. Nothing was registered. Choose the certificate that was made for this key.',
}
const boundToOpenPgp: Failure = {
  kind: 'refused',
  code: 'key-of-another-purpose',
  message:
    'The key belongs to an OpenPGP certificate that was made here. A key signs for one purpose alone. Nothing was registered. Choose a key of its own.',
}
function unsupported(algorithm: string): Failure {
  return {
    kind: 'refused',
    code: 'algorithm-unsupported',
    message: `Keys of the kind “${algorithm}” do not sign for this purpose. Nothing was registered. Use RSA 2048 to 4096, P-256 or P-384.`,
  }
}
