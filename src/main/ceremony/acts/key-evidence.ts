import { createHash, createPublicKey } from 'node:crypto'
import { writeTransaction } from '../../../../db/write-transaction.ts'
import type { CeremonyFact, CeremonyKey } from '../../../shared/ceremony.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, sha256Hex } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { ecdsaSigValue } from '../../asn1/signature-value.ts'
import { listKeys, type StoredKey } from '../../keys/key.repository.ts'
import { pkcs11Uri } from '../../keys/pkcs11-uri.ts'
import { signatureScheme } from '../../signing/signature-scheme.ts'
import type { KeyReference } from '../../token/token-service.ts'
import { type CeremonyPorts, fact, type NewFile } from '../ports.ts'
import { type AnyAttempt, pinOf } from './whose.ts'

/** The certificate with which the key is registered. */
export async function certificateOf(
  ports: Pick<CeremonyPorts, 'db'>,
  key: CeremonyKey,
): Promise<Result<StoredKey, Failure>> {
  const stored = (await listKeys(ports.db)).find(
    ({ purpose, spkiSha256, fingerprint }) =>
      purpose === key.purpose &&
      (key.fingerprint === null ? spkiSha256 === key.spkiSha256 : fingerprint === key.fingerprint),
  )
  return stored === undefined ? err(notRegistered) : ok(stored)
}

/** What a ceremony knows of a registered key. */
export function ceremonyKeyOf(
  name: string,
  stored: StoredKey,
  spki: Uint8Array,
  generation: string | null,
): Result<CeremonyKey, Failure> {
  if (stored.home.kind !== 'token') return err(inSoftware)
  const { token, ckaId } = stored.home
  return ok({
    name,
    purpose: stored.purpose,
    fingerprint: stored.fingerprint,
    token,
    ckaId,
    algorithm: stored.algorithm,
    ...publicKey(spki),
    generation,
  })
}

/** PEM and digest of a SubjectPublicKeyInfo. */
export function publicKey(spki: Uint8Array): Pick<CeremonyKey, 'spkiSha256' | 'spkiPem'> {
  const pem = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({
    type: 'spki',
    format: 'pem',
  })
  return { spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')), spkiPem: String(pem) }
}

/**
 * The key signs a text of this moment, and OpenSSL verifies it with nothing but the public key. The use is on record before, as every use is
 * (`possession-challenged`); the text is good for nothing else.
 */
export async function testSignature(
  attempt: AnyAttempt,
  key: CeremonyKey & { readonly fingerprint: Fingerprint },
  names: { readonly prefix: string; readonly random: Uint8Array },
): Promise<Result<{ readonly facts: readonly CeremonyFact[]; readonly files: readonly NewFile[] }, Failure>> {
  const { ports, secrets, operator, ceremonyId } = attempt
  const scheme = signatureScheme(key.algorithm)
  if (scheme === null) return err(cannotSign)
  const pin = pinOf(secrets)
  if (!pin.ok) return pin
  const message = Buffer.from(
    `Signing Station: test signature\nceremony ${ceremonyId}\nkey ${key.fingerprint}\ntoken ${key.token.serial}\nnonce ${Buffer.from(names.random).toString('hex')}\n`,
  )
  const digest = createHash('sha256').update(message).digest()
  const { token, ckaId, algorithm, spkiSha256 } = key
  const tokenSerial = token.serial
  const reference: KeyReference = {
    home: { kind: 'token', token, ckaId, pkcs11Uri: pkcs11Uri(token, ckaId) },
    algorithm,
    spkiSha256,
    sealed: null,
  }
  const session = await ports.tokens.openSession(reference, pin.value, {
    useLastTry: secrets.useLastTry,
    signal: new AbortController().signal,
    onSignal: ports.onSignal,
  })
  if (!session.ok) {
    const { code } = session.error
    const noted = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [{ event: 'login-failed', requestId: null, code, tokenSerial, operator }]),
    )
    return noted.ok ? session : noted
  }
  try {
    const intended = await writeTransaction(ports.db, (trx) =>
      ports.audit.append(trx, [
        {
          event: 'possession-challenged',
          purpose: key.purpose,
          fingerprint: key.fingerprint,
          digest: digest.toString('hex'),
          tokenSerial,
          operator,
        },
      ]),
    )
    if (!intended.ok) return intended
    const signed = await session.value.sign({ scheme, digest })
    if (!signed.ok) return signed
    const signature = scheme === 'ecdsa-sha256' ? ecdsaSigValue(signed.value) : signed.value
    const files = {
      message: `${names.prefix}-message.txt`,
      signature: `${names.prefix}-signature.bin`,
      key: `${names.prefix}-public-key.pem`,
    }
    const verdict = await ports.openssl.ask(
      { [files.message]: message, [files.signature]: signature, [files.key]: key.spkiPem },
      ['dgst', '-sha256', '-verify', files.key, '-signature', files.signature, files.message],
      'Verified OK',
    )
    if (!verdict.ok) return verdict
    return ok({
      facts: [
        fact('Signed', message.toString(), 'lines'),
        fact('SHA-256 of what was signed', digest.toString('hex'), 'digest'),
        fact('Verified by', verdict.value.version),
        fact('Command', verdict.value.command),
        fact('It said', verdict.value.output, 'lines'),
      ],
      files: [
        { name: files.message, content: message },
        { name: files.signature, content: signature },
        { name: files.key, content: Buffer.from(key.spkiPem) },
      ],
    })
  } finally {
    await session.value.close()
    ports.onSignal('over')
  }
}

export const notRegistered: Failure = {
  kind: 'refused',
  code: 'key-not-registered',
  message: 'The key is not registered at this station: it has no certificate yet. Nothing was done.',
}
const inSoftware: Failure = {
  kind: 'refused',
  code: 'key-in-software',
  message: 'This key is in software. A ceremony is about keys on devices. Nothing was done.',
}
const cannotSign: Failure = {
  kind: 'refused',
  code: 'algorithm-unsupported',
  message: 'Keys of this kind do not sign here yet. Nothing was signed.',
}
