import { createHash, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../../../db/database.ts'
import { writeTransaction } from '../../../db/write-transaction.ts'
import type { Input } from '../../shared/contract.ts'
import type { Failure } from '../../shared/failure.ts'
import { type Fingerprint, fingerprint } from '../../shared/ids.ts'
import type { KeyHome } from '../../shared/key.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { type ReadCertificate, readCertificate } from '../pki/x509.ts'
import { signatureScheme } from '../signing/signature-scheme.ts'
import type { KeyReference, TokenService } from '../token/token-service.ts'
import { hiddenUntilLogin } from './hidden-key.ts'
import { insertKey, listKeys } from './key.repository.ts'
import { pkcs11Uri } from './pkcs11-uri.ts'

export interface Registration {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly tokens: TokenService
  readonly now: () => Date
}

export type RegistrationInput = Omit<Input<'keys.register'>, 'pin'> & { readonly pin: Secret }

/**
 * Registers a token's key. Three things must agree: the public key in the certificate, the public key read back from the token,
 * and a signature that the token makes over a challenge of this moment (proof of possession).
 */
export async function registerKey(
  ports: Registration,
  input: RegistrationInput,
  operator: string,
): Promise<Result<Fingerprint, Failure>> {
  try {
    const certificate = readCertificate(input.certificatePem)
    if (!certificate.ok) return certificate
    const { facts, spki, spkiSha256, der } = certificate.value
    if (signatureScheme(facts.algorithm) === null) return err(unsupported(facts.algorithm))
    const print = fingerprint.parse(createHash('sha256').update(der).digest('hex').toUpperCase())
    if ((await listKeys(ports.db)).some((key) => key.fingerprint === print)) return err(known)
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
      print,
      input,
      operator,
    })
    if (!proven.ok) return proven
    const stored = await store(ports, { input, certificate: certificate.value, print, home, operator })
    return stored.ok ? ok(print) : stored
  } finally {
    input.pin.wipe()
  }
}

interface Proof {
  readonly reference: KeyReference
  readonly print: Fingerprint
  readonly input: RegistrationInput
  readonly operator: string
}

/** The challenge begins with words that no signed format begins with, so that its signature is good for nothing else. */
function challengeFor(print: Fingerprint, token: TokenId): Uint8Array {
  const text = `Signing Station: proof of possession of ${print} on token ${token.serial}\n`
  return createHash('sha256').update(text).update(randomBytes(32)).digest()
}

async function provePossession(
  ports: Registration,
  { reference, print, input, operator }: Proof,
): Promise<Result<null, Failure>> {
  const scheme = signatureScheme(reference.algorithm)
  if (scheme === null) return err(unsupported(reference.algorithm))
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
    const digest = challengeFor(print, input.token)
    // Invariant I1 holds for this use of the key as well.
    const intent = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [
        {
          event: 'possession-challenged',
          purpose: input.purpose,
          fingerprint: print,
          digest: Buffer.from(digest).toString('hex'),
          tokenSerial,
          operator,
        },
      ]),
    )
    if (!intent.ok) return intent
    // The session verifies what the token made with the public key that was read back, which is the certificate's.
    const signature = await session.value.sign({ scheme, digest })
    return signature.ok ? ok(null) : signature
  } finally {
    await session.value.close()
  }
}

interface NewKey {
  readonly input: RegistrationInput
  readonly certificate: ReadCertificate
  readonly print: Fingerprint
  readonly home: Extract<KeyHome, { kind: 'token' }>
  readonly operator: string
}

async function store(
  ports: Registration,
  { input, certificate, print, home, operator }: NewKey,
): Promise<Result<null, Failure>> {
  const at = ports.now().toISOString()
  const origin = await originOf(ports.tokens, input)
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
      algorithm: certificate.facts.algorithm,
      spki_sha256: certificate.spkiSha256,
      token_manufacturer: input.token.manufacturer,
      token_model: input.token.model,
      token_serial: input.token.serial,
      cka_id: input.ckaId,
    })
    await ports.audit.append(trx, [
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
    ])
  })
  return written.ok ? ok(null) : written
}

/** CKA_LOCAL is the token's own word that the key was born on it; without that word nobody knows. */
async function originOf(tokens: TokenService, input: RegistrationInput): Promise<'generated' | 'imported' | 'unknown'> {
  const { tokens: found } = await tokens.list({ refresh: false })
  const object = found
    .find(({ token }) => token.id.serial === input.token.serial && token.id.model === input.token.model)
    ?.objects.find(({ ckaId }) => ckaId === input.ckaId)
  if (object === undefined || object.generatedOnToken === null) return 'unknown'
  return object.generatedOnToken ? 'generated' : 'imported'
}

const known: Failure = {
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
function unsupported(algorithm: string): Failure {
  return {
    kind: 'refused',
    code: 'algorithm-unsupported',
    message: `Keys of the kind “${algorithm}” do not sign for this purpose. Nothing was registered. Use RSA 2048 to 4096, P-256 or P-384.`,
  }
}
